"""Tables about what a step needs: memory, energy, operations, and how far it is from what the machine allows."""

from __future__ import annotations

from collections.abc import Sequence

from ..cost.floor import WIDTHS, in_precision
from ..results import Ceiling, Cost, Energy, Floor, Memory, Prediction, Result, Timing
from .speed import derived, whole_of
from .tables import Table, table
from .units import ABSENT, digits, quotient, scaled, share, size

OPERATORS = 3
"""Operators of a graph that are named, at most."""


def memory(_result: Result, taken: Memory) -> Table:
    """Memory of a process that streams."""
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


def energy(_result: Result, used: Sequence[Energy]) -> Table:
    """Energy of a frame."""
    header = ("", "beside idle", "J per frame", "watts", "idle watts", "frames")
    notes = ("Power while steps ran one after the other, the idle power included.",)
    rows = (
        (
            each.source,
            f"{digits(quotient(each.watts, each.idle_watts))} ×",
            *map(digits, (each.joules_per_frame, each.watts, each.idle_watts)),
            each.frames,
        )
        for each in used
    )
    return table("energy", "Energy", header, rows, notes)


def moved(cost: Cost) -> int:
    """Bytes that a graph has to move for a frame at the least: weights, inputs and outputs."""
    return cost.weights + cost.inputs + cost.outputs


def intensity(flops: float, count: float) -> float:
    """Arithmetic intensity: operations per byte moved (Williams, Waterman and Patterson, Roofline, CACM 2009)."""
    return quotient(flops, count)


def costs(_result: Result, graphs: Sequence[Cost]) -> Table:
    """Work of the graphs."""
    header = ("", "of all operations", "operations", "weights", "inputs", "outputs", "FLOP/B", "traffic unfused")
    total = sum(cost.flops for cost in graphs)
    rows = (
        (
            cost.graph,
            share(quotient(cost.flops, total)),
            scaled(cost.flops, "FLOP"),
            *map(size, (cost.weights, cost.inputs, cost.outputs)),
            digits(intensity(cost.flops, moved(cost))),
            size(cost.traffic),
        )
        for cost in graphs
    )
    notes = ("Counted from the ONNX files, per frame of one stream.", *map(_operators, graphs))
    return table("costs", "What the graphs have to do", header, rows, notes)


def _operators(cost: Cost) -> str:
    ordered = sorted(cost.by_operator.items(), key=lambda item: -item[1])[:OPERATORS]
    return f"{cost.graph}: {', '.join(f'{name} {share(quotient(flops, cost.flops))}' for name, flops in ordered)}."


def computed(result: Result) -> list[Cost]:
    """The work of the graphs in the precision that they were computed in, which the file's may not be."""
    both = str(result.bundle.get("precision")), result.precision
    return in_precision(result.costs, *both) if WIDTHS.keys() >= set(both) else result.costs


def work_of(result: Result) -> dict[str, float]:
    """Work of all graphs for a frame, by the unit of the ceiling that limits it."""
    costs = computed(result)
    return {"FLOP/s": float(sum(cost.flops for cost in costs)), "B/s": float(sum(map(moved, costs)))}


def ceilings(result: Result, reached: Sequence[Ceiling]) -> Table:
    """The best that the machine reaches, and the share of it that the step reaches."""
    whole = whole_of(result)
    header = ("", "reached" if whole is None else f"reached by {whole.id}", "best round", "median")
    notes = [f"{ceiling.id}: {ceiling.title}." for ceiling in reached]
    rows = (
        (each.id, _reached(result, each), scaled(each.value, each.unit), scaled(each.summary.p50, each.unit))
        for each in reached
    )
    return table("ceilings", "Ceilings of this machine, measured in this run", header, rows, notes)


def _reached(result: Result, ceiling: Ceiling) -> str:
    work = work_of(result).get(ceiling.unit)
    if not work or (ceiling.id.startswith("matmul") and ceiling != result.peak()):
        return ABSENT
    # Milliseconds at the ceiling; what the step takes longer than these, it does not reach.
    least = quotient(1000 * work, ceiling.value)
    return derived(whole_of(result), lambda time: 100 * quotient(least, time), "%")


def floor(result: Result, least: Floor) -> Table:
    """The least time that the ceilings allow, and how far above it the step is."""
    whole = whole_of(result)
    limits = {
        "floor": least.milliseconds,
        "operations alone": least.compute,
        "weights, inputs and outputs alone": least.memory,
    }
    header = ("", "the step takes" if whole is None else f"{whole.id} takes", "milliseconds")
    rows = ((name, _beyond(whole, value), digits(value)) for name, value in limits.items())
    notes = (f"The sum over the graphs of the larger of both limits, at the ceilings here, in {result.precision}.",)
    return table("floor", "The floor of a step on this machine", header, rows, notes)


def _beyond(whole: Timing | None, limit: float) -> str:
    """Time of a call of the whole, in multiples of a limit in milliseconds."""
    return derived(whole, lambda time: quotient(time, limit), "×")


def predictions(result: Result, machines: Sequence[Prediction]) -> Table:
    """Floors on machines that were not measured."""
    header = ("", "beside this floor", "at least, ms", "limited by", "peak", "memory", "precision")
    notes = [
        "Computed from datasheets. Nothing here was measured; a real step takes longer than the floor.",
        *dict.fromkeys(f"{each.machine}: {each.source.rstrip('.')}." for each in machines),
    ]
    measured = result.floor
    rows = (
        (
            each.machine,
            f"{digits(quotient(each.milliseconds, measured.milliseconds))} ×" if measured else ABSENT,
            digits(each.milliseconds),
            each.limit,
            scaled(each.flops, "FLOP/s"),
            scaled(each.bandwidth, "B/s"),
            each.precision,
        )
        for each in machines
    )
    return table("predictions", "Predictions from datasheets, not measurements", header, rows, notes)
