"""The datasets that can be trained on: two that were published with, and any that describes itself."""

from pathlib import Path

from mdhr_runtime.errors import DataError

from . import bp4d, disfa
from .base import DESCRIPTION, Dataset
from .description import read_description

BP4D, DISFA = bp4d.LAYOUT, disfa.LAYOUT

LAYOUTS = {layout.name: layout for layout in (BP4D, DISFA)}
"""By the layouts' own names."""

DATASETS = {dataset.name: dataset for dataset in (bp4d.DATASET, disfa.DATASET)}
"""By the names for `--dataset`."""

READERS = {"bp4d": bp4d.read, "disfa": disfa.read}
"""What reads the raw form of each, as it was handed out."""


def dataset_in(root: Path | None, name: str | None = None) -> Dataset:
    """The dataset in a folder: as it describes itself, else one that is known by its name.

    Args:
        root: Folder of a prepared dataset, if there is one.
        name: Its name; None takes what the folder says of itself, else "bp4d".

    Raises:
        DataError: There is no dataset of this name, or the folder holds another one.
    """
    found = read_description(root) if root is not None else None
    if found is not None:
        if name not in (None, found.name):
            raise DataError(
                f"{root} does not hold the dataset {name}.",
                f"Its {DESCRIPTION} calls it {found.name}.",
                "Leave out --dataset, or name another folder with --data.",
            )
        return found
    if (name or "bp4d") not in DATASETS:
        raise DataError(
            f"There is no dataset {name!r}.",
            f"Known are {', '.join(DATASETS)}, and {root} has no {DESCRIPTION} that describes another one.",
            "Name one of them with --dataset, or a folder that mdhr-train prepare table has written with --data.",
        )
    return DATASETS[name or "bp4d"]
