"""From sources to sinks: the whole work of `mdhr-run`, for any program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from ..au_events import PLAIN_RULE, AuEvent, AuEvents, EventRule
from ..errors import MdhrError
from ..faces.options import DEFAULTS, FaceOptions
from ..results import FrameResult, SourceStats
from ..sinks import EVENT_FILES, SUMMARY_FILES, Sink, SinkContext, find_file_sink, find_sink
from ..sources import Source
from ..streaming.model import Model
from ..summary import SourceSummary
from .analysis import Analysis, make_face_providers


@dataclass(frozen=True)
class LabelReport:
    """The outcome of `label`.

    Attributes:
        summaries: Figures of the results of every source, by its name.
        stats: State of every source at the end, by its name.
        problems: The errors that ended sources, with the sources' names.
        written: The sinks' summaries.
        seconds: How long it took.
    """

    summaries: Mapping[str, SourceSummary]
    stats: Mapping[str, SourceStats]
    problems: Sequence[tuple[str, MdhrError]]
    written: Sequence[str]
    seconds: float


def label(
    sources: Sequence[Source],
    targets: Sequence[str | Path],
    model: Model,
    *,
    faces: FaceOptions = DEFAULTS,
    provisional: bool = False,
    overwrite: bool = False,
    landmarks: bool = False,
    events: Sequence[str | Path] = (),
    event_rule: EventRule = PLAIN_RULE,
    summaries: Sequence[str | Path] = (),
    co_occurrence: bool = False,
    on_open: Callable[[Sequence[Sink]], None] = lambda sinks: None,
    on_problem: Callable[[str, MdhrError], None] = lambda name, error: None,
    on_warning: Callable[[str, str], None] = lambda name, text: None,
    progress: Callable[[Iterable[FrameResult]], AbstractContextManager[Iterable[FrameResult]]] = nullcontext,
) -> LabelReport:
    """Score every face in the sources, and write the results to all targets.

    Nothing is printed. Whatever ends the work, the sinks complete what they have written.

    Args:
        sources: Where images come from, as `open_sources` gives them.
        targets: Where results go; see `sinks.open_sink`. All are checked before any file is touched.
        model: What scores the faces.
        faces: How faces are found, told apart and given.
        provisional: Whether every frame gets a provisional result at once, besides its final one later.
        overwrite: Whether files that are not results of the same kind are replaced, too. Inputs never are.
        landmarks: Whether tables have columns for the landmarks.
        events: Files of events; see `sinks.find_file_sink`.
        event_rule: When events begin and end.
        summaries: Files of summaries, likewise.
        co_occurrence: Whether summaries tell how often two AUs occur together.
        on_open: Called with the sinks when all are open, before any file is touched.
        on_problem: Called from another thread when a source ends with an error: its name, and the error. The other
            sources go on.
        on_warning: Called from another thread with the name of a source and what the user should know of it.
        progress: Makes, of the results as they come, a context manager that gives the same results and may show how far
            the work is. `tqdm` is such a function.

    Raises:
        MdhrError: A target cannot be written or reached, now or later, or the model's bundle lacks a face detector.
        ReaderGone: A target is a pipe whose reader has closed it.
    """
    make_face_provider = make_face_providers(model, faces)
    kinds = [
        *((find_sink(target), target) for target in targets),
        *((find_file_sink(target, EVENT_FILES), target) for target in events),
        *((find_file_sink(target, SUMMARY_FILES), target) for target in summaries),
    ]
    analysis = Analysis(
        sources,
        model,
        make_face_provider,
        faces=faces,
        provisional=provisional,
        keep_images=any(kind.needs_images for kind, _ in kinds),
        on_problem=on_problem,
        on_warning=on_warning,
    )
    infos = tuple(source.info for source in sources)
    inputs = (model.bundle.path, *(file for source in sources for file in source.files))
    context = SinkContext(
        model.aus,
        infos,
        model.output,
        analysis.stats,
        inputs,
        overwrite=overwrite,
        landmarks=landmarks,
        lookahead=model.lookahead,
        co_occurrence=co_occurrence,
    )
    with Outputs(kinds, context, event_rule) as outputs:
        on_open(outputs.sinks)
        outputs.begin()
        with analysis:
            started = perf_counter()
            with progress(analysis) as results:
                for result in results:
                    outputs.write(result)
            seconds = perf_counter() - started
    written = [sink.summary for sink in outputs.sinks]
    return LabelReport(outputs.figures, analysis.stats(), analysis.problems, written, seconds)


class Outputs:
    """All that results go to: sinks, which are given events as well, and figures for the user.

    A context manager: leaving it completes what is written, whatever ends the work, also where one sink fails.

    Args:
        kinds: The sinks' classes and targets.
        context: The run.
        rule: When events begin and end.

    Attributes:
        sinks: The sinks.
        figures: Figures of the results of every source, by its name.

    Raises:
        OutputError: A target cannot be written or reached.
    """

    def __init__(
        self,
        kinds: Iterable[tuple[type[Sink], str | Path]],
        context: SinkContext,
        rule: EventRule = PLAIN_RULE,
    ) -> None:
        self.sinks: list[Sink] = []
        self.figures = {source.name: SourceSummary(context.aus) for source in context.sources}
        self._events = AuEvents(context.aus, rule)
        with ExitStack() as stack:
            for kind, target in kinds:
                self.sinks.append(kind(str(target), context))
                stack.callback(self.sinks[-1].close)
            self._closing = stack.pop_all()

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Create what is written to.

        Raises:
            OutputError: It cannot be created.
        """
        for sink in self.sinks:
            sink.begin()
        self._closing.callback(lambda: self._pass_on(self._events.end()))

    def write(self, result: FrameResult) -> None:
        """Take the next result.

        Raises:
            OutputError: It cannot be written.
        """
        for sink in self.sinks:
            sink.write(result)
        self._pass_on(self._events.add(result))
        self.figures[result.source].add(result)

    def close(self) -> None:
        """Complete what was written. Safe to call twice.

        Raises:
            OutputError: It cannot be completed.
        """
        self._closing.close()

    def _pass_on(self, events: Sequence[AuEvent]) -> None:
        """Give events to all sinks, also where one takes no more: what the others write would be whole, and wrong."""

        def give(sink: Sink) -> None:
            for event in events:
                sink.write_event(event)

        with ExitStack() as stack:
            for sink in reversed(self.sinks):
                stack.callback(give, sink)
