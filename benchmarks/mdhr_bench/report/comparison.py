"""A comparison on the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from mdhr_runtime.cli.console import table

from ..compare import CONFIDENCE, Change, Comparison, Quantity
from .text import wrapped
from .units import ABSENT, digits, named, plain


def tell_comparison(comparison: Comparison) -> str:
    """A comparison as text, without a final line break."""
    return "\n\n".join(block for block in _blocks(comparison) if block)


def _blocks(comparison: Comparison) -> Iterator[str]:
    yield "\n".join(map(wrapped, (*comparison.interrupted, *_other_machines(comparison))))
    if comparison.differences:
        rows = [(f"{each.kind}: {each.name}", each.before, each.after) for each in comparison.differences]
        yield "WHAT DIFFERS BETWEEN THE RUNS\n" + table(("", "before", "after"), rows)
    else:
        yield "The runs do not differ in machine, bundle, settings, versions or load."
    yield "\n".join(wrapped(f"warning: {warning}") for warning in comparison.warnings)
    if comparison.changes:
        header = ("", "change", f"{CONFIDENCE:.0%}".replace("%", " % interval"), "before", "after", "verdict")
        yield "WHAT CHANGED\n" + table(header, [_row(each) for each in comparison.changes])
    else:
        yield "There is nothing that both runs measured."
    yield "\n".join(map(wrapped, _notes(comparison)))


def _other_machines(comparison: Comparison) -> Iterable[str]:
    if comparison.same_machine:
        return ()
    return (
        "warning: The machines differ. Compared are ratios to baselines of the same run, which say how the software "
        "does beside them on each machine, not absolute times, which would say how fast the machines are.",
    )


def _row(change: Change) -> tuple[str, ...]:
    steady = change.before.steady and change.after.steady
    interval = ABSENT if change.low is None or change.high is None else f"{_move(change.low)} to {_move(change.high)}"
    return (
        plain(change.before.name),
        _move(change.ratio) if steady else ABSENT,
        interval,
        *map(_value, (change.before, change.after)),
        change.verdict,
    )


def _move(ratio: float) -> str:
    """A change in per cent, to a tenth at the finest: less is never more than noise."""
    if not math.isfinite(ratio):
        return ABSENT
    percent = 100 * (ratio - 1)
    if abs(percent) < 0.05:
        return "0.0 %"
    written = digits(abs(percent)) if abs(percent) >= 10 else f"{abs(percent):.1f}"
    return f"{'+' if percent > 0 else '−'}{written} %"


def _value(quantity: Quantity) -> str:
    low = quantity.value if quantity.low is None else quantity.low
    high = quantity.value if quantity.high is None else quantity.high
    return named(quantity.value, low, high, quantity.steady, quantity.unit)


def _notes(comparison: Comparison) -> Iterator[str]:
    for name, only in (("before", comparison.only_before), ("after", comparison.only_after)):
        if only:
            yield f"Measured only {name}: {'; '.join(map(plain, only))}."
    if comparison.changes:
        yield (
            "Intervals are of the ratio of the medians: by bootstrap over the rounds, and where rounds were not kept, "
            "from the ends of both ranges. They hold the noise within the runs, not what differs from one start of the "
            "same software to the next: repeat both runs before you believe a small change."
        )
