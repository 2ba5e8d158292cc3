"""A prepared dataset that describes itself, in `dataset.yaml`: what no file of this package says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from mdhr_runtime.errors import DataError
from mdhr_runtime.files import write_text
from mdhr_runtime.layout import Layout
from mdhr_runtime.records import RecordError, Text, from_plain, from_yaml, read_bytes

from .base import DESCRIPTION, Dataset
from .layouts import layout_text

SCHEMA = 1

Subject = Annotated[str, Meta(pattern=r"^[^/\x00-\x1f\x7f]+$", max_length=200)]
Parts = Annotated[tuple[Annotated[tuple[Subject, ...], Meta(min_length=1)], ...], Meta(min_length=2)]


@dataclass(frozen=True)
class Description:
    """The content of `dataset.yaml`.

    Attributes:
        schema: Version of this format.
        name: Name of the dataset.
        origin: Whose labels they are, in words.
        soft: Whether labels may lie between 0 and 1.
        parts: The subjects in parts, each of which is tested on in one fold.
        layout: Action units, regions and crop. Regions may be changed; the AUs and the crop are those of the lists and
            the images.
    """

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)]
    name: Annotated[Text, Meta(min_length=1)]
    origin: str
    soft: bool
    parts: Parts
    layout: Layout

    def __post_init__(self) -> None:
        subjects = [subject for part in self.parts for subject in part]
        twice = sorted({subject for subject in subjects if subjects.count(subject) > 1})
        if twice:
            raise ValueError(f"the subject {twice[0]} is in two parts, so it would be trained and tested on")


def described(
    name: str, layout: Layout, parts: tuple[tuple[str, ...], ...], *, soft: bool = False, origin: str = ""
) -> Dataset:
    """The dataset of a description. Its crops lie in a folder per subject, and in one per recording in that."""
    return Dataset(
        name=name,
        layout=layout,
        image_folder="img",
        recording_name="{subject}/{take}",
        crop_name="{recording}/{number}.jpg",
        crop_pattern=r"(?P<recording>(?P<subject>[^/]+)/[^/]+)/(?P<number>\d+)\.jpg",
        path_list="{split}_path_fold{fold}.txt",
        label_list="{split}_label_fold{fold}.txt",
        combination_list="{split}_sub_label_fold{fold}.txt",
        weight_list="train_weight_fold{fold}.txt",
        parts=parts,
        soft=soft,
        origin=origin,
    )


def read_description(root: Path) -> Dataset | None:
    """Read how a prepared dataset describes itself; None where it does not.

    Raises:
        DataError: Its description cannot be read.
    """
    path = root / DESCRIPTION
    if not path.is_file():
        return None
    try:
        found: Description = from_plain(Description, from_yaml(dict[str, Any], read_bytes(path)))
    except RecordError as error:
        raise DataError(
            f"{path} does not describe a dataset.", str(error), "Write it again with mdhr-train prepare table."
        ) from error
    return described(found.name, found.layout, found.parts, soft=found.soft, origin=found.origin)


def write_description(root: Path, dataset: Dataset) -> None:
    """Write `dataset.yaml`.

    Raises:
        OutputError: It cannot be written.
    """
    import yaml

    facts = {
        "schema": SCHEMA,
        "name": dataset.name,
        "origin": dataset.origin,
        "soft": dataset.soft,
        "parts": [list(part) for part in dataset.parts],
    }
    head = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    layout = "".join(f"  {line}\n" for line in layout_text(dataset.layout).splitlines())
    write_text(root / DESCRIPTION, f"{head}layout:\n{layout}")
