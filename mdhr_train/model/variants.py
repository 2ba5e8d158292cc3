"""The networks that the paper's ablations compare (its tables 3, 4 and 5), and what leaving out one part does.

All are trained and scored in the same way. Section 4.3 says what the rows have in common: table 4 is on top of the
backbone and the extractors (AFE), table 5 on top of these and, where its rows say so, the auxiliary branch (Aux).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mdhr_runtime.errors import ConfigError

from .config import ACTIVATED, CONCAT, CROSS, FULL, LOCAL, NO_EDGES, SCALES, SUM, WEIGHTED


@dataclass(frozen=True)
class SuiteRow:
    """One network of a table.

    Attributes:
        label: Its name in the table.
        overrides: Arguments of `ModelConfig` that make it.
        paper: The mean F1 that the paper prints (arXiv:2404.06443v1), in per cent, with ResNet-50 on BP4D; None where
            it has no such row.
        inferred: Whether it is inferred that this figure is this network's. The printed tables 3 and 4 say by marks
            which parts or scales a row has, and these did not survive in the text of the paper that was read.
    """

    label: str
    overrides: Mapping[str, Any]
    paper: float | None = None
    inferred: bool = False


BACKBONE = {"dynamics": False, "extractors": False, "auxiliary": False, "relations": NO_EDGES, "temporal": False}
"""The backbone alone: the mean of the static features is compared with the AUs' class vectors."""

PARTS: Mapping[str, Mapping[str, Any]] = {
    "MFD": {"dynamics": True},
    "AFE": {"extractors": True},
    "Aux": {"auxiliary": True},
    "CRM": {"relations": ACTIVATED},
    "TCN": {"temporal": True},
}
"""The parts that table 3 ticks, and what each adds to the backbone."""


def _with(*parts: str) -> dict[str, Any]:
    """The backbone with some parts."""
    return BACKBONE | {name: value for part in parts for name, value in PARTS[part].items()}


def _table3() -> tuple[SuiteRow, ...]:
    """Parts on and off. Without CRM the extractors' nodes are scored as they are.

    Which parts a printed row has is inferred, but for the full network. The figures of AFE, MFD + AFE and AFE + Aux +
    CRM recur in tables 4 and 5; those of the other inferred rows do not.
    """
    figures = {
        (): 63.3,
        ("MFD",): 64.6,
        ("AFE",): 64.1,
        ("AFE", "Aux"): 64.5,
        ("AFE", "Aux", "CRM"): 65.1,
        ("MFD", "AFE"): 65.3,
        ("MFD", "AFE", "Aux"): 65.7,
        ("MFD", "AFE", "Aux", "CRM"): 66.3,
        ("MFD", "AFE", "Aux", "CRM", "TCN"): 66.6,
    }
    return tuple(
        SuiteRow(" + ".join(parts) or "backbone", _with(*parts), mean, inferred=parts != tuple(PARTS))
        for parts, mean in figures.items()
    )


def _table4() -> tuple[SuiteRow, ...]:
    """Scales and fusion of the facial dynamics: single scales, all pairs (adaptively weighted), and all four scales.

    That the two figures of single scales are those of the first and the last is inferred. The printed table also has
    three combinations of some scales (64.6, 64.8 and 64.7), of which nothing tells which scales they are: they are
    absent here.
    """
    base, single = _with("MFD", "AFE"), {1: 64.3, 4: 64.7}
    return (
        SuiteRow("none", _with("AFE"), 64.1),
        *(
            SuiteRow(f"scale {number}", base | {"scales": (number,)}, single.get(number), inferred=number in single)
            for number in SCALES
        ),
        *(SuiteRow(f"scales {a} + {b}", base | {"scales": (a, b)}) for a, b in combinations(SCALES, 2)),
        SuiteRow("all scales, sum", base | {"fusion": SUM}, 64.9),
        SuiteRow("all scales, concatenation", base | {"fusion": CONCAT}, 64.9),
        SuiteRow("all scales, adaptive weights", base | {"fusion": WEIGHTED}, 65.3),
    )


def _table5() -> tuple[SuiteRow, ...]:
    """Edges of the graph."""
    with_aux = _with("AFE", "Aux")
    return (
        SuiteRow("fully connected", _with("AFE") | {"relations": FULL}, 64.6),
        SuiteRow("Aux, local", with_aux | {"relations": LOCAL}, 64.2),
        SuiteRow("Aux, cross-regional full", with_aux | {"relations": CROSS}, 64.9),
        SuiteRow("Aux, fully connected", with_aux | {"relations": FULL}, 64.8),
        SuiteRow("Aux, cross-regional activated", with_aux | {"relations": ACTIVATED}, 65.1),
    )


def _parts() -> tuple[SuiteRow, ...]:
    """The full network, and without each part in turn; not a table of the paper, which adds parts instead."""
    left_out = {f"without {part}": {name: BACKBONE[name] for name in changes} for part, changes in PARTS.items()}
    return (SuiteRow("full", {}), *(SuiteRow(label, overrides) for label, overrides in left_out.items()))


SUITES: Mapping[str, tuple[SuiteRow, ...]] = {
    "table3": _table3(),
    "table4": _table4(),
    "table5": _table5(),
    "parts": _parts(),
}
"""The networks of a table, in its order, by the name of the suite."""


def inferred_note(suite: str) -> str | None:
    """A sentence that names the rows whose printed figure is inferred to be theirs; None where there is no such row.

    Args:
        suite: Its name, which may be unknown here.
    """
    labels = [row.label for row in SUITES.get(suite, ()) if row.inferred]
    text = "That these printed figures belong to these rows is inferred, as the table's marks were not legible: {}."
    return text.format(", ".join(labels)) if labels else None


def rows(suite: str) -> tuple[SuiteRow, ...]:
    """The networks of a suite, in the table's order.

    Args:
        suite: A key of `SUITES`.

    Raises:
        ConfigError: There is no such suite.
    """
    if suite not in SUITES:
        raise ConfigError(
            f"There is no suite {suite!r}.",
            "The suites are the paper's tables of ablations, and the parts one by one.",
            f"Choose one of {', '.join(SUITES)}.",
        )
    return SUITES[suite]
