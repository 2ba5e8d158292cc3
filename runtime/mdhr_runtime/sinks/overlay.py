"""The video with its results drawn on it.

It begins with the first frame that is drawn, and has its size. Every frame is shown from its own time on, those without
a face too, so that the video runs at the pace of the source, however uneven that is; only a camera's long absence is
cut. The sound of a file is copied, in step with the pictures.

One source gives `out.mp4`; several give one file each, `out-NAME.mp4` with the name of the source; see
`mdhr_runtime.names`. A file is called `out.mdhr-partial.mp4` until it is complete.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from ..errors import OutputError
from ..files import told
from ..names import one_per_source
from ..results import FrameResult, SourceInfo
from ..targets import PartialFile, is_marked_mp4, mp4_mark
from .base import Sink, SinkContext
from .drawing import draw
from .sound import NoSoundError, Sound
from .video_file import VideoFile, check_sound

UNKNOWN_RATE = 25.0
"""Frames per second of a source that does not know its rate."""
LONGEST_STILL = 2.0
"""Seconds for which a picture is shown at most while a camera is away; a longer absence is cut to this."""
SMALLEST, LARGEST = 2, 8176
"""Sides in pixels that all encoders take; other pictures are scaled."""
SPACE_LEFT = 16 * 2**20
"""Bytes that must be free. Encoders do not always report a full disk, and the end of the file needs some."""
MARK = mp4_mark("overlay")


class Overlay(Sink):
    """Writes the annotated video of every source. Only final results are drawn.

    Args:
        target: The file; an older one that this class wrote is replaced when the new one is complete.
        context: The run.

    Raises:
        OutputError: A file cannot be written, or exists and is not from this class.
    """

    needs_images = True

    def __init__(self, target: str | Path, context: SinkContext) -> None:
        self._aus = context.aus
        self._videos: dict[str, _Video] = {}
        try:
            paths = one_per_source(Path(target), [source.name for source in context.sources])
            for source, path in zip(context.sources, paths, strict=True):
                self._videos[source.name] = _Video(path, source, context)
        except BaseException:
            self.close()
            raise

    @property
    def summary(self) -> str:
        """See `Sink`; a line per video."""
        return "\n".join(map(str, self._videos.values()))

    def write(self, result: FrameResult) -> None:
        """Draw and write a frame.

        Raises:
            OutputError: It cannot be written, for example because the disk is full.
        """
        if result.final:
            self._videos[result.source].write(draw(result.image, result.rows, self._aus), result.timestamp)

    def close(self) -> None:
        """Complete the videos. Safe to call twice.

        Raises:
            OutputError: One cannot be completed. The others are.
        """
        with ExitStack() as stack:
            for video in self._videos.values():
                stack.callback(video.close)


class _Video:
    """The video of one source, which begins with its first picture."""

    def __init__(self, path: Path, source: SourceInfo, context: SinkContext) -> None:
        self._target = PartialFile(path, _is_ours, inputs=context.inputs, overwrite=context.overwrite)
        self._source = source
        self._file: VideoFile | None = None
        self._size = (0, 0)
        self._written = 0
        self._start = self._last = 0.0  # time stamps of the first picture, later by what was cut, and of the last one
        self._note = ""  # what becomes of the sound

    def __str__(self) -> str:
        return f"{self._written} frames: {self._target.path}{self._note}"

    def write(self, image: np.ndarray, timestamp: float) -> None:
        if self._file is None:
            self._file = self._begin(image, timestamp)
        if self._source.live:
            self._start += max(timestamp - self._last - LONGEST_STILL, 0.0)
        self._last = timestamp
        with told(self._target.path):
            self._check_space()
            self._file.write(_fit(image, self._size), timestamp - self._start)
        self._written += 1

    def close(self) -> None:
        file, self._file = self._file, None
        try:
            if file is not None:
                with told(self._target.partial):
                    file.close()
                    with self._target.partial.open("ab") as end:
                        end.write(MARK)
                self._target.complete()
        finally:
            self._target.release()

    def _begin(self, image: np.ndarray, timestamp: float) -> VideoFile:
        height, width = (min(max(side, SMALLEST), LARGEST) for side in image.shape[:2])
        self._size, self._start, self._last = (width, height), timestamp, timestamp
        sound = self._sound()
        with told(self._target.path):
            return VideoFile(self._target.partial, self._source.fps or UNKNOWN_RATE, self._size, sound)

    def _sound(self) -> Sound | None:
        """Open the sound that is to be copied, if there is any."""
        if self._source.recording is None:
            return None
        try:
            sound = Sound(self._source.recording, self._source.begins + self._start)
            check_sound(sound)
        except NoSoundError as why:
            self._note = f" (without its sound: {why})" if str(why) else ""
            return None
        self._note = " (with its sound)"
        return sound

    def _check_space(self) -> None:
        if shutil.disk_usage(self._target.path.parent).free < SPACE_LEFT:
            raise OutputError(
                f"{self._target.path} cannot grow.",
                f"Less than {SPACE_LEFT >> 20} MiB are free on its disk.",
                "Make room. The video is complete up to here.",
            )


def _is_ours(path: Path) -> bool:
    return is_marked_mp4(path, MARK)


def _fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image in the middle of another size, in its own shape: cameras may change their resolution."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    inner = (max(round(width * scale), 1), max(round(height * scale), 1))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    fitted = np.zeros((size[1], size[0], 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    return fitted
