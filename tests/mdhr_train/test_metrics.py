import numpy as np
import pytest

from mdhr_train import metrics
from mdhr_train.metrics import FEWEST, OUTCOMES, RESAMPLES, SEED, ScoreHistogram, f1_intervals, f1_of, score_rows

AUS = ["AU01", "AU02", "AU04"]


def histogram(scores, labels, subjects=None):
    """Of scores and labels, (B, T, N), all at once."""
    names = subjects or [""] * len(scores)
    found = ScoreHistogram(scores.shape[-1], names)
    found.update(scores, labels, names)
    return found


@pytest.fixture(scope="module")
def people():
    """Scores and labels of seven subjects, some with less of an AU than others, one without."""
    rng = np.random.default_rng(4)
    labels = (rng.random((7, 40, 3)) < rng.random((7, 1, 3)) * 0.7).astype(np.int8)
    labels[2, :, 1] = 0
    labels[3, :5] = 9
    scores = np.clip(0.3 + 0.25 * (labels == 1) + 0.2 * rng.standard_normal(labels.shape), 0, 1).astype(np.float32)
    return scores, labels, [f"S{row}" for row in range(7)]


def test_outcomes_and_f1_over_several_updates():
    found = ScoreHistogram(2)
    found.update(np.array([[[0.9, 0.1], [0.5, 0.2]]]), np.array([[[1, 1], [0, 0]]]), [""])
    found.update(np.array([[[0.49, 0.9]]]), np.array([[[1, 1]]]), [""])
    # Found and there, found in vain, missed, rightly not found.
    assert found.outcomes().sum(0).tolist() == [[1, 1], [1, 0], [1, 1], [0, 1]]
    np.testing.assert_allclose(f1_of(found.outcomes().sum(0)), [2 / 4, 2 / 3])


def test_a_score_is_on_the_side_of_the_threshold_where_it_was():
    close = np.nextafter(np.float32(0.5), np.float32([0, 1]))
    scores = np.array([close[0], 0.5, close[1], 0, 1, 1 + 1e-6], np.float32)
    found = histogram(scores[None, :, None], np.ones((1, 6, 1)))
    assert found.outcomes()[0, :, 0].tolist() == [4, 0, 2, 0]


def test_an_au_that_never_occurs_has_f1_zero_and_no_auc():
    summary = histogram(np.array([[[0.1, 0.9]]]), np.array([[[0, 0]]])).summary(["AU01", "AU02"])
    assert summary["f1"] == {"AU01": 0, "AU02": 0}
    assert summary["auc"] == {"AU01": None, "AU02": None}
    assert summary["mean_auc"] is None


def test_unknown_labels_are_left_out_and_soft_ones_rounded():
    found = histogram(np.array([[[0.9, 0.1], [0.9, 0.9]]]), np.array([[[9, -1], [0.5, 0.49]]]))
    assert found.outcomes()[0].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_the_summary_names_scores_counts_and_subjects(people):
    scores, labels, names = people
    summary = histogram(scores, labels, names).summary(AUS)
    assert summary["mean_f1"] == np.mean(list(summary["f1"].values()))
    assert list(summary["subjects"]) == names
    for outcome in OUTCOMES:
        of_subjects = np.array([counts[outcome] for counts in summary["subjects"].values()])
        assert dict(zip(AUS, of_subjects.sum(0).tolist(), strict=True)) == summary[outcome]
    there = (scores >= 0.5) & (labels == 1)
    assert summary["true_positives"] == dict(zip(AUS, there.sum((0, 1)).tolist(), strict=True))


def auc_by_rank(scores, labels):
    """AUC of one AU: how often a frame with it is above one without, ties as a half."""
    present, absent = scores[labels == 1], scores[labels == 0]
    above = (present[:, None] > absent).mean() if len(present) and len(absent) else None
    return None if above is None else above + (present[:, None] == absent).mean() / 2


def test_auc_is_that_of_the_ranks(people):
    scores, labels, names = people
    scores = np.floor(scores.astype(np.float64) * 50) / 50 + 0.001  # with ties, and each value in a bin of its own
    summary = histogram(scores, labels, names).summary(AUS)
    wanted = [auc_by_rank(scores[..., au], labels[..., au]) for au in range(3)]
    np.testing.assert_allclose(list(summary["auc"].values()), wanted)
    assert summary["mean_auc"] == pytest.approx(np.mean(wanted))


def test_bins_hardly_change_the_auc():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (1, 3000, 1))
    scores = np.clip(0.5 + 0.1 * labels + 0.1 * rng.standard_normal(labels.shape), 0, 1)
    assert histogram(scores, labels).summary(["AU01"])["auc"]["AU01"] == pytest.approx(
        auc_by_rank(scores, labels), abs=1e-4
    )


def test_intervals_are_those_of_a_plain_loop(people):
    scores, labels, names = people
    intervals = histogram(scores, labels, names).summary(AUS)["intervals"]
    draws = np.random.default_rng(SEED).multinomial(7, np.full(7, 1 / 7), RESAMPLES)
    f1, auc = [], []
    for draw in draws:
        chosen = np.repeat(np.arange(7), draw)
        of_draw = [histogram(scores[chosen], labels[chosen])]
        f1.append(list(of_draw[0].scores(AUS)["f1"].values()))
        bins = np.floor(scores[chosen].astype(np.float64) * metrics.BINS)
        auc.append([auc_by_rank(bins[..., au], labels[chosen][..., au]) for au in range(3)])
    f1, auc = np.array(f1), np.array(auc, np.float64)
    for au, name in enumerate(AUS):
        np.testing.assert_allclose(intervals["f1"][name], np.quantile(f1[:, au], (0.025, 0.975)))
        np.testing.assert_allclose(intervals["auc"][name], np.nanquantile(auc[:, au], (0.025, 0.975)))
    np.testing.assert_allclose(intervals["mean_f1"], np.quantile(f1.mean(1), (0.025, 0.975)))
    np.testing.assert_allclose(intervals["mean_auc"], np.quantile(np.nanmean(auc, 1), (0.025, 0.975)))


def test_two_subjects_have_no_interval_and_several_frames_of_one_are_one(people):
    scores, labels, names = people
    assert histogram(scores[:2], labels[:2], names[:2]).summary(AUS)["intervals"] is None
    assert histogram(scores, labels).summary(AUS)["intervals"] is None
    assert histogram(scores[:FEWEST], labels[:FEWEST], names[:FEWEST]).summary(AUS)["intervals"] is not None


def test_where_resamples_lack_an_au_its_auc_is_over_the_others(people):
    scores, labels, names = people
    labels = labels.copy()
    labels[1:, :, 0] = 0  # only one subject shows AU01
    intervals = histogram(scores, labels, names).summary(AUS)["intervals"]
    assert 0 <= intervals["auc"]["AU01"][0] < intervals["auc"]["AU01"][1] <= 1
    labels[:, :, 0] = 0
    intervals = histogram(scores, labels, names).summary(AUS)["intervals"]
    assert intervals["auc"]["AU01"] is None
    assert intervals["f1"]["AU01"] == [0, 0]


def test_intervals_of_means_over_folds_draw_subjects_within_their_fold(people):
    scores, labels, names = people
    counts = histogram(scores, labels, names).outcomes()
    folds = [counts[:4], counts[4:]]
    found = f1_intervals(folds, AUS)
    rng = np.random.default_rng(SEED)
    draws = [rng.multinomial(len(fold), np.full(len(fold), 1 / len(fold)), RESAMPLES) for fold in folds]
    means = [
        np.mean([f1_of((draw[row][:, None, None] * fold).sum(0)) for draw, fold in zip(draws, folds, strict=True)], 0)
        for row in range(RESAMPLES)
    ]
    np.testing.assert_allclose(found["mean_f1"], np.quantile(np.mean(means, 1), (0.025, 0.975)))
    np.testing.assert_allclose(list(found["f1"].values()), np.quantile(means, (0.025, 0.975), axis=0).T)
    assert f1_intervals([counts[:5], counts[5:]], AUS) is None


def test_histograms_of_processes_add_up(people):
    scores, labels, names = people
    whole = histogram(scores, labels, names)
    parts = [ScoreHistogram(3, names) for _ in range(2)]
    for row in range(7):
        parts[row % 2].update(scores[row : row + 1], labels[row : row + 1], [names[row]])
    np.testing.assert_array_equal(parts[0].counts + parts[1].counts, whole.counts)


def test_rows_of_older_summaries_have_f1_alone(people):
    scores, labels, names = people
    summary = histogram(scores, labels, names).summary(AUS)
    *rows, mean = score_rows(summary, AUS)
    assert [row.name for row in rows] == AUS
    assert (mean.f1, mean.auc) == (summary["mean_f1"], summary["mean_auc"])
    assert mean.auc_interval == summary["intervals"]["mean_auc"]
    assert rows[1].interval == summary["intervals"]["f1"]["AU02"]
    old = {name: summary[name] for name in ("mean_f1", "f1", *OUTCOMES)}
    assert score_rows(old, AUS)[0][1:] == (summary["f1"]["AU01"], None, None, None)
