"""Starting from the weights of another network, which may label other action units (AUs)."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from torch import Tensor

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout

from ..model import MDHR
from ..model.config import architecture

PARTS = {
    "backbone": "backbone",
    "static": "static features",
    "dynamics": "facial dynamics",
    "local.projections": "regions' projections",
    "local.extractors": "extractors",
    "local.classifiers": "regions' classifiers",
    "cross": "relations",
    "temporal.convs": "temporal convolutions",
    "temporal.bn": "their normalisation",
    "temporal.classes": "class vectors",
}
"""Names for people of the parts of a network, by the beginning of their keys."""

BY_AU = ("local.extractors", "temporal.convs")
BY_REGION = ("local.projections", "local.classifiers")
ROWS_BY_AU = ("temporal.bn", "temporal.classes")
"""Parts that have a module per AU, one per region, and tensors with a row per AU."""


class Taken(TypedDict):
    """What became of a part: numbers taken, of how many, and what is not taken: AUs, regions, or tensors."""

    taken: int
    of: int
    new: list[str]


def take_weights(path: Path, model: MDHR, source: MDHR) -> dict[str, Taken]:
    """Give a network the weights of another one that fit, in place; the others stay as they are.

    What an AU has of its own goes to the same AU, wherever it stands in the layouts. An extractor is taken only where
    it sees what it saw: behind the projection of its region, or without one in both. A region's projection is taken
    from the region of the same rows that shares most AUs, its classifier only if the AUs are all the same. The facial
    dynamics are taken if scales and fusion are the same. Beyond that a tensor must have the same shape.

    Args:
        path: The file of the other network, for the error.
        model: The network.
        source: The other one.

    Returns:
        By the name of every part that the network has, what was taken of it.

    Raises:
        ConfigError: The other network has another backbone.
    """
    mine, theirs = architecture(model.config.backbone), architecture(source.config.backbone)
    if mine != theirs:
        raise ConfigError(
            f"The weights in {path} do not fit this network.",
            f"Its backbone is {theirs}, and this one's {mine}.",
            f"Give --backbone {theirs}, or another checkpoint.",
        )
    matching, told = _Matching(model, source), dict[str, Taken]()
    weights = {key: tensor for key, tensor in model.state_dict().items() if tensor.is_floating_point()}  # not counters
    for key, tensor in weights.items():
        part = told.setdefault(PARTS[_part(key)], {"taken": 0, "of": 0, "new": []})
        for name, piece, values in matching.pieces(key, tensor):
            part["of"] += piece.numel()
            if values is not None and values.shape == piece.shape:
                piece.copy_(values)  # it is a part of the network's own tensor
                part["taken"] += piece.numel()
            elif name not in part["new"]:
                part["new"].append(name)
    return told


class _Matching:
    """What of one network belongs to what of another one."""

    def __init__(self, model: MDHR, source: MDHR) -> None:
        self.layout, self.other = model.config.layout, source.config.layout
        numbers = {au: index for index, au in enumerate(self.other.aus)}
        self.aus = [numbers.get(au) for au in self.layout.aus]
        self.regions = [_nearest(region.aus, region.rows, self.other) for region in self.layout.regions]
        self.found = source.state_dict()
        self.projected = tuple(
            any(_part(key) == "local.projections" for key in weights) for weights in (model.state_dict(), self.found)
        )
        a, b = model.config, source.config
        self.same_dynamics = (a.scales, a.fusion) == (b.scales, b.fusion)

    def pieces(self, key: str, tensor: Tensor) -> list[tuple[str, Tensor, Tensor | None]]:
        """A tensor in pieces: what each belongs to, the piece, and the values for it if there are any."""
        part = _part(key)
        if part in ROWS_BY_AU and tensor.ndim and key in self.found:
            other = self.found[key]
            values = [None if index is None else other[index] for index in self.aus]
            return list(zip(self.layout.au_names, tensor, values, strict=True))
        name, known = self._other(part, key)
        return [(name, tensor, self.found.get(known) if known else None)]

    def _other(self, part: str, key: str) -> tuple[str, str | None]:
        """Whose a tensor is, and its key in the other network, if there is one for it."""
        if part not in (*BY_AU, *BY_REGION):
            return key.removeprefix(f"{part}."), key if part != "dynamics" or self.same_dynamics else None
        number = int(key.removeprefix(f"{part}.").partition(".")[0])
        if part in BY_AU:
            name, index = self.layout.au_names[number], self.aus[number]
            if part == "local.extractors" and not self._sees_the_same(number, index):
                index = None
        else:
            region, index = self.layout.regions[number], self.regions[number]
            name = region.name
            if part == "local.classifiers" and index is not None and self.other.regions[index].aus != region.aus:
                index = None
        return name, None if index is None else key.replace(f"{part}.{number}.", f"{part}.{index}.", 1)

    def _sees_the_same(self, own: int, other: int | None) -> bool:
        """Whether the extractor of an AU gets in one network what it gets in the other."""
        if other is None or self.projected[0] != self.projected[1]:
            return False
        return not self.projected[0] or self.regions[self.layout.region_of[own]] == self.other.region_of[other]


def _nearest(aus: tuple[int, ...], rows: tuple[int, int], layout: Layout) -> int | None:
    """The region of a layout that has these rows and most of these AUs; None if none has any of them."""
    shared = [len({*aus} & {*each.aus}) if each.rows == rows else 0 for each in layout.regions]
    return shared.index(max(shared)) if any(shared) else None


def _part(key: str) -> str:
    """The part that a tensor belongs to."""
    return next(part for part in PARTS if f"{key}.".startswith(f"{part}."))
