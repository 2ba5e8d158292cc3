"""Tables about what a step needs: memory, energy, operations, and how far it is from what the machine allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..results import Ceiling, Cost, Energy, Prediction, Result
from .speed import range_of, whole_of
from .tables import Table, table
from .units import ABSENT, digits, named, quotient, scaled, share, size

OPERATORS = 3
"""How many operators of a graph are named."""


def memory(result: Result) -> Table | None:
    """Memory of a process that streams."""
    taken = result.memory
    if taken is None:
        return None
    resident = {
        "runtime imported": (taken.imported, None),
        "bundle loaded": (taken.loaded, taken.imported),
        "one stream running": (taken.streaming, taken.loaded),
        "most ever resident": (taken.peak, taken.streaming),
    }
    rows = [
        (name, size(now), ABSENT if before is None else _added(now - before))
        for name, (now, before) in resident.items()
    ]
    rows.append(("every further stream", ABSENT, _added(taken.per_stream)))
    if taken.device is not None:
        rows.append(("on the GPU", size(taken.device), ABSENT))
    notes = (
        f"Resident memory of the process. The state of a stream is {size(taken.state)}; what a further stream adds "
        "includes its buffers.",
    )
    return table("memory", "Memory", ("", "resident", "added"), rows, notes, lead=False)


def _added(count: int) -> str:
    return f"{'+' if count >= 0 else '−'}{size(abs(count))}"


def energy(result: Result) -> Table | None:
    """Energy of a frame."""
    if not result.energy:
        return None
    header = ("", "beside idle", "J per frame", "watts", "idle watts", "frames")
    notes = ("Power while steps ran one after the other, the idle power included.",)
    return table("energy", "Energy", header, map(_energy_row, result.energy), notes)


def _energy_row(energy: Energy) -> Sequence[object]:
    beside = f"{digits(quotient(energy.watts, energy.idle_watts))} ×"
    figures = map(digits, (energy.joules_per_frame, energy.watts, energy.idle_watts))
    return (energy.source, beside, *figures, energy.frames)


def moved(cost: Cost) -> int:
    """Bytes that a graph has to move for a frame at the least: weights, inputs and outputs."""
    return cost.weights + cost.inputs + cost.outputs


def intensity(flops: float, count: float) -> float:
    """Arithmetic intensity: operations per byte moved (Williams, Waterman and Patterson, Roofline, CACM 2009)."""
    return quotient(flops, count)


def costs(result: Result) -> Table | None:
    """What the graphs have to do."""
    if not result.costs:
        return None
    header = ("", "of all operations", "operations", "weights", "inputs", "outputs", "FLOP/B", "traffic unfused")
    total = sum(cost.flops for cost in result.costs)
    rows = (
        (
            cost.graph,
            share(quotient(cost.flops, total)),
            scaled(cost.flops, "FLOP"),
            *map(size, (cost.weights, cost.inputs, cost.outputs)),
            digits(intensity(cost.flops, moved(cost))),
            size(cost.traffic),
        )
        for cost in result.costs
    )
    notes = ("Counted from the ONNX files, per frame of one stream.", *map(_operators, result.costs))
    return table("costs", "What the graphs have to do", header, rows, notes)


def _operators(cost: Cost) -> str:
    ordered = sorted(cost.by_operator.items(), key=lambda item: -item[1])[:OPERATORS]
    return f"{cost.graph}: {', '.join(f'{name} {share(quotient(flops, cost.flops))}' for name, flops in ordered)}."


def work_of(result: Result) -> dict[str, float]:
    """What all graphs do together for a frame, by the unit of the ceiling that limits it."""
    return {
        "FLOP/s": float(sum(cost.flops for cost in result.costs)),
        "B/s": float(sum(map(moved, result.costs))),
    }


def ceilings(result: Result) -> Table | None:
    """What the machine reaches in the best case, and what the step reaches of it."""
    if not result.ceilings:
        return None
    whole = whole_of(result)
    header = ("", "reached" if whole is None else f"reached by {whole.id}", "best round", "median")
    notes = [f"{ceiling.id}: {ceiling.title}." for ceiling in result.ceilings]
    rows = (
        (each.id, _reached(result, each), scaled(each.value, each.unit), scaled(each.summary.p50, each.unit))
        for each in result.ceilings
    )
    return table("ceilings", "Ceilings of this machine, measured in this run", header, rows, notes)


def _reached(result: Result, ceiling: Ceiling) -> str:
    whole, work = whole_of(result), work_of(result).get(ceiling.unit)
    if whole is None or not work:
        return ABSENT
    fastest, slowest = range_of(whole)
    # Milliseconds at the ceiling; what the step takes longer than these, it does not reach.
    least = quotient(100 * 1000 * work, ceiling.value)
    value, low, high = (quotient(least, time) for time in (whole.summary.p50, slowest, fastest))
    return named(value, low, high, whole.steady, "%")


def floor(result: Result) -> Table | None:
    """The least time that the ceilings allow, and how far above it the step is."""
    least = result.floor
    if least is None:
        return None
    limits = {
        "floor": least.milliseconds,
        "operations alone": least.compute,
        "weights, inputs and outputs alone": least.memory,
    }
    whole = whole_of(result)
    header = ("", "the step takes" if whole is None else f"{whole.id} takes", "milliseconds")
    rows = ((name, _times_floor(result, name, value), digits(value)) for name, value in limits.items())
    notes = ("The floor is the sum over the graphs of the larger of both limits, at the ceilings measured here.",)
    return table("floor", "The floor of a step on this machine", header, rows, notes)


def _times_floor(result: Result, name: str, value: float) -> str:
    whole = whole_of(result)
    if whole is None or result.floor is None:
        return ABSENT
    low, high = (quotient(end, value) for end in range_of(whole))
    times = result.floor.times if name == "floor" else quotient(whole.summary.p50, value)
    return named(times, low, high, whole.steady, "×")


def predictions(result: Result) -> Table | None:
    """Floors on machines that were not measured."""
    if not result.predictions:
        return None
    header = ("", "beside this floor", "at least, ms", "limited by", "peak", "memory", "precision")
    notes = [
        "Computed from datasheets. Nothing here was measured; a real step takes longer than the floor.",
        *dict.fromkeys(f"{each.machine}: {each.source.rstrip('.')}." for each in result.predictions),
    ]
    rows = (_prediction_row(result, each) for each in result.predictions)
    return table("predictions", "Predictions from datasheets, not measurements", header, rows, notes)


def _prediction_row(result: Result, prediction: Prediction) -> Iterator[object]:
    yield prediction.machine
    measured = result.floor
    yield f"{digits(quotient(prediction.milliseconds, measured.milliseconds))} ×" if measured else ABSENT
    yield digits(prediction.milliseconds)
    yield prediction.limit
    yield scaled(prediction.flops, "FLOP/s")
    yield scaled(prediction.bandwidth, "B/s")
    yield prediction.precision
