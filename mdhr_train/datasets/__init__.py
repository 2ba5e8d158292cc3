"""Readers of the datasets as they are handed out. A third dataset is one more reader and an entry in `READERS`.

A reader takes the raw folder and the names of the action units. It gives the recordings, with all labels read and
checked and no image opened yet.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..layouts import BP4D, DISFA, LAYOUTS
from . import bp4d, disfa
from .base import DATASETS, FOLDS, RENDERED, SPLITS, Dataset, list_folder
from .raw import RawRecording

__all__ = [
    "BP4D",
    "DATASETS",
    "DISFA",
    "FOLDS",
    "LAYOUTS",
    "READERS",
    "RENDERED",
    "SPLITS",
    "Dataset",
    "RawRecording",
    "list_folder",
]

READERS: dict[str, Callable[[Path, Sequence[str]], list[RawRecording]]] = {"bp4d": bp4d.read, "disfa": disfa.read}
