import pytest

from mdhr_runtime.errors import DataError, OutputError
from mdhr_train.training.run_files import read_summary, write_summary


def test_a_summary_survives_its_file(tmp_path):
    write_summary(tmp_path / "summary.json", {"schema": 1, "fold": 2})
    assert read_summary(tmp_path / "summary.json") == {"schema": 1, "fold": 2}


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"schema": 99}', '{"schema": 1, "best": NaN}', "[" * 100_000], ids=lambda text: text[:30]
)
def test_a_summary_that_cannot_be_used_is_refused(text, tmp_path):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError, match="cannot be read"):
        read_summary(tmp_path / "summary.json")


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="cannot be written"):
        write_summary(tmp_path / "file" / "summary.json", {})
