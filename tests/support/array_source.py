"""A source of images that a test makes."""

import threading

from mdhr_runtime.sources import Frame, SourceBase


class Arrays(SourceBase):
    """Gives images; None where images are missing.

    Args:
        images: uint8 (H, W, 3) or None.
        name: The source's name.
        live: Whether it is like a camera.
        pause: Seconds before every image.
        error: What it ends with.

    Attributes:
        read: Number of images that were read.
    """

    def __init__(self, images, name="arrays", live=False, pause=0.0, error=None):
        super().__init__(name, live=live, fps=25.0)
        self.images, self.pause, self.error = images, pause, error
        self.read = 0
        self.stopped = threading.Event()

    def __iter__(self):
        for image in self.images:
            if self.stopped.wait(self.pause):
                return
            self.read += image is not None
            yield None if image is None else Frame(self.read, self.read / 25, image)
        if self.error:
            raise self.error

    def stop(self):
        self.stopped.set()
