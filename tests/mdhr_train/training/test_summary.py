import pytest

from mdhr_runtime.errors import DataError, OutputError
from mdhr_train.training.summary import f1_table, read_summary, write_summary


def test_a_summary_survives_its_file(tmp_path):
    write_summary(tmp_path / "summary.json", {"schema": 1, "fold": 2})
    assert read_summary(tmp_path / "summary.json") == {"schema": 1, "fold": 2}


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"schema": 99}'])
def test_a_summary_that_cannot_be_used_is_refused(text, tmp_path):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError, match="cannot be read"):
        read_summary(tmp_path / "summary.json")


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="could not be written"):
        write_summary(tmp_path / "none" / "summary.json", {})


def test_the_table_ends_with_the_mean():
    column = {"f1": {"AU01": 0.5, "AU02": 0.25}, "mean_f1": 0.375}
    lines = f1_table(["AU01", "AU02"], {"fold 1": column, "mean": column}).splitlines()
    assert lines[0].split() == ["AU", "fold", "1", "mean"]
    assert lines[-1].split() == ["mean", "0.375", "0.375"]
