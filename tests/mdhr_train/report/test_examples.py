import numpy as np
from prepared import recording

from mdhr_train.data.recordings import Fold, Recording
from mdhr_train.report.examples import choose


def fold_of(*test):
    return Fold(1, (), test, np.ones(12), "")


def test_examples_are_of_different_subjects_and_show_the_most_aus(tmp_path):
    first, second = recording(tmp_path, "F007"), recording(tmp_path, "F015")
    poor = recording(tmp_path, "F007", "T2")
    poor.labels[:] = 0
    examples = choose(fold_of(poor, first, second), lookahead=3)
    assert [example.recording for example in examples] == ["F007/T1", "F015/T1"]
    for example in examples:  # in the second frame of these recordings all AUs occur
        assert (example.labels == 1).all()
        assert (example.number, example.index) == (2, 1)
        assert example.frames.shape == (5, 224, 224, 3)


def test_neighbours_do_not_reach_across_a_gap(tmp_path):
    whole = recording(tmp_path, "F007")
    numbers = np.where(np.arange(len(whole)) < 10, whole.numbers, whole.numbers + 5)
    labels = np.zeros_like(whole.labels)
    labels[11] = 1
    broken = Recording(whole.name, whole.subject, whole.paths, numbers, labels)
    (example,) = choose(fold_of(broken), lookahead=3)
    assert (example.number, example.index, len(example.frames)) == (17, 1, 5)
