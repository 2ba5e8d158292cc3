"""What stands around the measurements: what was run, what was found in short, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..results import Ratio, Result, Timing
from .latency import milliseconds, range_of, whole_of
from .tables import Finding, Table, facts, table
from .units import TOO_WIDE, digits, duration, plain, quotient, span

PARTS = {
    "cold_start": "cold start",
    "timings": "latency",
    "ratios": "ratios",
    "transfers": "transfers",
    "throughput": "throughput",
    "pipeline": "pipeline",
    "memory": "memory",
    "energy": "energy",
    "ceilings": "ceilings",
    "costs": "costs of the graphs",
    "floor": "floor",
    "predictions": "predictions",
}
"""Part of a result → what a reader calls it."""

TOPICS = ("machine", "provider")
"""Topics of the environment that belong at the top, by their names."""


def title(result: Result) -> str:
    """What was measured."""
    return f"Benchmark of {plain(result.bundle.get('name', 'a bundle'))}"


def interrupted(result: Result) -> str | None:
    """That the run was interrupted, and the parts without a result; None for a complete run."""
    if result.complete:
        return None
    missing = absent_parts(result)
    return (
        f"This run was interrupted before its end. Missing: {', '.join(missing) if missing else 'no part as a whole'}."
    )


def absent_parts(result: Result) -> tuple[str, ...]:
    """Parts of a result that hold nothing."""
    return tuple(words for name, words in PARTS.items() if not getattr(result, name))


def findings(result: Result) -> tuple[Finding, ...]:
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
        f"{whole.id} takes {value} the time that this machine's measured ceilings allow: "
        f"{milliseconds(whole)} beside {digits(floor.milliseconds)} ms.",
    )


def what_was_run(result: Result) -> Table:
    """The bundle, where it ran, and when."""
    bundle = {f"bundle {key}": value for key, value in result.bundle.items()}
    named = {topic: value["name"] for topic in TOPICS if "name" in (value := _topic(result, topic))}
    took = {"started": result.started, "took": duration(result.seconds)}
    return facts("run", "What was run", {**bundle, **named, **took})


def _topic(result: Result, name: str) -> Mapping[str, Any]:
    topic = result.environment.get(name)
    return topic if isinstance(topic, Mapping) else {}


def environment(result: Result) -> Table | None:
    """The machine and its software."""
    return facts("environment", "Machine and software", result.environment) if result.environment else None


def settings(result: Result) -> Table | None:
    """How it was measured."""
    return facts("settings", "Settings", result.settings) if result.settings else None


def not_measured(result: Result) -> Table | None:
    """What was not measured, and why."""
    if not result.missing:
        return None
    rows = ((each.what, each.why) for each in result.missing)
    return table("missing", "What was not measured, and why", (), rows, lead=False)
