"""The lists of a prepared dataset, in the published form: reading a fold, and writing all of them."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from mdhr_runtime.errors import DataError
from mdhr_runtime.files import staged, told
from mdhr_runtime.records import RecordError
from mdhr_runtime.text_tables import open_text

from ..datasets.base import SPLITS, Dataset, list_folder
from ..datasets.raw import checked_labels
from ..labels import HARD
from ..losses import class_weights, combination_index, occurrence_rates
from .recordings import Fold, Recording, divide, empty, require_disjoint, some

WEIGHT_TOLERANCE = 1e-3
"""Relative difference from which on the weights in a file and those of the labels are called different."""


class DataWarning(UserWarning):
    """Something about a dataset that its user should know, and that is no error."""


def read_fold(root: Path, dataset: Dataset, fold: int) -> Fold:
    """Read one fold of a prepared dataset.

    The class weights are read where their file exists, and computed where it does not. The lists of combinations are
    not read: they follow from the labels. Names of lists and crops tell which implementation's form it is.

    Args:
        root: Folder with the crops and the lists.
        dataset: How they are laid out.
        fold: 1, 2 or 3.

    Raises:
        DataError: A list or an image is missing, lists have different lengths, a label is none, a split is empty, the
            splits share a subject, or there are lists of two implementations.

    Warns:
        DataWarning: An AU never occurs in training, or the weights in the file are not those of the labels.
    """
    root = Path(root)
    if fold not in dataset.folds:
        known = ", ".join(map(str, dataset.folds))
        raise DataError(f"There is no fold {fold}.", f"Folds are {known}.", "Choose one of them.")
    dataset = _form(list_folder(root), dataset, fold)
    train, test = (_read_split(root, dataset, fold, split) for split in SPLITS)
    require_disjoint(f"Fold {fold} of {root}", train, test)
    lists = [path for split in SPLITS for path in _list_paths(root, dataset, fold, split)]
    return Fold(fold, train, test, _weights(root, dataset, fold, train), _fingerprint(lists))


def read_test_parts(root: Path, dataset: Dataset) -> tuple[Recording, ...]:
    """Read the test parts of all folds, which are together the whole of a prepared dataset.

    Arguments and errors are those of `read_fold`.
    """
    parts = (_read_split(Path(root), dataset, fold, "test") for fold in dataset.folds)
    return tuple({recording.name: recording for part in parts for recording in part}.values())


def write_lists(root: Path, dataset: Dataset, recordings: Iterable[Recording]) -> None:
    """Write the lists of all folds: crops, labels, combinations of the regions, class weights.

    They replace those of the same names in the folder `list`, all at once; other files there stay.

    Args:
        root: Folder of the dataset; the recordings' crops are in its image folder.
        dataset: How it is laid out.
        recordings: All that there are. Within a part they are listed by subject, then as they come here.

    Raises:
        DataError: A subject belongs to no part, or a fold would be empty.
        OutputError: A list cannot be written.

    Warns:
        DataWarning: An AU never occurs in the training split of a fold.
    """
    texts: dict[str, str] = {}
    for (fold, split), chosen in divide(dataset, recordings).items():
        texts |= _texts(root, dataset, fold, split, chosen)
    folder = root / "list"
    with told(f"The lists in {folder}", fix="Make room, or choose another folder."):
        root.mkdir(parents=True, exist_ok=True)
        with staged(folder) as stage:  # all lists or none: they belong together
            if folder.exists():
                shutil.copytree(folder, stage)
            stage.mkdir(exist_ok=True)
            for name, text in texts.items():
                (stage / name).write_text(text + "\n", encoding="utf-8")


def _form(folder: Path, dataset: Dataset, fold: int) -> Dataset:
    """The dataset as its lists in a folder lay it out: its own way, or that of another implementation."""
    forms = [(form, folder / form.path_list.format(split=SPLITS[0], fold=fold)) for form in (dataset, *dataset.others)]
    found = [(form, path) for form, path in forms if path.is_file()]
    names = {path.name for _, path in found}
    if len(names) > 1:
        raise DataError(
            f"{folder} holds lists of two implementations.",
            f"{' and '.join(sorted(names))} name different images.",
            "Move those away that are not meant.",
        )
    weighted = [form for form, _ in found if (folder / form.weight_list.format(fold=fold)).is_file()]
    return next(iter((*weighted, *(form for form, _ in found), dataset)))


def _list_paths(root: Path, dataset: Dataset, fold: int, split: str) -> list[Path]:
    """The lists of a split's crops and of their labels."""
    names = (dataset.path_list, dataset.label_list)
    return [list_folder(root) / name.format(split=split, fold=fold) for name in names]


def _read_split(root: Path, dataset: Dataset, fold: int, split: str) -> tuple[Recording, ...]:
    path_file, label_file = _list_paths(root, dataset, fold, split)
    lines, labels = _read_lines(path_file), _read_labels(label_file, dataset.layout.au_names, dataset.soft)
    if not lines:
        raise empty(f"Fold {fold} of {root}", split, f"{path_file} names no image.")
    if len(labels) != len(lines):  # where the surplus line is, and so which labels are shifted, nothing tells
        raise DataError(
            "The lists of images and labels have different lengths.",
            f"{path_file} has {len(lines)} lines, {label_file.name} {len(labels)}.",
            "Copy both again from one source, or write them again with mdhr-train prepare.",
        )
    recordings = _recordings(root / dataset.image_folder, dataset, lines, labels)
    _require_images(recordings)
    return recordings


def _recordings(images: Path, dataset: Dataset, lines: Sequence[str], labels: np.ndarray) -> tuple[Recording, ...]:
    crops = [dataset.parse_crop(line) for line in lines]
    rows: dict[str, list[int]] = {}
    for row, crop in enumerate(crops):
        rows.setdefault(crop.recording, []).append(row)
    return tuple(
        Recording(
            name,
            crops[chosen[0]].subject,
            tuple(images / lines[row] for row in chosen),
            np.array([crops[row].number for row in chosen], np.int64),
            labels[chosen],
        )
        for name, chosen in rows.items()
    )


def _require_images(recordings: Sequence[Recording]) -> None:
    # Each folder is read once: asking for every file takes minutes on a network drive.
    found: dict[Path, set[str]] = {}
    missing = []
    for path in (path for recording in recordings for path in recording.paths):
        if path.parent not in found:
            found[path.parent] = {file.name for file in path.parent.iterdir()} if path.parent.is_dir() else set()
        if path.name not in found[path.parent]:
            missing.append(path)
    if missing:
        raise DataError(
            f"{len(missing)} of {sum(map(len, recordings))} images are missing.",
            f"The lists name {some(missing)}.",
            "Copy the images again, or write images and lists again with mdhr-train prepare.",
        )


def _texts(root: Path, dataset: Dataset, fold: int, split: str, recordings: Sequence[Recording]) -> Mapping[str, str]:
    """The lists of a split, by file name."""
    images = root / dataset.image_folder
    labels = np.concatenate([recording.labels for recording in recordings])
    texts = {
        dataset.path_list: "\n".join(
            path.relative_to(images).as_posix() for recording in recordings for path in recording.paths
        ),
        dataset.label_list: _rows_of(labels),
        dataset.combination_list: _rows_of(combination_index(torch.from_numpy(labels), dataset.layout).numpy()),
    }
    if split == "train":
        texts[dataset.weight_list] = _row_of_weights(_computed_weights(dataset, fold, recordings))
    return {name.format(split=split, fold=fold): text for name, text in texts.items()}


def _weights(root: Path, dataset: Dataset, fold: int, train: Sequence[Recording]) -> np.ndarray:
    """Class weights float64 (N,) of a fold: those of the file if there is one."""
    computed = _computed_weights(dataset, fold, train)
    path = list_folder(root) / dataset.weight_list.format(fold=fold)
    if not path.is_file():
        return computed
    weights = _read_weights(path, len(computed))
    difference = np.abs(weights / computed - 1).max()
    if difference > WEIGHT_TOLERANCE:
        text = f"The weights in {path} differ from those of the labels by up to {difference:.1%}; the file's are used."
        warnings.warn(text, DataWarning, stacklevel=3)
    return weights


def _computed_weights(dataset: Dataset, fold: int, train: Sequence[Recording]) -> np.ndarray:
    rates = occurrence_rates(torch.from_numpy(np.concatenate([recording.labels for recording in train])))
    never = [name for name, rate in zip(dataset.layout.au_names, rates, strict=True) if rate == 0]
    if never:
        text = f"In the training lists of fold {fold} of {dataset.name} no frame has {', '.join(never)}."
        warnings.warn(f"{text} What never occurs cannot be learned.", DataWarning, stacklevel=4)
    return class_weights(rates).numpy()


def _read_lines(path: Path) -> list[str]:
    """The lines of a list that are not blank."""
    try:
        with open_text(path) as file:
            text = file.read()
    except (OSError, RecordError) as error:
        raise DataError(
            f"The list {path} cannot be read.",
            str(error),
            "Write the lists with mdhr-train prepare, or copy the published ones there.",
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_labels(path: Path, names: Sequence[str], soft: bool) -> np.ndarray:
    """The labels of a list, a line per frame, a number per action unit: int8 (T, N), float32 if they are soft."""
    fix = f"Give a list with {len(names)} numbers a line, each of them {', '.join(map(str, HARD))}."
    lines = _read_lines(path)
    if not lines:
        return np.empty((0, len(names)), np.int8)
    try:
        labels = np.loadtxt(lines, ndmin=2)
    except ValueError as error:
        raise DataError(f"{path} is no list of labels.", str(error), fix) from error
    if labels.shape[1] != len(names):
        raise DataError(f"{path} belongs to another dataset.", f"It has {labels.shape[1]} numbers a line.", fix)
    return checked_labels(labels, path, names, soft=soft)


def _read_weights(path: Path, count: int) -> np.ndarray:
    """The class weights of a fold: float64 (N,)."""
    try:
        weights = np.array(" ".join(_read_lines(path)).split(), np.float64)
    except ValueError:
        weights = np.empty(0)
    if len(weights) != count or not (np.isfinite(weights) & (weights > 0)).all():
        raise DataError(
            f"{path} holds no class weights.",
            f"They are {count} positive numbers, one per action unit.",
            "Remove the file, so that they are computed, or write it again with mdhr-train prepare.",
        )
    return weights


def _rows_of(numbers: np.ndarray) -> str:
    """The text of a list of numbers (T, N): a line per row, numbers apart by a blank, of six digits at most."""
    return "\n".join(" ".join(f"{number:.6g}" for number in row) for row in numbers.tolist())


def _row_of_weights(weights: np.ndarray) -> str:
    """The text of class weights (N,): six digits, apart by tabs, as in the published files."""
    return "\t".join(f"{weight:.6f}" for weight in weights)


def _fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 over the contents of files in their order, in hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
