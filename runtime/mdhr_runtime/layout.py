"""The labels of a model: its action units (AUs), the facial regions that group them, and the crop of its faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Region:
    """A facial region: the AUs whose on/off combination one auxiliary classifier predicts.

    Attributes:
        name: Short name, unique in its layout.
        aus: AU numbers; the FIRST is the most significant bit of the combination.
        rows: Half-open range of rows of the 7×7 feature map that the region covers.
    """

    name: str
    aus: tuple[int, ...]
    rows: tuple[int, int]

    @property
    def combinations(self) -> int:
        """Number of on/off combinations, 2^n for n AUs."""
        return 1 << len(self.aus)


@dataclass(frozen=True)
class CropGeometry:
    """Positions of a face's landmarks in an aligned crop.

    Points are (x, y) as fractions of a square reference crop, left and right as seen in the image. The network sees
    the central `input_size` pixels of a reference crop of `reference_size` pixels, as it does in evaluation.

    Attributes:
        left_eye: The eye on the image's left.
        right_eye: The eye on the image's right.
        mouth: Midpoint between the corners of the mouth.
        rotate: Whether heads are rotated upright.
        reference_size: Side of the reference crop in pixels.
        input_size: Side of the network's input in pixels.
    """

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]
    rotate: bool
    reference_size: int = 256
    input_size: int = 224


@dataclass(frozen=True)
class Layout:
    """The action units of a dataset and their regions.

    Attributes:
        name: Name of the dataset, for example "BP4D".
        aus: AU numbers in the order of labels and outputs.
        regions: Facial regions; every AU belongs to exactly one.
        region_projection: Whether each region has a linear block of its own in front of its auxiliary classifier and
            its AUs' extractors (published for BP4D), or uses the slice of the feature map as it is (DISFA).
        crop: Geometry of the aligned crops.
    """

    name: str
    aus: tuple[int, ...]
    regions: tuple[Region, ...]
    region_projection: bool
    crop: CropGeometry

    def __post_init__(self) -> None:
        grouped = sorted(au for region in self.regions for au in region.aus)
        if grouped != sorted(self.aus):
            raise ValueError(f"layout {self.name}: the regions hold AUs {grouped}, the layout {sorted(self.aus)}")

    @property
    def au_names(self) -> tuple[str, ...]:
        """Names as OpenFace writes them, such as "AU01"."""
        return tuple(f"AU{au:02d}" for au in self.aus)

    @property
    def region_of(self) -> tuple[int, ...]:
        """For each AU, in output order, the index of its region."""
        return tuple(next(i for i, region in enumerate(self.regions) if au in region.aus) for au in self.aus)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and checkpoints."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Layout:
        """Inverse of `to_dict`; accepts lists where the layout has tuples.

        Raises:
            KeyError, TypeError, ValueError: The data does not describe a layout.
        """
        crop = dict(data["crop"])
        for point in ("left_eye", "right_eye", "mouth"):
            crop[point] = tuple(crop[point])
        return cls(
            name=data["name"],
            aus=tuple(data["aus"]),
            regions=tuple(Region(r["name"], tuple(r["aus"]), tuple(r["rows"])) for r in data["regions"]),
            region_projection=bool(data["region_projection"]),
            crop=CropGeometry(**crop),
        )
