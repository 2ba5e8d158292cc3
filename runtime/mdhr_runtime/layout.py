"""The labels of a model: its action units (AUs), the facial regions that group them, and the crop of its faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from .records import Text

ActionUnit = Annotated[int, Meta(ge=1, le=999)]
Row = Annotated[int, Meta(ge=0, le=7)]
Side = Annotated[int, Meta(ge=32, le=1024)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
CENTRE, RESIZE = VIEWS = ("centre", "resize")
"""What the network sees of a reference crop: its middle, or all of it, made smaller."""


def au_name(au: int) -> str:
    """The name of an AU as OpenFace writes it, such as "AU01"."""
    return f"AU{au:02d}"


@dataclass(frozen=True)
class Region:
    """A facial region: the AUs whose on/off combination one auxiliary classifier predicts.

    Attributes:
        name: Short name, unique in its layout.
        aus: AU numbers; the FIRST is the most significant bit of the combination.
        rows: Half-open range of rows of the 7×7 feature map that the region covers.
    """

    name: Text
    aus: Annotated[tuple[ActionUnit, ...], Meta(min_length=1, max_length=16)]
    rows: tuple[Row, Row]

    def __post_init__(self) -> None:
        if not self.rows[0] < self.rows[1]:
            raise ValueError(f"region {self.name} has no rows in {self.rows}")

    @property
    def combinations(self) -> int:
        """Number of on/off combinations, 2^n for n AUs."""
        return 1 << len(self.aus)


@dataclass(frozen=True)
class CropGeometry:
    """Positions of a face's landmarks in an aligned crop.

    Points are (x, y) as fractions of a square reference crop, left and right as seen in the image. The network sees
    `input_size` pixels of it, as it does in evaluation.

    Attributes:
        left_eye: The eye on the image's left.
        right_eye: The eye on the image's right.
        mouth: Midpoint between the corners of the mouth.
        rotate: Whether heads are rotated upright.
        reference_size: Side of the reference crop in pixels.
        input_size: Side of the network's input in pixels.
        view: Whether the network sees the middle of the reference crop ("centre"), or all of it ("resize"), in which
            faces are smaller.
    """

    left_eye: Point
    right_eye: Point
    mouth: Point
    rotate: bool
    reference_size: Side = 256
    input_size: Side = 224
    view: str = CENTRE

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise ValueError(f"the crop's view is {self.view!r}, none of {', '.join(VIEWS)}")
        if not (self.left_eye[0] < self.right_eye[0] and max(self.left_eye[1], self.right_eye[1]) < self.mouth[1]):
            raise ValueError("the crop's landmarks are not those of an upright face")
        if self.input_size > self.reference_size:
            raise ValueError(f"the crop's input of {self.input_size} pixels is cut from {self.reference_size}")

    @property
    def margin(self) -> int:
        """Pixels of the reference crop, at each of its edges, that the network does not see."""
        return (self.reference_size - self.input_size) // 2 if self.view == CENTRE else 0

    @property
    def scale(self) -> float:
        """Pixels of the network's input per pixel of the reference crop."""
        return 1.0 if self.view == CENTRE else self.input_size / self.reference_size


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

    name: Text
    aus: Annotated[tuple[ActionUnit, ...], Meta(min_length=1, max_length=64)]
    regions: tuple[Region, ...]
    region_projection: bool
    crop: CropGeometry

    def __post_init__(self) -> None:
        grouped = sorted(au for region in self.regions for au in region.aus)
        if grouped != sorted(set(self.aus)) or len(grouped) != len(self.aus):
            raise ValueError(f"layout {self.name}: the regions hold AUs {grouped}, the layout {sorted(self.aus)}")

    @property
    def au_names(self) -> tuple[str, ...]:
        """Names as OpenFace writes them, such as "AU01"."""
        return tuple(map(au_name, self.aus))

    @property
    def region_of(self) -> tuple[int, ...]:
        """For each AU, in output order, the index of its region."""
        return tuple(next(i for i, region in enumerate(self.regions) if au in region.aus) for au in self.aus)
