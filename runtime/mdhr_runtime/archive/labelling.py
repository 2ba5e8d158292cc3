"""The unit of work: one video becomes one table, one summary and one record. Whatever runs it, runs this."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, time
from types import TracebackType
from typing import Any

from ..addresses import redacted, without_secrets
from ..bundle import read_manifest
from ..bundle.storage import MANIFEST, file_hash
from ..errors import BundleError, MdhrError, OutputError
from ..faces.options import DEFAULTS, FaceOptions
from ..files import as_utf8, told
from ..pipeline.analysis import Analysis, limit_opencv_threads, make_face_providers
from ..pipeline.label import Outputs
from ..results import FrameResult
from ..sinks import SinkContext
from ..sinks.columns import CellType
from ..sinks.parquet import ParquetFile
from ..sinks.summary_file import SummaryParquet
from ..sources import Selection, Source, open_source
from ..streaming.model import load
from ..summary import SourceSummary
from ..threads import thread_count
from .folders import local_copy, open_folder
from .records import SUMMARIES, TABLES, ArchiveVideo, Problem, Record, Results, Task, options_hash

TABLE, SUMMARY = "table.parquet", "summary.parquet"
"""What `Labeller.produce` writes."""

TEMPORARY = "mdhr-archive-"
"""Beginning of the names of the folders in which workers keep what is not complete."""

YOUNG = 60.0
"""Seconds in which a new folder of these may not be locked yet."""

FRAMES_TOLD = 32
"""Frames that are labelled before it is told again how many were."""

MOST_WARNINGS = 10
"""Warnings of a video that its record keeps."""


@dataclass(frozen=True)
class LabelSettings:
    """What a worker needs to know, besides its tasks.

    Attributes:
        bundle: The bundle's folder, under the same path on every machine.
        digest: Hash of the bundle; see `bundle_digest`.
        results: Path or URL of the results.
        faces: How faces are found, told apart and given.
        every: One of so many frames counts; see `Selection`.
        fps: Frames per second that count, likewise.
        rotate: Degrees by which images are turned, likewise.
        landmarks: Whether tables have columns for the landmarks.
        columns: Types of the manifest's columns, by name.
        provider: What runs the model; see `load`.
        precision: What it is computed in, likewise.
        threads: Threads that a worker's graphs take on the CPU, likewise.
        at_once: Videos that a worker labels side by side, so that the encoder gets more faces at once.
        temp: Folder for fetched files and unfinished tables; None for the system's.
    """

    bundle: str
    digest: str
    results: str
    faces: FaceOptions = DEFAULTS
    every: int = 1
    fps: float | None = None
    rotate: int = 0
    landmarks: bool = False
    columns: Mapping[str, CellType] = field(default_factory=dict)
    provider: str = "auto"
    precision: str | None = None
    threads: int | None = None
    at_once: int = 1
    temp: str | None = None

    @property
    def options(self) -> str:
        """Hash of all that changes results. What computes them is not among it: every provider gives the same."""
        return options_hash(
            {
                "faces": asdict(self.faces),
                "frames": [self.every, self.fps, self.rotate],
                "landmarks": self.landmarks,
                "columns": {name: kind.__name__ for name, kind in self.columns.items()},
                "precision": self.precision,
            }
        )


def bundle_digest(bundle: str) -> str:
    """Hash of a bundle: of its manifest, which holds those of all its files.

    Raises:
        BundleError: There is no bundle.
    """
    read_manifest(bundle)
    return file_hash(Path(bundle, MANIFEST))


class Labeller:
    """A model, and what goes through it. A context manager.

    Args:
        settings: The settings.
        on_frames: Called from another thread with the number of frames that were labelled since the last call.

    Attributes:
        provider: What runs the model, with its precision.
        reason: Its versions and why it was chosen.

    Raises:
        MdhrError: The bundle cannot be opened or is another than it should be, or its provider does not start.
    """

    def __init__(self, settings: LabelSettings, on_frames: Callable[[int], None] = lambda count: None) -> None:
        if bundle_digest(settings.bundle) != settings.digest:
            raise BundleError(
                f"The bundle {settings.bundle} on {socket.gethostname()} is another than that of the driver.",
                "Its manifest has another hash, so its scores may differ.",
                "Copy the driver's bundle to this path on every machine, or give a path that all share.",
            )
        limit_opencv_threads()
        self._settings, self._on_frames = settings, on_frames
        self._model = load(settings.bundle, settings.provider, thread_count(settings.threads), settings.precision)
        self.provider, self.reason = f"{self._model.provider} {self._model.precision}", self._model.reason
        self._results = Results(open_folder(settings.results))
        self._going: dict[str, _Going] = {}
        self._frames = 0
        self._failure: BaseException | None = None
        self._stack = ExitStack()
        self._temp = self._stack.enter_context(_temporary_folder(settings.temp))
        self._analysis = Analysis(
            (),
            self._model,
            make_face_providers(self._model, settings.faces),
            faces=settings.faces,
            keep_images=False,
            files_at_once=settings.at_once,
            more=True,
            on_problem=lambda name, error: self._going[name].fail(error),
            on_warning=lambda name, text: self._going[name].warn(text),
            on_end=self._end,
        )
        self._stack.enter_context(self._analysis)
        Thread(target=self._take_results, name="results", daemon=True).start()

    def __enter__(self) -> Labeller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End, and remove what is not complete. Safe to call twice."""
        self._stack.close()

    def label(self, task: Task, tries: int = 1) -> Record:
        """Label a video, and write its results. Safe to call from several threads.

        Args:
            task: The video.
            tries: How often it was begun, with this time.

        Returns:
            The record that was written. A video that cannot be read, or breaks off, has a record that says so.

        Raises:
            OutputError: The results cannot be written.
        """
        with tempfile.TemporaryDirectory(dir=self._temp) as folder:
            record = replace(self.produce(task, Path(folder)), tries=tries)
            publish(self._results, task, record, Path(folder))
        return record

    def produce(self, task: Task, folder: Path) -> Record:
        """Label a video: as `label`, but write table and summary into a folder of this machine, and no record.

        Raises:
            OutputError: The folder cannot be written.
        """
        begun = perf_counter()
        video = task.video
        record = replace(blank_record(self._settings, task), provider=self.provider)
        path = Path(video.address)
        try:
            with local_copy(video.address, folder) as path:
                going = self._begin(video, path, folder)
                going.over.wait()
        except OutputError:
            raise
        except MdhrError as error:
            return replace(record, problem=_told(error, path, video), seconds=perf_counter() - begun, ended=time())
        if self._failure is not None:
            raise RuntimeError("The analysis has ended.") from self._failure
        if going.unwritten is not None:
            raise going.unwritten
        if going.figures.frames:
            figures = {**going.counts(), "table": file_hash(folder / TABLE)}
            record = replace(record, status="broken" if going.problem else "done", **figures)
        return replace(
            record,
            problem=None if going.problem is None else _told(going.problem, path, video),
            warnings=tuple(map(without_secrets, going.warnings[:MOST_WARNINGS])),
            seconds=perf_counter() - begun,
            ended=time(),
        )

    def _begin(self, video: ArchiveVideo, path: Path, folder: Path) -> _Going:
        settings, model = self._settings, self._model
        selection = Selection(video.start, video.end, settings.every, settings.fps, settings.rotate)
        # Its id tells its results from those of others; the table has its address.
        source = open_source(path, selection=selection, name=video.id)
        own = {"source": (str, as_utf8(redacted(video.address)).decode()), "id": (str, video.id)}
        context = SinkContext(
            model.aus,
            (source.info,),
            model.output,
            landmarks=settings.landmarks,
            lookahead=model.lookahead,
            constants=own | {name: (kind, video.columns.get(name)) for name, kind in settings.columns.items()},
        )
        going = self._going[video.id] = _Going(source, context, folder)
        self._analysis.add(source)
        if self._failure is not None:
            going.over.set()
        return going

    def _take_results(self) -> None:
        failure: BaseException = RuntimeError("The labeller was closed.")
        try:
            for result in self._analysis:
                self._going[result.source].write(result)
                self._count(1)
        except BaseException as error:  # unexpected: raised where the video was to be labelled
            failure = error
        self._failure = failure
        for going in tuple(self._going.values()):
            going.over.set()

    def _end(self, name: str) -> None:
        self._analysis.forget(name)
        self._count(0, at_once=True)
        self._going.pop(name).end()

    def _count(self, frames: int, at_once: bool = False) -> None:
        self._frames += frames
        if self._frames >= FRAMES_TOLD or (at_once and self._frames):
            self._on_frames(self._frames)
            self._frames = 0


def blank_record(settings: LabelSettings, task: Task) -> Record:
    """The record of a video of which nothing is labelled, here and now."""
    return Record(
        id=task.video.id,
        source=redacted(task.video.address),
        key=task.key,
        status="failed",
        size=task.input.size,
        input=task.input.version,
        bundle=settings.digest,
        options=settings.options,
        host=socket.gethostname(),
        version=version("mdhr-edge"),
        ended=time(),
    )


def publish(results: Results, task: Task, record: Record, folder: Path) -> None:
    """Put what was written into a folder among the results: at no time is there a record without its table.

    Args:
        results: The results.
        task: The video.
        record: What has become of it.
        folder: Holds table and summary, if the record tells of them.

    Raises:
        OutputError: The results cannot be written.
    """
    name = task.video.name
    results.withdraw(name, task.superseded)
    for kind, file in ((TABLES, TABLE), (SUMMARIES, SUMMARY)):
        if record.table is not None:
            results.folder.put(folder / file, f"{kind}/{name}.parquet")
        elif task.superseded:
            results.folder.remove(f"{kind}/{name}.parquet")
    results.commit(name, record)


class _Going:
    """A video on its way.

    Args:
        source: What it is read from.
        context: Says what its table is about.
        folder: Where to write.
    """

    def __init__(self, source: Source, context: SinkContext, folder: Path) -> None:
        self.over = Event()
        self.problem: MdhrError | None = None
        self.unwritten: OutputError | None = None
        self.warnings: list[str] = []
        self._source = source
        self._outputs = Outputs(((ParquetFile, folder / TABLE), (SummaryParquet, folder / SUMMARY)), context)
        self._outputs.begin()
        self._first: float | None = None
        self._last, self._rows = 0.0, 0

    def write(self, result: FrameResult) -> None:
        """Take the next result."""
        if self.unwritten is None:
            self._first = result.timestamp if self._first is None else self._first
            self._last = result.timestamp
            self._rows += len(result.rows)
            self._guarded(lambda: self._outputs.write(result))

    def fail(self, error: MdhrError) -> None:
        """Learn why it breaks off."""
        self.problem = error

    def warn(self, text: str) -> None:
        """Learn what the user should know."""
        self.warnings.append(text)

    def end(self) -> None:
        """Complete what was written, and let the caller go on."""
        self._guarded(self._outputs.close)
        self.over.set()

    @property
    def figures(self) -> SourceSummary:
        """Figures of its results."""
        return self._outputs.figures[self._source.name]

    def counts(self) -> dict[str, Any]:
        """What a record tells of its results."""
        seconds = self._last - (self._first or 0.0)
        figures = self.figures
        return {"frames": figures.frames, "rows": self._rows, "faces": figures.faces, "media_seconds": seconds}

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OutputError as error:
            self.unwritten = self.unwritten or error
            self._source.stop()


def _told(error: MdhrError, path: Path, video: ArchiveVideo) -> Problem:
    """The parts of an error, without secrets, and of a fetched copy by the address that it was fetched from."""

    def shown(text: str) -> str:
        return without_secrets(text.replace(str(path), redacted(video.address)))

    return Problem(shown(error.what), shown(error.why), shown(error.fix))


@contextmanager
def _temporary_folder(parent: str | None) -> Iterator[Path]:
    """Give a folder of this process's own, and remove it at the end. Those of processes that were killed go first."""
    place = Path(parent or tempfile.gettempdir())
    with told(f"The folder {place}", fix="Make room there, or choose another folder with --temp."):
        for folder in place.glob(f"{TEMPORARY}*"):
            _remove_if_left(folder)
        own = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=place))
    lock = os.open(own, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as long as the process lives
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os.close(lock)


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # of others, or gone meanwhile
        if folder.stat().st_mtime > time() - YOUNG:
            return
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
