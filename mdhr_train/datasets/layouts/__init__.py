"""Layouts as files: the published ones beside this one, those that people write, and one derived for any set of AUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import CropGeometry, Layout, Region, au_name
from mdhr_runtime.records import RecordError, from_plain, from_yaml, read_bytes, to_plain

LARGEST_REGION = 6
"""AUs of a region that is derived. Its classifier has 2^n classes: 64 can be learned, the published 2^4 easily."""

FACE: dict[str, tuple[tuple[int, int], tuple[int, ...]]] = {
    "up": ((0, 3), (1, 2, 4, 5, 7, 41, 42, 43, 44, 45, 46, 61, 62, 63, 64)),
    "mid": ((2, 5), (6, 9, 11, 38, 39)),
    "low": (
        (4, 7),
        # The corners of the mouth, its lips from the upper one down, the jaw, the cheeks, the neck.
        (12, 13, 14, 15, 20, 10, 16, 17, 18, 22, 23, 24, 28, 32, 37, 8, 19, 36, 25, 26, 27, 29, 30, 31, 33, 34, 35, 21),
    ),
}
"""Where the AUs of the Facial Action Coding System are: rows of the 7×7 map, and AUs in the order in which they are
split where they are too many for one classifier. For the AUs of BP4D and DISFA it gives the published regions."""

CROP = CropGeometry(left_eye=(0.33, 0.28), right_eye=(0.70, 0.28), mouth=(0.51, 0.70), rotate=True)
"""The crop of derived layouts: BP4D's. Tests see its middle, so that faces are as large as in training."""


def shipped(name: str) -> Layout:
    """A layout that comes with the product, by the name of its file."""
    return read_layout(Path(__file__).with_name(f"{name}.yaml"))


def read_layout(path: Path) -> Layout:
    """Read a layout, in YAML.

    Raises:
        ConfigError: There is no such file, or it is no layout.
    """
    try:
        return layout_from(from_yaml(dict[str, Any], read_bytes(path)))
    except RecordError as error:
        raise ConfigError(
            f"{path} is no layout of action units.",
            str(error),
            "Begin with the one that `mdhr-train prepare table … --dry-run` prints.",
        ) from error


def layout_from(value: Any) -> Layout:
    """Make a layout of plain data.

    Raises:
        RecordError: It is none.
    """
    layout: Layout = from_plain(Layout, value, "The layout")
    return layout


def layout_text(layout: Layout) -> str:
    """A layout as YAML, with a region in each line."""
    import yaml

    def flow(value: Any) -> str:
        text: str = yaml.safe_dump(to_plain(value), default_flow_style=True, sort_keys=False, width=1 << 16)
        return text.removesuffix("\n").removesuffix("\n...")

    regions = "".join(f"  - {flow(asdict(region))}\n" for region in layout.regions)
    fields = {name: flow(value) for name, value in asdict(layout).items()} | {"regions": f"\n{regions.rstrip()}"}
    return "".join(f"{name}:{'' if text.startswith(chr(10)) else ' '}{text}\n" for name, text in fields.items())


def derive_layout(name: str, aus: Sequence[int]) -> Layout:
    """Make a layout for any set of AUs, by where in the face they are.

    Args:
        name: Its name.
        aus: Numbers of the AUs, each of them once.

    Raises:
        ConfigError: There is no AU, or one whose place is not known.
    """
    unknown = sorted(set(aus) - {au for _, known in FACE.values() for au in known})
    if unknown or not aus:
        raise ConfigError(
            "No layout can be made for these action units.",
            f"Where {', '.join(map(au_name, unknown))} is in the face is not known." if unknown else "There are none.",
            "Leave them out, or say where they are in a file of your own: --layout.",
        )
    regions = [
        Region(f"{region}-{'abcdefgh'[index]}" if len(groups) > 1 else region, group, rows)
        for region, (rows, known) in FACE.items()
        for groups in [_split([au for au in known if au in aus])]
        for index, group in enumerate(groups)
    ]
    return Layout(name, tuple(sorted(aus)), tuple(regions), region_projection=True, crop=CROP)


def _split(aus: Sequence[int]) -> list[tuple[int, ...]]:
    """AUs in groups of nearly the same size that are small enough; the larger groups come last."""
    count = -(-len(aus) // LARGEST_REGION)
    edges = [len(aus) * index // count for index in range(count + 1)] if count else []
    return [tuple(aus[start:stop]) for start, stop in pairwise(edges)]
