"""A video on its way to a table: how long it takes, and where the time goes.

Everything is what `mdhr-run BUNDLE VIDEO --out FILE.csv` does, with the same settings, but for the progress bar and the
summary. Every stage works in one thread of its own, but for two pairs that share one: detection and alignment, encoding
and temporal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mdhr_runtime.contract import ENCODER, TEMPORAL

from ..results import Pipeline, Stage
from .processes import answer, ask

if TYPE_CHECKING:
    import numpy as np

    from mdhr_runtime.backends import Backend, Buffer, DeviceGraph, Tensors
    from mdhr_runtime.faces import FaceProvider, FoundFace
    from mdhr_runtime.layout import CropGeometry
    from mdhr_runtime.sources import Frame, Source
    from mdhr_runtime.streaming.model import Model

STAGES = ("decode", "detection", "alignment", "encoding", "temporal", "output")


def pipeline(bundle: Path, provider: str, precision: str, video: Path, runs: int = 3) -> Pipeline:
    """Time a video's way to a table in a new process, after one run that does not count.

    A run begins when the video is opened and ends when the table is closed; the model is loaded before. A stage's time
    includes what it waits for cores that others have. On a GPU, a run of the encoder is waited for, so that its time is
    not taken for the temporal graph's.

    `encoder_alone` repeats after every run what its encoder ran, with as many frames each, of noise.

    Args:
        bundle: The bundle's folder.
        provider: What runs it; see `mdhr_runtime.load`.
        precision: What it is computed in, likewise.
        video: The file.
        runs: How many runs count.

    Raises:
        MdhrError: The bundle cannot be loaded or run, or the video cannot be read to its end.
    """
    # The folder is this process's, which removes it whatever ends the other one.
    with TemporaryDirectory() as folder:
        found = ask(__name__, bundle, provider, precision, video, runs, Path(folder) / "au.csv")
    return summarise(video.name, [PipelineRun(**run) for run in found["runs"]])


@dataclass(frozen=True)
class PipelineRun:
    """One time through the video.

    Attributes:
        width: Of a frame, in pixels.
        height: Of a frame, in pixels.
        frames: Number of frames.
        faces: Number of rows with a face.
        seconds: Wall time.
        busy: Seconds inside every stage.
        encoder_alone: Seconds that the same runs of the encoder took afterwards.
    """

    width: int
    height: int
    frames: int
    faces: int
    seconds: float
    busy: Mapping[str, float]
    encoder_alone: float


def summarise(video: str, runs: list[PipelineRun]) -> Pipeline:
    """Take the medians over runs of one video."""
    walls = [run.seconds for run in runs]
    seconds = median(walls)
    busy = {name: median(run.busy[name] for run in runs) for name in STAGES}
    first = runs[0]
    return Pipeline(
        video=video,
        width=first.width,
        height=first.height,
        frames=first.frames,
        faces=first.faces,
        seconds=seconds,
        low=min(walls),
        high=max(walls),
        stages=tuple(Stage(name, busy[name], busy[name] / seconds) for name in STAGES),
        encoder_alone=median(run.encoder_alone for run in runs),
        overhead=1 - busy["encoding"] / seconds,
        runs=len(runs),
    )


class Clock:
    """Adds up the time inside `with` blocks of one thread.

    Attributes:
        seconds: The sum.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(self, *_error: object) -> None:
        self.seconds += perf_counter() - self._begun


class TimedSource:
    """A source whose reading is timed; see `mdhr_runtime.sources.Source`.

    Attributes:
        size: Width and height of its first frame in pixels, once that was read.
    """

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self.name, self.live, self.fps, self.frame_count = source.name, source.live, source.fps, source.frame_count
        self.files, self.warnings, self.info, self.stop = source.files, source.warnings, source.info, source.stop
        self.size = (0, 0)

    @property
    def lost(self) -> int:
        """Frames so far that were lost because their data is damaged."""
        return self._source.lost

    def __iter__(self) -> Iterator[Frame | None]:
        frames = iter(self._source)
        while True:
            with self._clock:
                try:
                    frame = next(frames)
                except StopIteration:
                    return
            if frame is not None and self.size == (0, 0):
                height, width = frame.image.shape[:2]
                self.size = (width, height)
            yield frame


class TimedFaceProvider:
    """A face provider whose work is timed; see `mdhr_runtime.faces.FaceProvider`."""

    def __init__(self, provider: FaceProvider, clock: Clock) -> None:
        self._provider, self._clock = provider, clock
        self.interrupt, self.shows_face = provider.interrupt, provider.shows_face

    @property
    def lying(self) -> Sequence[int]:
        """Rotations that would turn faces upright that lie."""
        return self._provider.lying

    def find(self, image: np.ndarray) -> list[FoundFace]:
        """Take the next image."""
        with self._clock:
            return self._provider.find(image)


class TimedGraph:
    """A graph whose runs from memory to memory are timed; see `mdhr_runtime.backends.DeviceGraph`.

    Attributes:
        rows: Size of the first dimension of the first input of every run.
    """

    def __init__(self, graph: DeviceGraph, clock: Clock) -> None:
        self._graph, self._clock = graph, clock
        self.rows: list[int] = []
        self.limits = graph.limits
        self.wait = graph.wait

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph, untimed."""
        return self._graph(inputs)

    def allocate(self, *arguments: Any, **settings: Any) -> Buffer:
        """Allocate memory where the graph runs."""
        return self._graph.allocate(*arguments, **settings)

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Run the graph from memory to memory, and wait until it is done."""
        with self._clock:
            self._graph.run(inputs, outputs)
            self._graph.wait()
        self.rows.append(next(iter(inputs.values())).shape[0])


class TimedBackend:
    """A backend some of whose graphs are timed; see `mdhr_runtime.backends.Backend`."""

    def __init__(self, backend: Backend, clocks: Mapping[str, Clock]) -> None:
        self._backend, self._clocks = backend, clocks
        self.provider, self.precision, self.reason = backend.provider, backend.precision, backend.reason

    def load(self, name: str) -> DeviceGraph:
        """Load a graph by its name."""
        graph = self._backend.load(name)
        return TimedGraph(graph, self._clocks[name]) if name in self._clocks else graph


def _measure(bundle: str, provider: str, precision: str, video: str, runs: str, table: str) -> dict[str, Any]:
    """Take the video to the table again and again; returns every `PipelineRun` that counts."""
    from mdhr_runtime.backends.table import open_backend
    from mdhr_runtime.bundle import open_bundle
    from mdhr_runtime.pipeline.analysis import limit_opencv_threads
    from mdhr_runtime.streaming.model import Model

    limit_opencv_threads()
    clocks = {name: Clock() for name in STAGES}
    clocked = {ENCODER: clocks["encoding"], TEMPORAL: clocks["temporal"]}
    opened = open_bundle(bundle)
    model = Model(opened, TimedBackend(open_backend(opened, provider, precision=precision), clocked))
    _, *counted = [_run(model, Path(video), Path(table), clocks) for _ in range(1 + int(runs))]
    return {"runs": [asdict(run) for run in counted]}


def _run(model: Model, video: Path, table: Path, clocks: Mapping[str, Clock]) -> PipelineRun:
    """Take the video to the table once, and repeat what the encoder did."""
    from mdhr_runtime.faces.alignment import align
    from mdhr_runtime.pipeline.analysis import Analysis, make_face_providers
    from mdhr_runtime.sinks.table import open_sink
    from mdhr_runtime.sources import open_source

    for clock in clocks.values():
        clock.seconds = 0.0
    encoder = model.graph(ENCODER)
    assert isinstance(encoder, TimedGraph)
    encoder.rows.clear()
    frames = faces = 0
    begun = perf_counter()
    with clocks["decode"]:  # a video's first frame is decoded when it is opened
        source = TimedSource(open_source(video), clocks["decode"])

    def timed_align(image: np.ndarray, landmarks: np.ndarray, crop: CropGeometry) -> np.ndarray:
        with clocks["alignment"]:
            return align(image, landmarks, crop)

    make_face_provider = make_face_providers(model, align=timed_align)
    output = open_sink(str(table), model.aus, [source.info])

    def make_timed(source: Source) -> FaceProvider:
        return TimedFaceProvider(make_face_provider(source), clocks["detection"])

    with output, Analysis([source], model, make_timed, keep_images=False) as analysis:
        for result in analysis:
            with clocks["output"]:
                output.write(result)
            frames += 1
            faces += sum(row.success for row in result.rows)
    seconds = perf_counter() - begun
    analysis.raise_problems()
    busy = {name: clock.seconds for name, clock in clocks.items()}
    busy["detection"] -= busy["alignment"]
    width, height = source.size
    return PipelineRun(width, height, frames, faces, seconds, busy, _encoder_alone(model, tuple(encoder.rows)))


def _encoder_alone(model: Model, sizes: tuple[int, ...]) -> float:
    """Seconds of runs of the encoder with so many frames each, and nothing beside them."""
    from .cases import encoder_call

    calls = {size: encoder_call(model, size) for size in set(sizes)}
    for call in calls.values():
        call()  # touches its memory for the first time
    begun = perf_counter()
    for size in sizes:
        calls[size]()
    return perf_counter() - begun


if __name__ == "__main__":
    answer(_measure)
