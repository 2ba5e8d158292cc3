"""The text of list files: lines, labels and weights, each checked where it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import DataError

from .recordings import LABELS


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list that are not blank.

    Raises:
        DataError: There is no such file, or it is no text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The list {path} cannot be read.",
            str(error),
            "Write the lists with mdhr-train prepare, or copy the published ones there.",
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_labels(path: Path, names: Sequence[str]) -> np.ndarray:
    """Read a list of labels.

    Args:
        path: The list: N numbers a line.
        names: The N action units.

    Returns:
        int8 (T, N).

    Raises:
        DataError: The file is missing or holds something that is no label.
    """
    fix = f"Give a list with {len(names)} numbers a line, each of them {', '.join(map(str, LABELS))}."
    lines = read_lines(path)
    if not lines:
        return np.empty((0, len(names)), np.int8)
    try:
        labels = np.loadtxt(lines, ndmin=2)
    except ValueError as error:
        raise DataError(f"{path} is no list of labels.", str(error), fix) from error
    if labels.shape[1] != len(names):
        raise DataError(f"{path} belongs to another dataset.", f"It has {labels.shape[1]} numbers a line.", fix)
    return checked(labels, path, names)


def checked(labels: np.ndarray, path: Path, names: Sequence[str], first_line: int = 1) -> np.ndarray:
    """Make sure that numbers are labels.

    Args:
        labels: (T, N), any type.
        path: Where they come from.
        names: The N action units.
        first_line: Line of the file that the first row comes from.

    Returns:
        int8 (T, N).

    Raises:
        DataError: One of them is not in `LABELS`.
    """
    strange = np.argwhere(~np.isin(labels, LABELS))
    if len(strange):
        row, column = strange[0]
        raise DataError(
            f"{path} holds {len(strange)} numbers that are no labels.",
            f"The first is {labels[row, column]:g}, for {names[column]} in line {row + first_line}.",
            f"Labels are {', '.join(map(str, LABELS))}. Copy the file again from where it came.",
        )
    return labels.astype(np.int8)


def read_weights(path: Path, count: int) -> np.ndarray:
    """Read the class weights of a fold: float64 (N,).

    Args:
        path: The file: N numbers.
        count: N.

    Raises:
        DataError: It holds something else.
    """
    try:
        weights = np.array(" ".join(read_lines(path)).split(), np.float64)
    except ValueError:
        weights = np.empty(0)
    if len(weights) != count or not (np.isfinite(weights) & (weights > 0)).all():
        raise DataError(
            f"{path} holds no class weights.",
            f"They are {count} positive numbers, one per action unit.",
            "Remove the file, so that they are computed, or write it again with mdhr-train prepare.",
        )
    return weights


def rows_of(numbers: np.ndarray) -> str:
    """The text of a list of whole numbers (T, N): a line per row, numbers apart by a blank."""
    return "\n".join(" ".join(map(str, row)) for row in numbers.tolist())


def row_of_weights(weights: np.ndarray) -> str:
    """The text of class weights (N,): six digits, apart by tabs, as in the published files."""
    return "\t".join(f"{weight:.6f}" for weight in weights)


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 over the contents of files in their order, in hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
