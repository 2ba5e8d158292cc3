"""Results as text: one for the terminal and as Markdown, two beside each other for the terminal."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from mdhr_runtime.cli.console import table as lay_out

from ..compare import CONFIDENCE, Change, Comparison, Quantity
from ..results import Result
from .overview import report_of
from .tables import Table
from .units import ABSENT, ADDRESS, digits, named, plain

WIDTH = 110
"""Characters in a line of the terminal."""

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
"""Characters that mean something in Markdown."""


def tell(result: Result) -> str:
    """The report of a result as text, without a final line break."""
    report = report_of(result)
    head = [report.interrupted] if report.interrupted else []
    said = (*(f"warning: {warning}" for warning in report.warnings), *(finding.text for finding in report.findings))
    return "\n\n".join(("\n".join((*head, report.title, *map(_wrapped, said))), *map(_told, report.tables)))


def _told(table: Table) -> str:
    if table.header:
        body = [lay_out(table.header, table.rows)]
    else:
        width = max((len(name) for name, _ in table.rows), default=0)
        body = [f"{name.ljust(width)}  {value}" for name, value in table.rows]
    return "\n".join((table.title.upper(), *body, *map(_wrapped, table.notes)))


def _wrapped(text: str) -> str:
    """A text in lines of the terminal's width; addresses and long names are not broken."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def markdown(result: Result) -> str:
    """The report of a result as GitHub's Markdown, with a final line break."""
    report = report_of(result)
    blocks = [f"**{_escaped(report.interrupted)}**"] if report.interrupted else []
    blocks += [f"# {_escaped(report.title)}", *(f"> **Warning:** {_escaped(warning)}" for warning in report.warnings)]
    blocks += [_list([finding.text for finding in report.findings])] if report.findings else []
    for table in report.tables:
        blocks.append(f"## {_escaped(table.title)}")
        blocks += ["\n".join(_lines(table))] if table.rows else []
        blocks += [_list(table.notes)] if table.notes else []
    return "\n\n".join(blocks) + "\n"


def _list(entries: Sequence[str]) -> str:
    return "\n".join(f"- {_escaped(entry)}" for entry in entries)


def _lines(table: Table) -> Iterator[str]:
    header = table.header or ("", "")
    yield _line([_escaped(cell) for cell in header])
    yield _line([":--" if index == 0 or not table.header else "--:" for index in range(len(header))])
    for row in table.rows:
        cells = [_escaped(cell) for cell in row]
        if table.lead:
            cells[1] = f"**{cells[1]}**"
        yield _line(cells)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    # With one group, a split gives text and addresses in turn.
    parts = ADDRESS.split(text)
    return "".join(f"<{part}>" if index % 2 else SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))


def tell_comparison(comparison: Comparison) -> str:
    """A comparison as text, without a final line break."""
    return "\n\n".join(block for block in _blocks(comparison) if block)


def _blocks(comparison: Comparison) -> Iterator[str]:
    yield "\n".join(map(_wrapped, (*comparison.interrupted, *_other_machines(comparison))))
    if comparison.differences:
        rows = [(f"{each.kind}: {each.name}", each.before, each.after) for each in comparison.differences]
        yield "WHAT DIFFERS BETWEEN THE RUNS\n" + lay_out(("", "before", "after"), rows)
    else:
        yield "The runs do not differ in machine, bundle, settings, versions or load."
    yield "\n".join(_wrapped(f"warning: {warning}") for warning in comparison.warnings)
    if comparison.changes:
        header = ("", "change", f"{CONFIDENCE:.0%}".replace("%", " % interval"), "before", "after", "verdict")
        yield "WHAT CHANGED\n" + lay_out(header, [_change(each) for each in comparison.changes])
    else:
        yield "There is nothing that both runs measured."
    yield "\n".join(map(_wrapped, _only(comparison)))


def _other_machines(comparison: Comparison) -> Iterable[str]:
    if comparison.same_machine:
        return ()
    return (
        "warning: The machines differ. Compared are ratios to baselines of the same run, which say how the software "
        "does beside them on each machine, not absolute times, which would say how fast the machines are.",
    )


def _change(change: Change) -> tuple[str, ...]:
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


def _only(comparison: Comparison) -> Iterator[str]:
    for name, only in (("before", comparison.only_before), ("after", comparison.only_after)):
        if only:
            yield f"Measured only {name}: {'; '.join(map(plain, only))}."
    if comparison.changes:
        yield (
            "Intervals are of the ratio of the medians: by bootstrap over the rounds, and where rounds were not kept, "
            "from the ends of both ranges. They hold the noise within the runs, not what differs from one start of the "
            "same software to the next: repeat both runs before you believe a small change."
        )
