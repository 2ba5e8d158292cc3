import numpy as np
import pytest

from mdhr_runtime.errors import DataError
from mdhr_train.data.folds import stratified_parts, too_rare


def random_counts(rng, subjects, aus=12):
    """Frames per subject and AU: people differ in length and in what their faces do; some AUs are rare."""
    frames = rng.integers(200, 4000, subjects)
    shows = rng.random((subjects, aus)) < rng.choice([0.15, 0.4, 1.0], aus)
    positive = (frames[:, None] * shows * rng.beta(1, 5, (subjects, aus))).astype(np.int64)
    return {
        f"P{number:02d}": np.stack([positive[number], np.full(aus, frames[number])])
        for number in rng.permutation(subjects)
    }


def sums(counts, parts):
    """Positive frames int64 (parts, N), and labelled ones (parts,)."""
    total = np.stack([np.sum([counts[name] for name in part], axis=0) for part in parts])
    return total[:, 0], total[:, 1, 0]


@pytest.mark.parametrize("seed", range(20))
def test_parts_of_30_subjects_are_even_and_hold_every_au(seed):
    counts = random_counts(np.random.default_rng(seed), 30)
    parts = stratified_parts(counts)
    assert sorted(name for part in parts for name in part) == sorted(counts)
    positive, frames = sums(counts, parts)
    people = np.sum([count[0] > 0 for count in counts.values()], axis=0)
    assert (positive[:, people >= 3] > 0).all()
    assert np.ptp(frames / frames.sum()) < 0.15
    common = people >= 15
    assert np.ptp(positive[:, common] / positive[:, common].sum(axis=0), axis=0).max() < 0.3


def test_they_are_more_even_than_chance():
    rng = np.random.default_rng(7)
    counts = random_counts(rng, 24)
    names = list(counts)

    def unevenness(parts):
        positive, _ = sums(counts, parts)
        return ((positive / np.maximum(positive.sum(axis=0), 1) - 1 / 3) ** 2).sum()

    drawn = []
    for _ in range(200):
        rng.shuffle(names)
        drawn.append(unevenness([names[0::3], names[1::3], names[2::3]]))
    assert unevenness(stratified_parts(counts)) < min(drawn)


def test_the_order_in_which_subjects_come_changes_nothing():
    counts = random_counts(np.random.default_rng(1), 17)
    assert stratified_parts(counts) == stratified_parts(dict(reversed(counts.items())))


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("subjects", [5, 6, 11])
def test_no_part_is_empty_however_few_there_are(subjects, folds):
    for rng in (np.random.default_rng(seed) for seed in range(5)):
        parts = stratified_parts(random_counts(rng, subjects, aus=3), folds)
        assert len(parts) == folds
        assert all(parts)
    nothing = {f"P{number}": np.zeros((2, 3), np.int64) for number in range(subjects)}
    assert all(stratified_parts(nothing, folds))


def test_one_long_recording_does_not_leave_a_part_empty():
    counts = {name: np.array([[frames], [frames]]) for name, frames in (("A", 10**6), ("B", 1), ("C", 1))}
    assert stratified_parts(counts) == (("A",), ("B",), ("C",))


@pytest.mark.parametrize("names", [(), ("A",), ("A", "B")])
def test_fewer_subjects_than_folds_are_refused(names):
    with pytest.raises(DataError, match="3 folds") as error:
        stratified_parts({name: np.ones((2, 1), np.int64) for name in names})
    assert (", ".join(names) or "nobody") in error.value.why


def test_aus_that_cannot_be_learned_are_named_with_the_reason():
    positive = {
        # no label, never, one subject, two subjects, few frames, always, plenty
        "A": [0, 0, 500, 300, 9, 1000, 200],
        "B": [0, 0, 0, 300, 9, 1000, 200],
        "C": [0, 0, 0, 0, 9, 1000, 200],
    }
    known = [0, 1000, 1000, 1000, 1000, 1000, 1000]
    counts = {name: np.array([frames, known]) for name, frames in positive.items()}
    assert too_rare(counts, (("A",), ("B",), ("C",))) == {
        0: "is labelled in no frame",
        1: "occurs in no frame",
        2: "occurs in one subject alone, A: no fold has it in both training and test",
        3: "occurs in 2 subjects: the test of fold 1 has none of it",
        4: "occurs in 27 frames only",
        5: "is never absent",
    }


def test_an_au_of_people_who_are_tested_together_is_named():
    counts = {name: np.array([[300 * (name < "D")], [1000]]) for name in "ABCDEF"}
    (reason,) = too_rare(counts, (("A", "B", "C"), ("D",), ("E", "F"))).values()
    assert reason == "occurs in 3 subjects: the test of fold 1 and 2 has none of it"
