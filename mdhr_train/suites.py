"""The paper's ablations: which networks its tables 3, 4 and 5 compare, and what leaving out one part does.

All of them are trained and scored in the same way, with ResNet-50 on BP4D in the paper. Section 4.3 says what the rows
have in common: table 4 builds on the backbone and the extractors (AFE), table 5 on these and, where its rows say so,
the auxiliary branch (Aux).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mdhr_runtime.errors import ConfigError

from .model.config import ACTIVATED, CONCAT, CROSS, FULL, LOCAL, NO_EDGES, SCALES, SUM, WEIGHTED
from .paper import ABLATIONS


@dataclass(frozen=True)
class SuiteRow:
    """One network of a table.

    Attributes:
        label: Its name in the table.
        overrides: Arguments of `ModelConfig` that make it.
        paper: The paper's mean F1 in per cent, with ResNet-50 on BP4D; None where it has no such row.
    """

    label: str
    overrides: Mapping[str, Any]
    paper: float | None


BACKBONE = {"dynamics": False, "extractors": False, "auxiliary": False, "relations": NO_EDGES, "temporal": False}
"""The backbone alone: the mean of the static features is compared with the AUs' class vectors."""

PARTS: Mapping[str, Mapping[str, Any]] = {
    "MFD": {"dynamics": True},
    "AFE": {"extractors": True},
    "Aux": {"auxiliary": True},
    "CRM": {"relations": ACTIVATED},
    "TCN": {"temporal": True},
}
"""Changes of the backbone alone by each part that table 3 ticks."""

FUSIONS = {"sum": SUM, "concatenation": CONCAT, "adaptive weights": WEIGHTED}


def _with(*parts: str) -> dict[str, Any]:
    """The backbone with some parts."""
    return BACKBONE | {name: value for part in parts for name, value in PARTS[part].items()}


def _table3() -> dict[str, dict[str, Any]]:
    """Parts on and off. Without CRM the extractors' nodes are scored as they are."""
    ticked = (
        ("MFD",),
        ("AFE",),
        ("AFE", "Aux"),
        ("AFE", "Aux", "CRM"),
        ("MFD", "AFE"),
        ("MFD", "AFE", "Aux"),
        ("MFD", "AFE", "Aux", "CRM"),
        ("MFD", "AFE", "Aux", "CRM", "TCN"),
    )
    return {"backbone": _with()} | {" + ".join(parts): _with(*parts) for parts in ticked}


def _table4() -> dict[str, dict[str, Any]]:
    """Scales and fusion of the facial dynamics: single scales, all pairs (adaptively weighted), and all four scales."""
    base = _with("MFD", "AFE")
    singles = {f"scale {number}": base | {"scales": (number,)} for number in SCALES}
    pairs = {f"scales {a} + {b}": base | {"scales": (a, b)} for a, b in combinations(SCALES, 2)}
    fusions = {f"all scales, {label}": base | {"fusion": fusion} for label, fusion in FUSIONS.items()}
    return {"none": _with("AFE")} | singles | pairs | fusions


def _table5() -> dict[str, dict[str, Any]]:
    """Edges of the graph."""
    without, with_aux = _with("AFE"), _with("AFE", "Aux")
    return {
        "fully connected": without | {"relations": FULL},
        "Aux, local": with_aux | {"relations": LOCAL},
        "Aux, cross-regional full": with_aux | {"relations": CROSS},
        "Aux, fully connected": with_aux | {"relations": FULL},
        "Aux, cross-regional activated": with_aux | {"relations": ACTIVATED},
    }


def _parts() -> dict[str, dict[str, Any]]:
    """The full network, and without each part in turn; not a table of the paper, which adds parts instead."""
    left_out = {f"without {part}": {name: BACKBONE[name] for name in changes} for part, changes in PARTS.items()}
    return {"full": {}} | left_out


SUITES = {"table3": _table3(), "table4": _table4(), "table5": _table5(), "parts": _parts()}
"""Label → arguments of `ModelConfig`, by the name of the suite."""


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
    figures = ABLATIONS.get(suite, {})
    return tuple(SuiteRow(label, overrides, figures.get(label)) for label, overrides in SUITES[suite].items())
