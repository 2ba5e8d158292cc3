"""A result as a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..results import Result
from .latency import latency, ratios
from .overview import PARTS, environment, findings, interrupted, not_measured, settings, title, what_was_run
from .resources import ceilings, costs, energy, floor, memory, predictions
from .speed import cold_start, pipeline, throughput, transfers
from .tables import Report, Table, table
from .units import plain

MEASURED: Mapping[str, Callable[[Result], Table | None]] = {
    "timings": latency,
    "ratios": ratios,
    "cold_start": cold_start,
    "transfers": transfers,
    "throughput": throughput,
    "pipeline": pipeline,
    "memory": memory,
    "energy": energy,
    "floor": floor,
    "ceilings": ceilings,
    "costs": costs,
    "predictions": predictions,
}
"""Part of a result → its table, in the order of the report."""


def report_of(result: Result) -> Report:
    """Make the report of a result, whole or partial."""
    return Report(
        title(result),
        interrupted(result),
        tuple(map(plain, result.warnings)),
        findings(result),
        tuple(_tables(result)),
    )


def _tables(result: Result) -> Iterator[Table]:
    before = (what_was_run(result),)
    measured = (make(result) or _absent(result, PARTS[part]) for part, make in MEASURED.items())
    after = (not_measured(result), environment(result), settings(result))
    yield from (each for each in (*before, *measured, *after) if each is not None)


def _absent(result: Result, part: str) -> Table | None:
    """A table that says why a part was not measured, if the run says it."""
    reasons = [f"Not measured: {each.why}" for each in result.missing if part in each.what.lower()]
    return table(part.replace(" ", "-"), part.capitalize(), (), (), reasons) if reasons else None
