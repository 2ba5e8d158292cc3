"""The base class of sinks, and the facts about a run that they are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, TypeVar

from ..au_events import AuEvent
from ..contract import SCORE, OutputRecord
from ..results import FrameResult, SourceInfo, SourceStats
from .columns import Cell, CellType

STANDARD_OUTPUT = "-"
"""The target that means the standard output."""

AnySink = TypeVar("AnySink", bound="Sink")


@dataclass(frozen=True)
class SinkContext:
    """The facts about a run that are known before its first result.

    Attributes:
        aus: Names of the AUs in the order of the scores.
        sources: The sources of the results.
        output: Meaning of the scores: their range, and the threshold of an occurrence.
        stats: Gives the present state of every source by its name. Safe to call from any thread, and does not block.
            None if the state is unknown.
        inputs: Files and folders that the results are made from, which no sink may write to.
        overwrite: Whether the user wants files replaced that are not results of the same kind.
        landmarks: Whether tables have columns for the landmarks.
        lookahead: Frames on either side of a frame that its scores depend on.
        co_occurrence: Whether summaries tell how often two AUs occur together.
        constants: Further columns of Parquet tables, in every row the same, by name: type and cell. One that is called
            as another column takes its place.
    """

    aus: tuple[str, ...]
    sources: tuple[SourceInfo, ...] = ()
    output: OutputRecord = SCORE
    stats: Callable[[], Mapping[str, SourceStats]] | None = None
    inputs: tuple[Path, ...] = ()
    overwrite: bool = False
    landmarks: bool = False
    lookahead: int = 0
    co_occurrence: bool = False
    constants: Mapping[str, tuple[CellType, Cell]] = field(default_factory=dict)


class Sink(ABC):
    """Receives results, in one thread. A context manager: leaving it completes what is written, whatever ends the run.

    The constructor of every kind of sink takes a target and a context. It checks, before any work starts, that the
    target can be written or reached, and changes no file. One that writes a file claims it (`mdhr_runtime.targets`)
    until `close`. Whether an AU occurs, it takes from `Row.occurrences`.

    Args:
        target: Where to write, as the user writes it: a file's path, a URL, or "-" for the standard output.
        context: The run.

    Attributes:
        needs_images: Whether results must carry their images.
        notices: What the user should know as soon as the sink is open, one sentence each.
        warnings: What the user should be warned of then, one sentence each.

    Raises:
        OutputError: The target cannot be written or reached, or an extra that it needs is not installed.
    """

    needs_images: ClassVar[bool] = False
    notices: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @abstractmethod
    def __init__(self, target: str, context: SinkContext) -> None: ...

    def begin(self) -> None:  # noqa: B027 -- most sinks have nothing to do here
        """Create what is written to. Entering the context calls this.

        Raises:
            OutputError: It cannot be created.
        """

    @abstractmethod
    def write(self, result: FrameResult) -> None:
        """Take the next result.

        Raises:
            OutputError: It cannot be written.
        """

    def write_event(self, event: AuEvent) -> None:  # noqa: B027 -- most sinks write results only
        """Take the next event: an AU that has occurred in a face and is over.

        Raises:
            OutputError: It cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Complete what was written. Safe to call twice, and without `begin`.

        Raises:
            OutputError: It cannot be completed.
        """

    @property
    @abstractmethod
    def summary(self) -> str:
        """A description of what was written, for the user."""

    def __enter__(self: AnySink) -> AnySink:
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
