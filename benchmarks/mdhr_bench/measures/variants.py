"""The encoder and the step in every provider and precision that computes a bundle rightly on this CPU, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.contract import ENCODER, FRAMES
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import Model, load

from ..cost.floor import floor_here
from ..results import Missing, Result, Variant
from .cases import chunk_call, encoder_call, some_frames
from .layers import layer_shares
from .timing import Case, Progress, ratio, time_cases

SIZES = (1, 16)
"""Frames of one stream at once: as a camera brings them, and many."""

CALLS: dict[str, Callable[[Model, int], Callable[[], object]]] = {ENCODER: encoder_call, "step": chunk_call}
"""What is timed → what makes its call."""


def measure_variants(model: Model, result: Result, rounds: int, progress: Progress = iter) -> Iterator[Missing]:
    """Time all, if there are several, into a result.

    Args:
        model: The bundle, loaded; it runs on the CPU.
        result: The run, with its ceilings and costs.
        rounds: Number of turns of each.
        progress: Is given the rounds.

    Yields:
        What cannot be used here.
    """
    models, able = [], []
    for provider in (each for each in PROVIDERS.values() if not each.on_gpu):
        try:
            able += [(provider.name, precision) for precision in provider.precisions(model.bundle)]
        except MdhrError as error:
            yield Missing(f"precisions, {provider.name}", f"{error.what} {error.why}")
    for name, precision in able:
        try:
            models.append(load(model.bundle.path, name, precision=precision))
        except MdhrError as error:
            yield Missing(f"precisions, {name} {precision}", f"{error.what} {error.why}")
    if len(models) < 2:
        return
    kinds = [(part, frames, each) for part in CALLS for frames in SIZES for each in models]
    names = [f"{part} × {frames}, {each.provider} {each.precision}" for part, frames, each in kinds]
    cases = [
        Case(name, name, "part", frames, CALLS[part](each, frames))
        for name, (part, frames, each) in zip(names, kinds, strict=True)
    ]
    timings = time_cases(cases, rounds, progress)
    encoder = [cost for cost in result.costs if cost.graph == ENCODER]
    for index, ((part, frames, each), timing) in enumerate(zip(kinds, timings, strict=True)):
        floor, layers = None, dict[str, float]()
        if part == ENCODER and encoder:
            floor = floor_here(result, encoder, each.precision, timing)
        if part == ENCODER and each.provider == "openvino":
            path, inputs = each.bundle.graph_path(ENCODER), {FRAMES: some_frames(each, frames)}
            layers = layer_shares(path, each.precision, inputs)
        first = timings[index - index % len(models)]
        result.variants.append(Variant(timing.id, timing, ratio(timing, first), floor, layers))
