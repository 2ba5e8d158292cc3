"""One source's part of the pipeline: a thread that reads it, and one that finds the faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Thread
from typing import Any, Literal

import numpy as np

from ..errors import MdhrError
from ..faceless import FacelessFrames, FirstFrames
from ..faces import FaceProvider, FoundFace
from ..faces.choice import EVERYONE, Choice, ChosenFaces
from ..sources import Frame, Source
from .channel import Cancelled, Channel, Wakeup
from .scheduler import FRAMES_PER_STEP, PendingFrame

READ_AHEAD = 2
"""Frames that wait for the face provider. Of a camera, they are the newest; older ones are dropped."""

NO_IMAGE = np.empty((0, 0, 3), np.uint8)


class SourceWorker:
    """Takes frames from a source, finds their faces, and has them ready for the model.

    Args:
        source: Where frames come from.
        face_provider: Finds the faces in them.
        arrival: Wakes the model's thread.
        choice: Which of the faces go on to the model.
        keep_images: Whether results carry the images.
        on_problem: Called with an error that ends this source. The others go on.
        on_warning: Called with a sentence that the user should read.
        on_bug: Called with any other exception.

    Attributes:
        source: The source.
        frames: The frames that wait for the model; None where frames are missing.
        threads: The two threads that do the work, not yet started.
        faceless: The frames so far without a face.
        lying: Number of frames so far that show a face that lies, by the rotation that would turn it upright; see
            `FaceProvider`.
    """

    def __init__(
        self,
        source: Source,
        face_provider: FaceProvider,
        arrival: Wakeup,
        *,
        choice: Choice = EVERYONE,
        keep_images: bool,
        on_problem: Callable[[MdhrError], None],
        on_warning: Callable[[str], None],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        self.source = source
        self.frames: Channel[PendingFrame | None] = Channel(1 if source.live else FRAMES_PER_STEP, arrival=arrival)
        self._images: Channel[Frame | None] = Channel(READ_AHEAD, lossy=source.live)
        self._face_provider, self._chosen, self._keep_images = face_provider, ChosenFaces(choice), keep_images
        self._on_problem, self._on_warning, self._on_bug = on_problem, on_warning, on_bug
        self.faceless, self.lying = FacelessFrames(), Counter[int]()
        self._first: FirstFrames | None = FirstFrames()
        self._failed, self._follows = False, True
        self._reading: Literal["waiting", "running", "reconnecting"] = "waiting"
        self.threads = [
            Thread(target=work, name=f"{source.name}: {what}", daemon=True)
            for what, work in (("read", self._read), ("faces", self._find_faces))
        ]

    @property
    def dropped(self) -> int:
        """Frames dropped since the start because the machine was too slow."""
        return self._images.dropped

    @property
    def state(self) -> Literal["waiting", "running", "reconnecting", "ended", "failed"]:
        """State of the source at this moment."""
        if self._failed:
            return "failed"
        return "ended" if self.frames.finished else self._reading

    def stop(self) -> None:
        """Let the threads end soon."""
        self.source.stop()
        self._images.cancel()
        self.frames.cancel()

    def _read(self) -> None:
        with self._closing(self._images):
            try:
                for frame in self.source:
                    self._reading = "reconnecting" if frame is None else "running"
                    self._images.put(frame)
                    self._pass_on_warnings()
            finally:  # before the source counts as ended
                self._pass_on_warnings()

    def _find_faces(self) -> None:
        with self._closing(self.frames):
            for frame in self._images:
                self.frames.put(self._pending(frame))
            self._try_directions()
        # After an error of its own, the reader may still wait for room.
        self.source.stop()
        with suppress(Cancelled):
            for _ in self._images:
                pass

    def _pending(self, frame: Frame | None) -> PendingFrame | None:
        found: list[FoundFace] = []
        faces: list[FoundFace] = []
        if frame is not None and frame.readable:
            found = self._face_provider.find(frame.image)
            faces = self._chosen.of(found, frame.image.shape[1], frame.image.shape[0])
        else:
            self._face_provider.interrupt()
        follows, self._follows = self._follows, frame is not None
        if frame is None:
            return None
        if not faces:
            self.faceless.add(frame, elsewhere=bool(found))
        self.lying.update(self._face_provider.lying[:1])
        if found:
            self._first = None
        elif self._first is not None and frame.readable and self._first.add(frame):
            self._try_directions()
        kept = frame if self._keep_images else replace(frame, image=NO_IMAGE)
        return PendingFrame(kept, {face.face_id: face for face in faces}, follows=follows)

    def _try_directions(self) -> None:
        """Warn if the first frames, none of which shows a face, do so when they are turned."""
        first, self._first = self._first, None
        advice = first and first.advice(self._face_provider.shows_face)
        if advice:
            self._on_warning(advice)

    @contextmanager
    def _closing(self, channel: Channel[Any]) -> Iterator[None]:
        """Close a thread's channel at its end, whatever ends it."""
        try:
            yield
        except Cancelled:
            pass
        except MdhrError as error:
            self._failed = True
            self._on_problem(error)
        except BaseException as error:  # unexpected: re-raised where the results are taken
            self._on_bug(error)
        finally:
            channel.close()

    def _pass_on_warnings(self) -> None:
        while self.source.warnings:
            self._on_warning(self.source.warnings.pop(0))
