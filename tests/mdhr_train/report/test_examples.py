import numpy as np
import pytest
from runs import BP4D, write_dataset

from mdhr_train.data.lists import read_fold
from mdhr_train.data.recordings import Fold, Recording
from mdhr_train.report.examples import choose

pytest.importorskip("skimage")
pytestmark = pytest.mark.filterwarnings("ignore::mdhr_train.data.lists.DataWarning")


@pytest.fixture(scope="module")
def fold(tmp_path_factory):
    return read_fold(write_dataset(tmp_path_factory.mktemp("data"), subjects=2), BP4D, 1)


def test_examples_are_of_different_subjects_and_show_the_most_aus(fold):
    examples = choose(fold, lookahead=3)
    assert [example.recording for example in examples] == [recording.name for recording in fold.test]
    for example, recording in zip(examples, fold.test, strict=True):
        assert (example.labels == 1).sum() == (recording.labels == 1).sum(axis=1).max()
        assert example.frames.shape[1:] == (224, 224, 3)
        assert len(example.frames) <= 7


def test_neighbours_do_not_reach_across_a_gap(fold):
    whole = fold.test[0]
    numbers = np.where(np.arange(len(whole)) < 10, whole.numbers, whole.numbers + 5)
    labels = np.zeros_like(whole.labels)
    labels[11] = 1
    broken = Recording(whole.name, whole.subject, whole.paths, numbers, labels)
    (example,) = choose(Fold(1, fold.train, (broken,), fold.weights, fold.fingerprint), lookahead=3)
    assert (example.number, example.index, len(example.frames)) == (16, 1, 5)
