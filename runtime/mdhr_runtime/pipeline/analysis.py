"""The analysis of videos, images and cameras: every face of every frame, as results that come while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Literal

import cv2
import numpy as np

from ..contract import ONET, PNET, RNET
from ..defaults import DETECT_EVERY, MAX_GAP, MIN_FACE
from ..errors import MdhrError
from ..faces import FaceProvider
from ..faces.alignment import AlignedImages, align
from ..faces.mtcnn import Mtcnn
from ..faces.tracking import FaceTracker
from ..layout import CropGeometry
from ..results import FrameResult, SourceStats
from ..sources import IMAGES_PER_SECOND, TIMEOUT, Source, open_sources
from ..streaming.model import Model, load
from .channel import Board, Cancelled
from .scheduler import Scorer
from .source_worker import Feed

FRAMES_PER_STEP = 8
"""Frames of a file that go through the temporal graph at once: per frame, that takes 0.57 of the time of one by one."""

MOST_RESULTS = 8
"""Results that wait to be fetched; then the model waits."""

LAST_WAIT = 3.0
"""Seconds that threads get to end. One that is inside OpenCV, waiting for a camera, ends later, on its own."""

Address = str | Path | int


def analyze(
    sources: Address | Sequence[Address],
    bundle: Model | Path | str,
    *,
    provider: str = "auto",
    faces: Literal["detect", "crops"] = "detect",
    min_face: int = MIN_FACE,
    detect_every: int = DETECT_EVERY,
    max_gap: int = MAX_GAP,
    provisional: bool = False,
    timeout: float = TIMEOUT,
    images_per_second: float = IMAGES_PER_SECOND,
) -> Iterator[FrameResult]:
    """Score every face in videos, images or cameras.

    Args:
        sources: One or several of: a video file, a folder or pattern of images, the number of a webcam, a URL.
        bundle: The model, or the folder of its bundle.
        provider: What runs the model, if `bundle` is a folder; see `load`.
        faces: "detect" finds and follows the faces; "crops" takes every image as an aligned face.
        min_face: Side in pixels of the smallest face to look for.
        detect_every: Frames from one detection to the next; in between, known faces are followed.
        max_gap: Frames that a face may be away and keep its id.
        provisional: Whether every frame gets a provisional result at once, besides its final one later.
        timeout: Seconds in which a camera must deliver its first frame.
        images_per_second: Rate that images are taken to be recorded at.

    Yields:
        One final result per frame, those of a source in order, `lookahead` frames late at most. Frames that show no
        face have one row without scores.

    Raises:
        MdhrError: A source, the bundle or the provider cannot be opened; or, after all other sources have ended,
            a source broke off or never delivered.
    """
    addresses = [sources] if isinstance(sources, str | Path | int) else sources
    opened = open_sources(addresses, timeout, images_per_second)
    model = bundle if isinstance(bundle, Model) else load(bundle, provider)
    make_face_provider = make_face_providers(model, faces, min_face, detect_every, max_gap)
    with Analysis(opened, model, make_face_provider, provisional=provisional) as analysis:
        yield from analysis
    for _, error in analysis.problems:
        raise error


def make_face_providers(
    model: Model,
    faces: Literal["detect", "crops"] = "detect",
    min_face: int = MIN_FACE,
    detect_every: int = DETECT_EVERY,
    max_gap: int = MAX_GAP,
    align: Callable[[np.ndarray, np.ndarray, CropGeometry], np.ndarray] = align,
) -> Callable[[], FaceProvider]:
    """Choose how faces are found; returns a maker of face providers, one for each source.

    Arguments are as for `analyze`, but for `align`, which cuts out the faces that were found.

    Raises:
        BundleError: The bundle has no face detector, and one is needed.
    """
    crop = model.layout.crop
    if faces == "crops":
        return lambda: AlignedImages(crop)
    mtcnn = Mtcnn(model.graph(PNET), model.graph(RNET), model.graph(ONET), min_face)

    def cut_out(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return align(image, landmarks, crop)

    return lambda: FaceTracker(mtcnn, mtcnn, cut_out, detect_every, max_gap)


def leave_the_cores() -> None:
    """Let OpenCV work with one thread, for programs that have their process to themselves.

    Its work on a frame is too small for several, and they would take cores from the model, which waits for the last.
    """
    cv2.setNumThreads(1)


class Analysis:
    """Sources on their way through the model. A context manager that is iterated over once.

    Every source has a thread that reads it and one that finds its faces; one thread runs the model on whatever waits.
    They work ahead by a bounded number of frames. Files wait when that is reached; cameras drop their oldest frames.

    Args:
        sources: Where images come from.
        model: What scores the faces.
        make_face_provider: Makes the face finder of a source; see `make_face_providers`.
        provisional: Whether every frame gets a provisional result at once.
        keep_images: Whether results carry the images.
        on_problem: Called from another thread when a source ends with an error: its name, and the error. The other
            sources go on.
        on_warning: Called from another thread with the name of a source and what the user should know of it.

    Attributes:
        problems: The errors that ended sources so far, with the sources' names.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        model: Model,
        make_face_provider: Callable[[], FaceProvider],
        *,
        provisional: bool = False,
        keep_images: bool = True,
        on_problem: Callable[[str, MdhrError], None] = lambda name, error: None,
        on_warning: Callable[[str, str], None] = lambda name, text: None,
    ) -> None:
        # A camera's frames shall not wait until several have gathered.
        most = 1 if any(source.live for source in sources) else FRAMES_PER_STEP
        self.problems: list[tuple[str, MdhrError]] = []
        self._on_problem, self._on_warning = on_problem, on_warning
        self._scorer = Scorer(model.batch(), provisional=provisional, most=most)
        self._most = most
        self._board = Board()
        self._bug: BaseException | None = None
        self._stopped = Event()
        # The main thread takes from here, where a signal may strike: this queue can bear it in any state.
        self._results: SimpleQueue[FrameResult | None] = SimpleQueue()
        self._feeds = [self._feed(source, make_face_provider(), keep_images) for source in sources]
        self._threads = [thread for feed in self._feeds for thread in feed.threads]
        self._threads.append(Thread(target=self._run_model, name="model", daemon=True))

    def __enter__(self) -> Analysis:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()
        last = monotonic() + LAST_WAIT
        for thread in self._threads:
            thread.join(max(last - monotonic(), 0))

    def __iter__(self) -> Iterator[FrameResult]:
        """Give the results as they come.

        Raises:
            Exception: Whatever unexpected went wrong in one of the threads.
        """
        while (result := self._results.get()) is not None:
            yield result
        if self._bug is not None:
            raise self._bug

    def stats(self) -> Mapping[str, SourceStats]:
        """What is known of every source at this moment, by its name. Safe to call from any thread."""
        return {feed.source.name: feed.stats() for feed in self._feeds}

    def _feed(self, source: Source, finder: FaceProvider, keep_images: bool) -> Feed:
        def problem(error: MdhrError) -> None:
            self.problems.append((source.name, error))
            self._on_problem(source.name, error)

        return Feed(
            source,
            finder,
            self._board,
            ready=self._most,
            keep_images=keep_images,
            on_problem=problem,
            on_warning=lambda text: self._on_warning(source.name, text),
            on_bug=self._fail,
        )

    def _run_model(self) -> None:
        timelines = [feed.timeline for feed in self._feeds]
        try:
            while self._gather():
                for result in self._scorer.step(timelines):
                    self._hand_over(result)
        except Cancelled:
            pass
        except BaseException as error:  # a bug of ours; the thread that waits for results shall have it
            self._fail(error)
        finally:
            self._results.put(None)

    def _gather(self) -> bool:
        """Wait until there is something to do, and take what has arrived; False if everything is done."""

        def news() -> bool:
            return all(feed.timeline.ended for feed in self._feeds) or any(
                len(feed.ready) or not feed.timeline.idle or feed.ready.finished != feed.timeline.ended
                for feed in self._feeds
            )

        with self._board.changed:
            self._board.wait_for(news)
            for feed in self._feeds:
                feed.timeline.arrived.extend(feed.ready.take(self._most - len(feed.timeline.arrived)))
                feed.timeline.ended = feed.ready.finished
        return not all(feed.timeline.ended and feed.timeline.idle for feed in self._feeds)

    def _hand_over(self, result: FrameResult) -> None:
        while self._results.qsize() >= MOST_RESULTS:
            if self._stopped.wait(0.002):
                raise Cancelled
        self._results.put(result)

    def _fail(self, error: BaseException) -> None:
        self._bug = self._bug or error
        self._stop()

    def _stop(self) -> None:
        self._stopped.set()
        for feed in self._feeds:
            feed.source.stop()
        self._board.cancel()
