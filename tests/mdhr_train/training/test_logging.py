from mdhr_train.training.logging import f1_table


def test_the_table_ends_with_the_mean():
    column = {"f1": {"AU01": 0.5, "AU02": 0.25}, "mean_f1": 0.375}
    lines = f1_table(["AU01", "AU02"], {"fold 1": column, "mean": column}).splitlines()
    assert lines[0].split() == ["AU", "fold", "1", "mean"]
    assert lines[-1].split() == ["mean", "0.375", "0.375"]
