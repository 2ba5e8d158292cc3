"""The figures of the MDHR paper, to compare our own with.

All are F1 in per cent as printed: means over three subject-independent folds of the real datasets. Source: Wang et al.,
*Multi-scale Dynamic and Hierarchical Relationship Modeling for Facial Action Units Recognition*, CVPR 2024
(arXiv:2404.06443v1), tables 1 to 5. The columns per AU give the printed means again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """The paper's results of one backbone on one dataset.

    Attributes:
        backbone: The backbone as the paper names it.
        mean: Mean F1 over the AUs, in per cent.
        f1: F1 per AU in per cent, by names such as "AU01".
    """

    backbone: str
    mean: float
    f1: Mapping[str, float]


BP4D_AUS = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
DISFA_AUS = ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26")


def _column(backbone: str, mean: float, aus: tuple[str, ...], *f1: float) -> Column:
    return Column(backbone, mean, dict(zip(aus, f1, strict=True)))


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "bp4d": (  # table 1
        _column("ResNet-50", 66.6, BP4D_AUS, 58.3, 50.9, 58.9, 78.4, 80.3, 84.9, 88.2, 69.5, 56.0, 65.5, 49.5, 59.3),
        _column("Swin-B", 66.1, BP4D_AUS, 54.6, 49.7, 61.0, 79.9, 79.4, 85.4, 88.5, 67.8, 56.8, 63.2, 50.9, 55.4),
    ),
    "disfa": (  # table 2
        _column("ResNet-50", 64.9, DISFA_AUS, 61.4, 57.7, 70.9, 57.1, 48.3, 75.7, 91.5, 56.7),
        _column("Swin-B", 66.2, DISFA_AUS, 65.4, 60.2, 75.2, 50.2, 52.4, 74.3, 93.7, 58.2),
    ),
}
"""The results per AU, by the name of the dataset."""

ABLATIONS: Mapping[str, Mapping[str, float]] = {
    "table3": {
        "backbone": 63.3,
        "MFD": 64.6,
        "AFE": 64.1,
        "AFE + Aux": 64.5,
        "AFE + Aux + CRM": 65.1,
        "MFD + AFE": 65.3,
        "MFD + AFE + Aux": 65.7,
        "MFD + AFE + Aux + CRM": 66.3,
        "MFD + AFE + Aux + CRM + TCN": 66.6,
    },
    "table4": {
        "none": 64.1,
        "scale 1": 64.3,
        "scale 4": 64.7,
        "all scales, sum": 64.9,
        "all scales, concatenation": 64.9,
        "all scales, adaptive weights": 65.3,
    },
    "table5": {
        "fully connected": 64.6,
        "Aux, local": 64.2,
        "Aux, cross-regional full": 64.9,
        "Aux, fully connected": 64.8,
        "Aux, cross-regional activated": 65.1,
    },
}
"""Mean F1 in the ablations, all with ResNet-50 on BP4D, by suite and row.

- table3: the backbone and the parts that are on.
- table4: the scales and the fusion of MFD, on top of backbone and AFE. The printed table also has three combinations of
  some scales (64.6, 64.8 and 64.7). They are absent here: the marks that say which scales these are did not survive in
  the text of the paper that was read.
- table5: the edges of the graph, on top of backbone and AFE (table 3's row "AFE + Aux + CRM" is its last).
"""
