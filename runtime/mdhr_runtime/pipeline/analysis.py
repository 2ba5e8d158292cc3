"""The analysis of videos, images and cameras: every face of every frame, as results that come while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import NamedTuple

import cv2
import numpy as np

from ..contract import EMBEDDER, ONET, PNET, RNET
from ..defaults import IMAGES_PER_SECOND, TIMEOUT
from ..errors import AnalysisError, MdhrError
from ..faces import FaceProvider
from ..faces.alignment import AlignedImages, align
from ..faces.identity import Embedder, EmbeddingIdentity, People
from ..faces.mtcnn import Mtcnn
from ..faces.options import DEFAULTS, FaceOptions
from ..faces.tracking import FaceTracker
from ..layout import CropGeometry
from ..results import FrameResult, SourceStats
from ..sources import Selection, Source, SourceAddress, open_sources
from ..sources.selection import WHOLE
from ..streaming.model import Model, load
from .channel import Cancelled, Channel, Wakeup
from .scheduler import Scheduler, SourceTimeline
from .source_worker import SourceWorker

MOST_RESULTS = 8
"""Results that wait to be fetched; then the model waits."""

FILES_AT_ONCE = 4
"""Files that are analysed at the same time; others wait for their turn, unopened. Every one has two threads, a decoder,
and up to a dozen frames that wait, of 25 MB at 4K. Cameras do not wait."""

LAST_WAIT = 3.0
"""Seconds that threads get to end. One that is inside OpenCV, waiting for a camera, ends later, on its own."""


def analyze(
    sources: SourceAddress | Sequence[SourceAddress],
    bundle: Model | Path | str,
    *,
    provider: str = "auto",
    precision: str | None = None,
    faces: FaceOptions = DEFAULTS,
    provisional: bool = False,
    timeout: float = TIMEOUT,
    images_per_second: float = IMAGES_PER_SECOND,
    selection: Selection = WHOLE,
) -> Iterator[FrameResult]:
    """Score every face in videos, images or cameras.

    Args:
        sources: One or several of: a video or image, a folder or pattern of these, the number of a webcam, a URL; see
            `open_sources`.
        bundle: The model, or the folder of its bundle.
        provider: What runs the model, if `bundle` is a folder; see `load`.
        precision: What it is computed in, likewise.
        faces: How faces are found, told apart and given.
        provisional: Whether every frame gets a provisional result at once, besides its final one later.
        timeout: Seconds in which a camera must deliver its first frame.
        images_per_second: Rate that images are taken to be recorded at.
        selection: The part of every source that is analysed.

    Yields:
        One final result per frame, those of a source in order, `lookahead` frames late at most. Frames that show no
        face have one row without scores.

    Raises:
        MdhrError: A source, the bundle or the provider cannot be opened; or, after all other sources have ended, a
            source broke off or never delivered. Several such sources give an `AnalysisError` with all their errors.
    """
    addresses = [sources] if isinstance(sources, str | Path | int) else sources
    opened = open_sources(addresses, timeout, images_per_second, selection)
    model = bundle if isinstance(bundle, Model) else load(bundle, provider, precision=precision)
    make_face_provider = make_face_providers(model, faces)
    with Analysis(opened, model, make_face_provider, faces=faces, provisional=provisional) as analysis:
        yield from analysis
    analysis.raise_problems()


def make_face_providers(
    model: Model,
    faces: FaceOptions = DEFAULTS,
    align: Callable[[np.ndarray, np.ndarray, CropGeometry], np.ndarray] = align,
) -> Callable[[Source], FaceProvider]:
    """Choose how faces are found; returns what makes the face provider of a source.

    Args:
        model: Has the graphs for it.
        faces: The choices.
        align: Cuts out the faces that were found.

    Raises:
        BundleError: The bundle lacks a graph that is needed.
    """
    crop = model.layout.crop
    if faces.kind == "crops":
        return lambda source: AlignedImages(crop)
    mtcnn = Mtcnn(model.graph(PNET), model.graph(RNET), model.graph(ONET), faces.min_face)

    def cut_out(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return align(image, landmarks, crop)

    able = EMBEDDER in model.bundle.manifest.graphs
    recognises = faces.identity == "embedding" or (faces.identity is None and (able or faces.across))
    embedder = Embedder(model.graph(EMBEDDER)) if recognises else None
    everybody = People()

    def make(source: Source) -> FaceProvider:
        detect, gap = (_in_frames(duration, source.fps) for duration in (faces.detect_every, faces.max_gap))
        people = everybody if faces.across else People()
        identity = None if embedder is None else EmbeddingIdentity(embedder, people)
        return FaceTracker(mtcnn, mtcnn, cut_out, max(detect, 1), gap, identity)

    return make


def _in_frames(duration: int | timedelta, fps: float | None) -> int:
    return duration if isinstance(duration, int) else round(duration.total_seconds() * (fps or IMAGES_PER_SECOND))


def limit_opencv_threads() -> None:
    """Let OpenCV work with one thread, for programs that have their process to themselves.

    Its work on a frame is too small for several, and they would take cores from the model, which waits for the last.
    """
    cv2.setNumThreads(1)


class _Line(NamedTuple):
    """A source that is under way: what takes its frames, and what becomes of them."""

    worker: SourceWorker
    timeline: SourceTimeline

    def stats(self) -> SourceStats:
        worker = self.worker
        lost, latency = worker.source.lost, self.timeline.latency
        return SourceStats(worker.dropped, lost, latency, worker.state, worker.faceless, worker.lying)


class _End(NamedTuple):
    """Comes after the last result of a source."""

    source: str


class Analysis:
    """Sources on their way through the model. A context manager that is iterated over once.

    Every source has a thread that reads it and one that finds its faces; one thread runs the model on whatever waits.
    They work ahead by a bounded number of frames. Files wait when that is reached; cameras drop their oldest frames. Of
    many files, `files_at_once` are analysed at the same time, in their order.

    Args:
        sources: Where images come from.
        model: What scores the faces.
        make_face_provider: Makes the face provider of a source; see `make_face_providers`.
        faces: Which faces are scored, how well they must be seen, and whether files take turns: those of people who are
            numbered across them do, as the numbers would differ from run to run.
        provisional: Whether every frame gets a provisional result at once.
        keep_images: Whether results carry the images.
        files_at_once: Files that are analysed at the same time; the others wait, unopened.
        more: Whether files may be added while it runs; then it ends after `finish`.
        on_problem: Called from another thread when a source ends with an error: its name, and the error. The other
            sources go on.
        on_warning: Called from another thread with the name of a source and what the user should know of it.
        on_end: Called where the results are taken, with the name of a source that has given its last one.

    Attributes:
        problems: The errors that ended sources so far, with the sources' names.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        model: Model,
        make_face_provider: Callable[[Source], FaceProvider],
        *,
        faces: FaceOptions = DEFAULTS,
        provisional: bool = False,
        keep_images: bool = True,
        files_at_once: int = FILES_AT_ONCE,
        more: bool = False,
        on_problem: Callable[[str, MdhrError], None] = lambda name, error: None,
        on_warning: Callable[[str, str], None] = lambda name, text: None,
        on_end: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.problems: list[tuple[str, MdhrError]] = []
        self._on_problem, self._on_warning, self._on_end = on_problem, on_warning, on_end
        self._bug: BaseException | None = None
        self._files_at_once, self._more = 1 if faces.across else files_at_once, more
        self._scheduler = Scheduler(model.batch(), provisional=provisional)
        self._arrival = Wakeup()
        self._results: Channel[FrameResult | _End] = Channel(MOST_RESULTS)
        self._manifest, self._faces, self._keep_images = model.bundle.manifest, faces, keep_images
        self._make_face_provider = make_face_provider
        self._waiting = deque(sorted(sources, key=lambda source: not source.live))
        self._lines: list[_Line] = []
        self._ended: dict[str, SourceStats] = {}
        self._model_thread = Thread(target=self._run_model, name="model", daemon=True)

    def __enter__(self) -> Analysis:
        try:
            self._start_due()
            self._model_thread.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def __iter__(self) -> Iterator[FrameResult]:
        """Give the results as they come.

        Raises:
            Exception: Whatever unexpected went wrong in one of the threads.
        """
        with suppress(Cancelled):
            for result in self._results:
                if isinstance(result, _End):
                    self._on_end(result.source)
                else:
                    yield result
        if self._bug is not None:
            raise self._bug

    def add(self, source: Source) -> None:
        """Append a file, whose name no other has at this time. Safe to call from any thread."""
        self._waiting.append(source)
        self._arrival.give()

    def finish(self) -> None:
        """Say that no more files are added. Safe to call from any thread."""
        self._more = False
        self._arrival.give()

    def forget(self, source: str) -> None:
        """Drop the state of a source that has ended, where memory is not to grow with their number."""
        del self._ended[source]

    def stats(self) -> Mapping[str, SourceStats]:
        """The present state of every source by its name. Safe to call from any thread."""
        # One that moves on in between is found twice, and counts as what it is by now.
        waiting = {source.name: SourceStats(state="waiting") for source in tuple(self._waiting)}
        going = {line.worker.source.name: line.stats() for line in tuple(self._lines)}
        return waiting | going | self._ended

    def raise_problems(self) -> None:
        """Raise what has ended sources, if anything has.

        Raises:
            MdhrError: The error of the one source that had one.
            AnalysisError: Several sources had errors.
        """
        if len(self.problems) > 1:
            raise AnalysisError(self.problems)
        for _, error in self.problems:
            raise error

    def _make_line(self, source: Source) -> _Line:
        def problem(error: MdhrError) -> None:
            self.problems.append((source.name, error))
            self._on_problem(source.name, error)

        worker = SourceWorker(
            source,
            self._make_face_provider(source),
            self._arrival,
            choice=self._faces.choice,
            keep_images=self._keep_images,
            on_problem=problem,
            on_warning=lambda text: self._on_warning(source.name, text),
            on_bug=self._fail,
        )
        return _Line(worker, SourceTimeline(source.info, worker.frames, self._manifest, self._faces.min_quality))

    def _run_model(self) -> None:
        try:
            while not (self._done() or self._arrival.cancelled):
                self._arrival.wait_for(lambda: self._done() or self._due() or any(map(_has_work, self._lines)))
                self._start_due()
                for result in self._scheduler.step([line.timeline for line in self._lines]):
                    self._results.put(result)
                self._part_with_done()
        except Cancelled:
            pass
        except BaseException as error:  # unexpected: re-raised where the results are taken
            self._fail(error)
        finally:
            self._results.close()

    def _done(self) -> bool:
        return not (self._more or self._waiting or self._lines)

    def _due(self) -> bool:
        """Whether a source waits whose turn has come."""
        if not self._waiting or self._waiting[0].live:
            return bool(self._waiting)
        return sum(not line.worker.source.live for line in self._lines) < self._files_at_once

    def _start_due(self) -> None:
        while self._due():
            line = self._make_line(self._waiting[0])
            self._lines.append(line)
            self._waiting.popleft()
            for thread in line.worker.threads:
                thread.start()

    def _part_with_done(self) -> None:
        for line in [line for line in self._lines if line.timeline.done]:
            name = line.worker.source.name
            self._ended[name] = line.stats()
            self._lines.remove(line)
            self._results.put(_End(name))

    def _fail(self, error: BaseException) -> None:
        self._bug = self._bug or error
        self._stop()

    def _end(self) -> None:
        self._stop()
        last = monotonic() + LAST_WAIT
        self._join([self._model_thread], last)  # which may have started others meanwhile
        self._stop()
        self._join([thread for line in self._lines for thread in line.worker.threads], last)

    def _join(self, threads: Sequence[Thread], last: float) -> None:
        for thread in threads:
            if thread.ident is not None:  # it was started
                thread.join(max(last - monotonic(), 0))

    def _stop(self) -> None:
        for line in tuple(self._lines):
            line.worker.stop()
        self._results.cancel()
        self._arrival.cancel()


def _has_work(line: _Line) -> bool:
    return line.timeline.done or not line.timeline.idle
