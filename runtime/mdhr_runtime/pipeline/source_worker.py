"""One source's part of the pipeline: a thread that reads it, and one that finds the faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Thread
from time import monotonic
from typing import Literal

import numpy as np

from ..errors import MdhrError
from ..faces import FaceProvider, FoundFace
from ..results import SourceStats
from ..sources import Camera, Frame, Source
from .channel import Board, Cancelled, Channel
from .scheduler import Prepared, Timeline

READ_AHEAD = 2
"""Frames that wait for the face finder. Of a camera, they are the newest; older ones are dropped."""

NO_IMAGE = np.empty((0, 0, 3), np.uint8)


class Feed:
    """Takes frames from a source, finds their faces, and has them ready for the model.

    Args:
        source: Where frames come from.
        finder: What finds the faces in them.
        board: The pipeline's.
        ready: Most frames that wait for the model.
        keep_images: Whether results carry the images.
        on_problem: Called with an error that ends this source. The others go on.
        on_warning: Called with a sentence that the user should read.
        on_bug: Called with any other exception.

    Attributes:
        source: The source.
        ready: The frames that wait for the model, with their faces; None where frames are missing.
        timeline: What becomes of them.
    """

    def __init__(
        self,
        source: Source,
        finder: FaceProvider,
        board: Board,
        *,
        ready: int,
        keep_images: bool,
        on_problem: Callable[[MdhrError], None],
        on_warning: Callable[[str], None],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        self.source = source
        self.ready: Channel[Prepared | None] = Channel(board, ready)
        self.timeline = Timeline(source.name)
        self._keep_images = keep_images
        self._finder = finder
        self._read: Channel[tuple[Frame, float] | None] = Channel(board, READ_AHEAD, lossy=source.live)
        self._on_problem, self._on_warning, self._on_bug = on_problem, on_warning, on_bug
        self._begun = self._failed = False
        self.threads = [
            Thread(target=work, name=f"{source.name}: {what}", daemon=True)
            for what, work in (("read", self._run_reader), ("faces", self._run_finder))
        ]

    def stats(self) -> SourceStats:
        """What is known of the source at this moment."""
        return SourceStats(self._read.dropped, self.timeline.latency, self._state())

    def _state(self) -> Literal["waiting", "running", "reconnecting", "ended", "failed"]:
        if self._failed:
            return "failed"
        if self.timeline.ended:
            return "ended"
        if not self._begun:
            return "waiting"
        return "reconnecting" if isinstance(self.source, Camera) and not self.source.connected else "running"

    def _run_reader(self) -> None:
        with self._guarded(self._read):
            for frame in self.source:
                self._begun = True
                self._read.put(None if frame is None else (frame, monotonic()))
                self._pass_on_warnings()
        self._pass_on_warnings()

    def _run_finder(self) -> None:
        with self._guarded(self.ready):
            for item in self._read:
                self.ready.put(self._prepared(*item) if item is not None else self._interrupted())
        # After an error of its own, the reader may still wait for room.
        self.source.stop()
        with suppress(Cancelled):
            for _ in self._read:
                pass

    def _prepared(self, frame: Frame, arrived: float) -> Prepared:
        faces: list[FoundFace] = []
        if frame.readable:
            faces = self._finder.find(frame.image)
        else:
            self._finder.interrupt()
        return Prepared(frame if self._keep_images else replace(frame, image=NO_IMAGE), faces, arrived)

    def _interrupted(self) -> None:
        self._finder.interrupt()

    @contextmanager
    def _guarded(self, channel: Channel) -> Iterator[None]:
        """Close a thread's channel at its end, whatever ends it."""
        try:
            yield
        except Cancelled:
            pass
        except MdhrError as error:
            self._failed = True
            self._on_problem(error)
        except BaseException as error:  # a bug of ours; the thread that waits for results shall have it
            self._on_bug(error)
        finally:
            channel.close()

    def _pass_on_warnings(self) -> None:
        while self.source.warnings:
            self._on_warning(self.source.warnings.pop(0))
