"""From sources to sinks: the whole work of `mdhr-run`, for any program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from ..errors import MdhrError
from ..faces.options import DEFAULTS, FaceOptions
from ..results import FrameResult, SourceStats
from ..sinks import Sink, SinkContext, find_sink
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
    kinds = [find_sink(target) for target in targets]
    analysis = Analysis(
        sources,
        model,
        make_face_provider,
        choice=faces.choice,
        provisional=provisional,
        min_quality=faces.min_quality,
        keep_images=any(kind.needs_images for kind in kinds),
        on_problem=on_problem,
        on_warning=on_warning,
    )
    infos = tuple(source.info for source in sources)
    inputs = (model.bundle.path, *(file for source in sources for file in source.files))
    context = SinkContext(model.aus, infos, model.output, analysis.stats, inputs, overwrite, landmarks, model.lookahead)
    summaries = {source.name: SourceSummary(model.aus) for source in sources}
    with ExitStack() as stack:
        sinks: list[Sink] = []
        for kind, target in zip(kinds, targets, strict=True):
            sinks.append(kind(str(target), context))
            stack.callback(sinks[-1].close)
        on_open(sinks)
        for sink in sinks:
            sink.begin()
        stack.enter_context(analysis)
        started = perf_counter()
        with progress(analysis) as results:
            for result in results:
                for sink in sinks:
                    sink.write(result)
                summaries[result.source].add(result)
        seconds = perf_counter() - started
    return LabelReport(summaries, analysis.stats(), analysis.problems, [sink.summary for sink in sinks], seconds)
