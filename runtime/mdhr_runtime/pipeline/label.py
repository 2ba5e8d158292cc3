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
    figures = {source.name: SourceSummary(model.aus) for source in sources}
    going = AuEvents(model.aus, event_rule)
    with ExitStack() as stack:
        sinks: list[Sink] = []
        for kind, target in kinds:
            sinks.append(kind(str(target), context))
            stack.callback(sinks[-1].close)
        on_open(sinks)
        for sink in sinks:
            sink.begin()
        stack.callback(lambda: _pass_on(going.end(), sinks))
        stack.enter_context(analysis)
        started = perf_counter()
        with progress(analysis) as results:
            for result in results:
                for sink in sinks:
                    sink.write(result)
                _pass_on(going.add(result), sinks)
                figures[result.source].add(result)
        seconds = perf_counter() - started
    return LabelReport(figures, analysis.stats(), analysis.problems, [sink.summary for sink in sinks], seconds)


def _pass_on(events: Sequence[AuEvent], sinks: Sequence[Sink]) -> None:
    """Give events to all sinks, also where one can take no more: what the others write would be whole, and wrong."""

    def give(sink: Sink) -> None:
        for event in events:
            sink.write_event(event)

    with ExitStack() as stack:
        for sink in reversed(sinks):
            stack.callback(give, sink)
