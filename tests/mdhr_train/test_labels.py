import numpy as np
import pytest
import torch

from mdhr_train.labels import HARD, UNKNOWN, known, occurs


@pytest.mark.parametrize("kind", [np.array, torch.tensor], ids=["NumPy", "PyTorch"])
def test_what_labels_say(kind):
    labels = kind([0.0, 0.3, 0.5, 1.0, 1.01, 9.0, -1.0, float("nan")])
    assert known(labels).tolist() == [True, True, True, True, False, False, False, False]
    assert occurs(labels).tolist() == [False, False, True, True, False, False, False, False]


def test_of_hard_labels_all_but_the_unknown_ones_are_known():
    labels = np.array(HARD, np.int8)
    assert set(labels[~known(labels)].tolist()) == set(UNKNOWN)
    assert labels[occurs(labels)].tolist() == [1]
