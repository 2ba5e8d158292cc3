"""The parts of a report. Terminal, Markdown and HTML lay the same tables out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .units import ABSENT, digits, plain, size

BYTES = " bytes"
"""End of a fact's name that gives its unit."""


class Finding(NamedTuple):
    """A finding that a reader should take away.

    Attributes:
        value: The number.
        text: A sentence that holds it.
    """

    value: str
    text: str


class Table(NamedTuple):
    """A table of a report.

    Attributes:
        id: Its name in links.
        title: Its heading.
        header: Titles of the columns; empty for facts, which are pairs of a name and a value.
        rows: The cells; the first of a row names it.
        notes: What is said about it, one sentence or more each.
        lead: Whether the second column is the one to look at: the ratio, with absolute figures behind it.
    """

    id: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    lead: bool = True


class BenchReport(NamedTuple):
    """A report.

    Attributes:
        title: What was measured.
        interrupted: That the run was interrupted, and what is missing therefore; None for a complete run.
        warnings: What a reader must know before they believe a number.
        findings: The most important.
        tables: The rest.
    """

    title: str
    interrupted: str | None
    warnings: tuple[str, ...]
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]


def table(
    name: str,
    title: str,
    header: Iterable[str],
    rows: Iterable[Iterable[object]],
    notes: Iterable[str] = (),
    lead: bool = True,
) -> Table:
    """Make a table, with every text in one line."""
    cells = tuple(tuple(map(plain, row)) for row in rows)
    return Table(name, title, tuple(header), cells, tuple(map(plain, notes)), lead)


def facts(name: str, title: str, values: Mapping[str, Any]) -> Table:
    """Make a table of facts from names to values, which may be mappings again."""
    return table(name, title, (), leaves(values), lead=False)


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of a mapping and the mappings in it, in words."""
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from leaves(value, f"{name}, ")
        elif isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value):
            yield from leaves({f"{name} {number}": each for number, each in enumerate(value, 1)})
        elif isinstance(value, (int, float)) and name.endswith(BYTES):
            yield name.removesuffix(BYTES), size(value)
        else:
            yield name, _words(value)


def _words(value: object) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return digits(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value)) or ABSENT
    return plain(value)
