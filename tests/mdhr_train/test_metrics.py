import numpy as np

from mdhr_train.metrics import F1Counter


def test_f1_from_counts_over_several_updates():
    counter = F1Counter(2)
    counter.update(np.array([[[0.9, 0.1], [0.5, 0.2]]]), np.array([[[1, 1], [0, 0]]]))
    counter.update(np.array([[0.49, 0.9]]), np.array([[1, 1]]))
    # Found and there, found in vain, missed, rightly not found.
    assert counter.counts.tolist() == [[1, 1], [1, 0], [1, 1], [0, 1]]
    np.testing.assert_allclose(counter.f1(), [2 / 4, 2 / 3])


def test_an_au_that_never_occurs_has_f1_zero():
    counter = F1Counter(2)
    counter.update(np.array([[0.1, 0.9]]), np.array([[0, 0]]))
    assert counter.f1().tolist() == [0, 0]


def test_unknown_labels_are_left_out():
    counter = F1Counter(2)
    counter.update(np.array([[0.9, 0.1], [0.9, 0.9]]), np.array([[9, -1], [1, 1]]))
    assert counter.f1().tolist() == [1, 1]
    assert counter.counts[1:3].sum() == 0


def test_the_summary_names_scores_and_counts():
    counter = F1Counter(2)
    counter.update(np.array([[0.9, 0.1], [0.9, 0.9]]), np.array([[1, 0], [0, 1]]))
    summary = counter.summary(["AU01", "AU02"])
    assert summary["f1"] == {"AU01": 2 / 3, "AU02": 1.0}
    assert summary["mean_f1"] == (2 / 3 + 1) / 2
    assert summary["false_positives"] == {"AU01": 1, "AU02": 0}
    assert summary["true_negatives"] == {"AU01": 0, "AU02": 1}
