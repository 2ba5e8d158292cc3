"""A rendered dataset in the form of every prepared one: crops, and list files of three folds by identity."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path

import click
import cv2
import numpy as np

from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.files import staged, told
from mdhr_runtime.targets import Claim, refuse_foreign

from ...data.lists import write_lists
from ...data.recordings import Recording
from ...datasets.base import RENDERED, Dataset, is_prepared
from ..behaviour import labels_of, random_behaviour
from .canvas import mouth_depth
from .face import random_identity
from .film import film_rendered

BREAK = 100
"""Frame numbers between two takes, so that no clip reaches from one into the other."""

QUALITY = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 85], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3]}
"""Settings of the encoder by the crops' suffix."""


@dataclass(frozen=True)
class Size:
    """Size of a rendered dataset.

    Attributes:
        subjects: Number of people, at least one in each of the three parts; None for all that the dataset has.
        recordings: Takes per person.
        frames: Frames per take.
    """

    subjects: int | None = None
    recordings: int = 2
    frames: int = 64

    def __post_init__(self) -> None:
        for name, lowest in {"subjects": 3, "recordings": 1, "frames": 1}.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ConfigError(
                    f"The synthetic dataset has {name} = {value}.", f"It must be at least {lowest}.", "Raise it."
                )


def synthesize(
    root: Path,
    dataset: Dataset,
    size: Size,
    seed: int = 0,
    shuffle_labels: bool = False,
    workers: int = 1,
    overwrite: bool = False,
) -> list[Recording]:
    """Render a dataset; shows progress on stderr. The same seed and size give the same bytes.

    Args:
        root: The dataset's folder. It appears when everything is written, or not at all.
        dataset: Whose layout, names and folds it gets.
        size: Its size.
        seed: Seed of all that is random.
        shuffle_labels: Whether every take gets the labels of another one, so that nothing can be learned.
        workers: Processes that render.
        overwrite: Whether an older rendered dataset is replaced, if nothing else is in it.

    Returns:
        What was written, one recording per take.

    Raises:
        ConfigError: The dataset has fewer subjects than asked for.
        OutputError: The folder cannot be written, holds something already, or a process died.
    """
    subjects = _choose(dataset, size.subjects)
    try:
        with told(f"The dataset {root}", fix="Make room, or choose another folder."):
            root.parent.mkdir(parents=True, exist_ok=True)
            with Claim(root, lambda folder: _is_ours(folder, dataset, overwrite)), staged(root) as stage:
                images = stage / dataset.image_folder
                images.mkdir(parents=True)
                takes = [(subject, number) for subject in subjects for number in range(1, size.recordings + 1)]
                render = partial(render_take, dataset=dataset, images=images, frames=size.frames, seed=seed)
                recordings = _render(takes, render, workers)
                if shuffle_labels:
                    recordings = _shuffled(recordings, np.random.default_rng((seed, len(takes))))
                write_lists(stage, dataset, recordings)
                facts = {"dataset": dataset.name, **asdict(size), "seed": seed, "shuffled_labels": shuffle_labels}
                (stage / RENDERED).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except BrokenExecutor as error:
        raise OutputError(
            f"The dataset {root} is not written.",
            "A process that renders was killed, perhaps because memory ran out.",
            "Try again with fewer --workers.",
        ) from error
    return [_moved(recording, images, root / dataset.image_folder) for recording in recordings]


def _is_ours(folder: Path, dataset: Dataset, overwrite: bool) -> bool:
    """Whether a folder is empty or, if it may be replaced, a rendered dataset with nothing else in it."""
    if not any(folder.iterdir()):
        return True
    refuse_foreign(folder, lambda name: name == RENDERED or is_prepared(name, dataset))
    rendered = (folder / RENDERED).is_file()
    if rendered and not overwrite:
        fix = "Choose another name, or have it replaced with --overwrite."
        raise OutputError(f"{folder} is not overwritten.", "It holds a rendered dataset.", fix)
    return rendered


def _choose(dataset: Dataset, count: int | None) -> list[str]:
    """The first subjects of the three parts in turn, so that all parts grow alike."""
    turns = chain.from_iterable(zip_longest(*dataset.parts))
    subjects = [subject for subject in turns if subject is not None]
    if count is not None and count > len(subjects):
        raise ConfigError(
            f"There are no {count} subjects in {dataset.name}.",
            f"The folds of the dataset name {len(subjects)}.",
            "Ask for fewer subjects and more --recordings.",
        )
    return subjects[:count]


def _render(takes: Sequence[tuple[str, int]], render: Callable[[str, int], Recording], workers: int) -> list[Recording]:
    # Spawned, not forked: a fork of a process that has threads can hang.
    with (
        ProcessPoolExecutor(min(workers, len(takes)), get_context("spawn")) as pool,
        click.progressbar(length=len(takes), label="rendering", file=sys.stderr, show_pos=True) as bar,
    ):
        recordings = []
        try:
            for recording in pool.map(render, *zip(*takes, strict=True)):
                recordings.append(recording)
                bar.update(1)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return recordings


def _shuffled(recordings: Sequence[Recording], rng: np.random.Generator) -> list[Recording]:
    """Give every recording the labels of another one: rates, co-occurrence and courses stay what they are."""
    order = rng.permutation(len(recordings))
    labels = [recording.labels for recording in recordings]
    # A step along a random cycle leaves none where it was.
    given = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [replace(recording, labels=labels[given[index]]) for index, recording in enumerate(recordings)]


def _moved(recording: Recording, old: Path, new: Path) -> Recording:
    return replace(recording, paths=tuple(new / path.relative_to(old) for path in recording.paths))


def render_take(subject: str, number: int, dataset: Dataset, images: Path, frames: int, seed: int) -> Recording:
    """Render a take and write its crops.

    Args:
        subject: The person.
        number: Number of the take among those of the person, from 1.
        dataset: Whose layout and names it gets.
        images: Folder of the crops.
        frames: Length T.
        seed: Seed of the whole dataset.

    Returns:
        The take with its true labels.

    Raises:
        OSError: A crop cannot be written.
        ConfigError: The layout has an AU that a rendered face cannot make.
    """
    cv2.setNumThreads(1)  # the processes are the parallelism
    layout = dataset.layout
    person = [name for part in dataset.parts for name in part].index(subject)
    # A person is the same in all takes, and independent of how many there are.
    identity = random_identity(mouth_depth(layout.crop), np.random.default_rng((seed, person, 0)))
    rng = np.random.default_rng((seed, person, number))
    behaviour = random_behaviour(layout, frames, rng)

    # DISFA has one recording per subject: there takes are parts of one.
    name = dataset.recording_name.format(subject=subject, take=number)
    numbers = np.arange(frames, dtype=np.int64) + (number - 1) * (frames + BREAK)
    paths = tuple(images / dataset.crop_path(subject, name, frame) for frame in numbers.tolist())
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, crop in zip(paths, film_rendered(layout, identity, behaviour, rng), strict=True):
        _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), QUALITY[path.suffix])
        path.write_bytes(encoded.tobytes())
    return Recording(name, subject, paths, numbers, labels_of(behaviour.intensities).astype(np.int8))
