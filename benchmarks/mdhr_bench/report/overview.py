"""A result as a report: what was run, what was found in short, every part's table, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..results import Ratio, Result, Timing
from . import speed
from .resources import ceilings, costs, energy, floor, memory, predictions
from .speed import cold_start, latency, milliseconds, pipeline, range_of, ratios, throughput, transfers, whole_of
from .tables import BenchReport, Finding, Table, facts, table
from .units import TOO_WIDE, digits, duration, plain, quotient, span

PARTS: Mapping[str, tuple[str, Callable[[Result, Any], Table]]] = {
    "timings": ("latency", latency),
    "ratios": ("ratios", ratios),
    "variants": ("precisions", speed.variants),
    "cold_start": ("cold start", cold_start),
    "transfers": ("transfers", transfers),
    "throughput": ("throughput", throughput),
    "pipeline": ("pipeline", pipeline),
    "memory": ("memory", memory),
    "energy": ("energy", energy),
    "floor": ("floor", floor),
    "ceilings": ("ceilings", ceilings),
    "costs": ("costs of the graphs", costs),
    "predictions": ("predictions", predictions),
}
"""Part of a result → what a reader calls it, and its table; in the order of the report."""

TOPICS = ("machine", "provider")
"""Topics of the environment that belong at the top, by their names."""


def report_of(result: Result) -> BenchReport:
    """Make the report of a result, whole or partial."""
    return BenchReport(
        f"Benchmark of {plain(result.bundle.get('name', 'a bundle'))}",
        _interrupted(result),
        tuple(map(plain, result.warnings)),
        _findings(result),
        tuple(each for each in _tables(result) if each is not None),
    )


def _interrupted(result: Result) -> str | None:
    if result.complete:
        return None
    missing = ", ".join(absent_parts(result)) or "no part as a whole"
    return f"This run was interrupted before its end. Missing: {missing}."


def absent_parts(result: Result) -> tuple[str, ...]:
    """Parts of a result that hold nothing."""
    return tuple(words for name, (words, _) in PARTS.items() if not getattr(result, name))


def _findings(result: Result) -> tuple[Finding, ...]:
    """The whole beside its baselines, and beside what the machine allows."""
    whole = whole_of(result)
    if whole is None:
        return ()
    return (*_beside_baselines(result, whole), *_beside_floor(result, whole))


def _beside_baselines(result: Result, whole: Timing) -> Iterator[Finding]:
    for ratio in result.ratios:
        other = result.timing(ratio.to)
        if ratio.of == whole.id and other is not None:
            value, relation = _compared(ratio)
            # An unsteady time says so itself.
            doubt = f" {TOO_WIDE}" if whole.steady and other.steady and not ratio.steady else ""
            yield Finding(
                value,
                f"{whole.id} {relation} {plain(other.title)}, per frame{doubt}: "
                f"{milliseconds(whole, per_frame=True)} beside {milliseconds(other, per_frame=True)}.",
            )


def _compared(ratio: Ratio) -> tuple[str, str]:
    """A ratio as a number of at least one, if it can be, and in words."""
    if ratio.high < 1:
        low, middle, high = (quotient(1, value) for value in (ratio.high, ratio.value, ratio.low))
        value = f"{digits(middle) if ratio.steady else span(low, high)} ×"
        return value, f"is {value} as fast as"
    value = f"{digits(ratio.value) if ratio.steady else span(ratio.low, ratio.high)} ×"
    return value, f"takes {value} the time of"


def _beside_floor(result: Result, whole: Timing) -> Iterator[Finding]:
    floor = result.floor
    if floor is None:
        return
    low, high = (quotient(end, floor.milliseconds) for end in range_of(whole))
    value = f"{digits(floor.times) if whole.steady else span(low, high)} ×"
    yield Finding(
        value,
        f"{whole.id} takes {value} the time that this machine's measured ceilings allow in {plain(result.precision)}: "
        f"{milliseconds(whole)} beside {digits(floor.milliseconds)} ms.",
    )


def _tables(result: Result) -> Iterator[Table | None]:
    yield _what_was_run(result)
    for name, (words, make) in PARTS.items():
        part = getattr(result, name)
        yield make(result, part) if part else _absent(result, words)
    if result.missing:
        rows = ((each.what, each.why) for each in result.missing)
        yield table("missing", "What was not measured, and why", (), rows, lead=False)
    if result.environment:
        yield facts("environment", "Machine and software", result.environment)
    if result.settings:
        yield facts("settings", "Settings", result.settings)


def _what_was_run(result: Result) -> Table:
    """The bundle, where it ran, and when."""
    bundle = {f"bundle {key}": value for key, value in result.bundle.items()}
    topics = {name: result.environment.get(name) for name in TOPICS}
    named = {name: value["name"] for name, value in topics.items() if isinstance(value, Mapping) and "name" in value}
    provider = topics["provider"]
    reason = {"reason": provider["reason"]} if isinstance(provider, Mapping) and "reason" in provider else {}
    took = {"started": result.started, "took": duration(result.seconds)}
    return facts("run", "What was run", {**bundle, **named, "computed in": result.precision, **reason, **took})


def _absent(result: Result, part: str) -> Table | None:
    """A table that says why a part was not measured, if the run says it."""
    reasons = [f"Not measured: {each.why}" for each in result.missing if part in each.what.lower()]
    return table(part.replace(" ", "-"), part.capitalize(), (), (), reasons) if reasons else None
