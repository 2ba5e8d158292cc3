import numpy as np
from runs import AUS, invented_scores

from mdhr_train.training.logging import f1_table, mean_text, score_table


def test_the_table_ends_with_the_mean():
    column = {"f1": {"AU01": 0.5, "AU02": 0.25}, "mean_f1": 0.375}
    lines = f1_table(["AU01", "AU02"], {"fold 1": column, "mean": column}).splitlines()
    assert lines[0].split() == ["AU", "fold", "1", "mean"]
    assert lines[-1].split() == ["mean", "0.375", "0.375"]


def test_a_table_of_scores_has_intervals_auc_and_what_is_lost():
    scores = invented_scores(np.random.default_rng(0))
    lost = {"lost, clips": {"mean_f1": 0.01, "f1": dict.fromkeys(AUS, 0.02)}}
    lines = score_table("checkpoint", AUS, {"clips": scores, "stream": scores}, lost).splitlines()
    assert max(map(len, lines)) <= 120
    low, high = scores["intervals"]["f1"]["AU01"]
    cells = [f"{scores['f1']['AU01']:.4f}", f"{low:.3f}–{high:.3f}", f"{scores['auc']['AU01']:.4f}"]
    assert lines[2].split() == ["AU01", *cells, *cells, "0.0200"]
    assert lines[-1].split()[0] == "mean"
    assert lines[-1].split()[-1] == "0.0100"


def test_the_mean_has_its_interval_where_there_is_one():
    scores = {"mean_f1": 0.5, "f1": {}}
    assert mean_text(scores) == "mean F1 0.500"
    scores["intervals"] = {"mean_f1": [0.25, 0.75], "f1": {}}
    assert mean_text(scores) == "mean F1 0.500 (95 % interval over subjects: 0.250–0.750)"
