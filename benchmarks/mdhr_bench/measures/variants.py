"""The encoder and the step in every provider and precision that computes a bundle rightly on this CPU, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mdhr_runtime.backends.table import AUTO, PROVIDERS, precisions
from mdhr_runtime.contract import ENCODER
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import Model, load

from ..cost.floor import floor_here
from ..results import Missing, Result, Variant
from .cases import chunk_call, encoder_call
from .graphs import layer_shares
from .timing import Case, Progress, ratio, time_cases

SIZES = (1, 16)
"""Frames of one stream at once: as a camera brings them, and many."""

CALLS: dict[str, Callable[[Model, int], Callable[[], object]]] = {ENCODER: encoder_call, "step": chunk_call}
"""What is timed → what makes its call."""


def measure_variants(model: Model, result: Result, rounds: int, progress: Progress = iter) -> Iterator[Missing]:
    """Time all, if there are several, into a result that has the ceilings and costs; yields what cannot be used."""
    models, able = [], []
    for name in (each.name for each in PROVIDERS.values() if not each.on_gpu):
        try:
            able += [(name, precision) for precision in precisions(model.bundle, name, AUTO)]
        except MdhrError as error:
            yield Missing(f"precisions, {name}", f"{error.what} {error.why}")
    for name, precision in able:
        try:
            mine = (name, precision) == (model.provider, model.precision)
            models.append(model if mine else load(model.bundle.path, name, precision=precision))
        except MdhrError as error:
            yield Missing(f"precisions, {name} {precision}", f"{error.what} {error.why}")
    if len(models) < 2:
        return
    kinds = [(part, frames, each) for part in CALLS for frames in SIZES for each in models]
    names = [f"{part} × {frames}, {each.provider} {each.precision}" for part, frames, each in kinds]
    calls = [CALLS[part](each, frames) for part, frames, each in kinds]
    cases = [Case(name, name, "part", kind[1], call) for name, kind, call in zip(names, kinds, calls, strict=True)]
    timings = time_cases(cases, rounds, progress)
    work, path = [cost for cost in result.costs if cost.graph == ENCODER], model.bundle.graph_path(ENCODER)
    for index, (timing, (part, frames, each)) in enumerate(zip(timings, kinds, strict=True)):
        floor, layers = None, {}
        if part == ENCODER:
            floor = floor_here(result, work, each.precision, timing) if work else None
            if each.provider == "openvino":
                layers = layer_shares(path, each.precision, frames)
        first = timings[index - index % len(models)]
        result.variants.append(Variant(timing, ratio(timing, first), floor, layers))
