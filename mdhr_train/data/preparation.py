"""From a raw dataset to a prepared one: aligned crops and list files."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING

import click
import cv2
import torch

from mdhr_runtime.defaults import MIN_FACE
from mdhr_runtime.errors import DataError
from mdhr_runtime.files import told, write_text
from mdhr_runtime.targets import Claim, refuse_foreign

from ..datasets.base import Dataset, is_prepared
from ..datasets.raw import RawRecording, leaving_out
from ..labels import known
from .completeness import Difference, differences
from .cropping import STATE_FOLDER, Gaps, crop_faces, crop_path, finished
from .lists import write_lists
from .mtcnn import make_detector
from .recordings import Recording, divide

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event

REPORT = "report.json"
SCHEMA = 1
REFRESH = 0.5  # seconds between updates of the progress


@dataclass(frozen=True)
class PreparationReport:
    """Statistics of a dataset's labelled frames.

    Attributes:
        dataset: Its name.
        frames: Number of labelled frames.
        crops: Number of frames that have a crop.
        without_face: Per recording the numbers of the frames in which no upright face was found; recordings without
            frames are left out.
        without_image: The same for frames that have labels and no image.
        unknown_labels: Per AU how often each label that is neither 0 nor 1 occurs.
        left_out: Per recording that could not be read the reason. Its frames are not among those above.
        differences: How labelled frames differ from those of the complete dataset, where its numbers are known.
        origin: Whose labels they are; empty where that is not known.
        findings: What was found in tables of labels: each sentence, with its counts by the places where it holds.
    """

    dataset: str
    frames: int
    crops: int
    without_face: dict[str, list[int]]
    without_image: dict[str, list[int]]
    unknown_labels: dict[str, dict[str, int]]
    left_out: dict[str, str]
    differences: list[Difference]
    origin: str
    findings: dict[str, dict[str, int]]


@contextmanager
def claim_prepared(out: Path, dataset: Dataset, *raw: Path) -> Iterator[None]:
    """Have the folder of a prepared dataset to oneself. It must be empty or new, or hold what this module writes alone.

    Args:
        out: The folder.
        dataset: How it is laid out.
        raw: The raw dataset's folders, into which nothing is written.

    Raises:
        OutputError: It may not be written; see `Claim`.
    """

    def is_ours(folder: Path) -> bool:
        if not folder.is_dir() or (any(folder.iterdir()) and not (folder / STATE_FOLDER).is_dir()):
            return False
        refuse_foreign(
            folder, lambda name: name == REPORT or name.startswith(f"{STATE_FOLDER}/") or is_prepared(name, dataset)
        )
        return True

    with told(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with Claim(out, is_ours, inputs=raw):
        yield


def mark_ours(out: Path) -> None:
    """Make what tells the next run that the folder of a prepared dataset is ours, before anything is written there.

    Raises:
        OutputError: It cannot be written.
    """
    with told(out):
        (out / STATE_FOLDER).mkdir(parents=True, exist_ok=True)


def prepare(
    recordings: Sequence[RawRecording],
    dataset: Dataset,
    out: Path,
    workers: int,
    left_out: dict[str, str] | None = None,
    findings: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> PreparationReport:
    """Write crops, lists and `report.json` of a dataset; shows progress on stderr.

    What an earlier, interrupted run has written is not made again.

    Args:
        recordings: What the dataset's reader gave.
        dataset: How the prepared dataset is laid out.
        out: Its folder, which may exist.
        workers: Number of processes.
        left_out: The recordings that the reader has left out, with the reason; those with a damaged image or video
            follow. None refuses them.
        findings: What was found in tables of labels, for the report.

    Raises:
        DataError: A subject belongs to no fold, a fold would be empty, an image is damaged, no face is found in a
            split, or a process was killed.
        VideoError: A video is damaged.
        ConfigError: The package with the detector's weights is not installed.
        OutputError: There is no room, or the folder cannot be written.

    Warns:
        DataWarning: An AU never occurs in the training split of a fold.
    """
    with _blamed(left_out):
        divide(dataset, recordings)  # what cannot end well should not begin
    mark_ours(out)
    gaps = {one.name: gaps for one in recordings if (gaps := finished(one, dataset, out)) is not None}
    todo = [one for one in recordings if one.name not in gaps]
    if todo:
        make_detector(MIN_FACE)  # a missing package is told here, once
        gaps |= _crop_in_parallel(todo, dataset, out, workers, left_out)
    kept = [one for one in recordings if one.name in gaps]
    with _blamed(left_out):
        write_lists(out, dataset, [_cropped(one, gaps[one.name], dataset, out) for one in kept])
    report = _report(kept, gaps, dataset, left_out or {}, findings)
    write_text(out / REPORT, json.dumps({"schema": SCHEMA, **asdict(report)}, indent=2) + "\n")
    return report


@contextmanager
def _blamed(left_out: dict[str, str] | None) -> Iterator[None]:
    """Where recordings that were left out are missed, say so."""
    try:
        yield
    except DataError as error:
        if not left_out:
            raise
        name, reason = next(iter(left_out.items()))
        why = f"{error.why} {len(left_out)} recordings were left out; {name}: {reason}"
        raise DataError(error.what, why, "Repair what was left out, or unpack it again.") from error


def _crop_in_parallel(
    recordings: Sequence[RawRecording],
    dataset: Dataset,
    out: Path,
    workers: int,
    left_out: dict[str, str] | None,
) -> dict[str, Gaps]:
    # Not forked: PyTorch's and OpenCV's threads do not survive that.
    context = multiprocessing.get_context("spawn")
    done, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (dataset, out, done, stop))
    bar = click.progressbar(
        length=sum(map(len, recordings)), label="cropping", file=sys.stderr, show_pos=True, update_min_steps=1
    )
    found = {}
    try:
        with pool, bar:
            try:
                # The longest first, so that no process is left with one when the others are done.
                order = sorted(recordings, key=len, reverse=True)
                tasks = {pool.submit(_crop, one): one.name for one in order}
                pending = set(tasks)
                while pending:
                    over, pending = wait(pending, REFRESH, FIRST_COMPLETED)
                    for task in over:
                        with leaving_out(tasks[task], left_out):
                            found[tasks[task]] = task.result()  # raises what the process has raised
                    bar.update(done.value - bar.pos)
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise DataError(
            "A process that crops faces was killed.",
            "The system does so when memory runs out, or somebody ended it.",
            "Run the command again: it goes on where it stopped. With fewer --workers it needs less memory.",
        ) from error
    # A task has no result when it was told to stop; then this line is not reached.
    return {name: gaps for name, gaps in found.items() if gaps is not None}


_crop_recording: Callable[[RawRecording], Gaps | None]
"""The work of a process, set when it starts: its detector serves all its recordings."""


def _crop(recording: RawRecording) -> Gaps | None:
    return _crop_recording(recording)


def _start_worker(dataset: Dataset, out: Path, done: Synchronized[int], stop: Event) -> None:
    global _crop_recording
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the main process says when to stop
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    def go_on() -> bool:
        with done.get_lock():
            done.value += 1
        return not stop.is_set()

    detector = make_detector(MIN_FACE)
    _crop_recording = partial(crop_faces, dataset=dataset, out=out, detector=detector, go_on=go_on)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cropped(raw: RawRecording, gaps: Gaps, dataset: Dataset, out: Path) -> Recording:
    kept = gaps.kept(raw.numbers)
    numbers = raw.numbers[kept]
    paths = tuple(crop_path(raw, number, dataset, out) for number in numbers.tolist())
    return Recording(raw.name, raw.subject, paths, numbers, raw.labels[kept])


def _report(
    recordings: Sequence[RawRecording],
    gaps: dict[str, Gaps],
    dataset: Dataset,
    left_out: dict[str, str],
    findings: Mapping[str, Mapping[str, int]],
) -> PreparationReport:
    without_face = {one.name: list(found) for one in recordings if (found := gaps[one.name].without_face)}
    without_image = {one.name: list(found) for one in recordings if (found := gaps[one.name].without_image)}
    frames = sum(map(len, recordings))
    lost = sum(map(len, (*without_face.values(), *without_image.values())))
    unknown: dict[str, Counter[str]] = {name: Counter() for name in dataset.layout.au_names}
    for one in recordings:
        for name, labels in zip(dataset.layout.au_names, one.labels.T, strict=True):
            unknown[name].update(map(str, labels[~known(labels)].tolist()))
    counts = {name: dict(found) for name, found in unknown.items() if found}
    return PreparationReport(
        dataset.name,
        frames,
        frames - lost,
        without_face,
        without_image,
        counts,
        dict(sorted(left_out.items())),
        differences(dataset, recordings),
        dataset.origin,
        {sentence: dict(places) for sentence, places in findings.items()},
    )
