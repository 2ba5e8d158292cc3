from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mdhr_train.data.completeness import differences
from mdhr_train.datasets import DATASETS
from mdhr_train.datasets.raw import RawRecording

BP4D, DISFA = DATASETS["bp4d"], DATASETS["disfa"]
TOTALS = {"bp4d": (50631, 50182, 46034), "disfa": (43604, 43605, 43605)}


def complete(dataset):
    """Recordings of all subjects, whose takes share a subject's frames."""
    for part, frames in zip(dataset.parts, dataset.frames, strict=True):
        for subject, count in zip(part, frames, strict=True):
            shares = np.diff(np.linspace(0, count, dataset.takes + 1).astype(int))
            for take, share in enumerate(shares.tolist(), 1):
                name = dataset.recording_name.format(subject=subject, take=take)
                yield recording(name, subject, share)


def recording(name, subject, frames):
    return RawRecording(name, subject, Path(), 0, np.arange(frames), np.zeros((frames, 1), np.int8))


@pytest.mark.parametrize("dataset", [BP4D, DISFA], ids=["bp4d", "disfa"])
def test_a_complete_dataset_has_the_published_frames_and_differs_in_nothing(dataset):
    assert tuple(map(sum, dataset.frames)) == TOTALS[dataset.name]
    assert sum(TOTALS[dataset.name]) == {"bp4d": 146_847, "disfa": 130_814}[dataset.name]
    assert differences(dataset, complete(dataset)) == []


def test_what_is_missing_and_what_is_more_is_told_by_subject():
    changed = {"F001/T3": None, "M014/T1": 5000, "F007/T8": 100, **{f"F014/T{take}": None for take in range(1, 9)}}
    found = [
        one if one.name not in changed else recording(one.name, one.subject, changed[one.name])
        for one in complete(BP4D)
        if changed.get(one.name, 0) is not None
    ]
    first, third = differences(BP4D, found)
    assert (first.fold, third.fold) == (1, 3)
    assert first.complete == 46034
    assert first.frames == 46034 - 3490 - 347
    assert first.subjects == {"F007": "347 fewer", "F014": "all 3,490 missing"}
    assert third.subjects == {"F001": "492 fewer, without F001/T3", "M014": "4,565 more"}


def test_a_recording_that_is_named_otherwise_is_told_even_if_the_frames_are_as_many():
    found = [replace(one, name="F001/T9") if one.name == "F001/T3" else one for one in complete(BP4D)]
    (difference,) = differences(BP4D, found)
    assert difference.frames == difference.complete
    assert difference.subjects == {"F001": "without F001/T3"}


def test_of_a_dataset_whose_numbers_are_not_known_nothing_is_said():
    assert differences(replace(BP4D, frames=None), []) == []
