import pytest
from click.testing import CliRunner

from mdhr_train.cli import main


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the training lists")
def test_a_dataset_is_written_and_described(tmp_path):
    command = ["synthesize", "--subjects", "3", "--recordings", "1", "--frames", "4", "--workers", "1"]
    result = CliRunner().invoke(main, [*command, str(tmp_path / "faces")])
    assert result.exit_code == 0, result.output
    assert "12 frames of 3 people in 3 takes, as the dataset bp4d" in result.output
    assert "AU24" in result.output
    assert len(list((tmp_path / "faces" / "img").rglob("*.jpg"))) == 12
    assert len(list((tmp_path / "faces" / "list").glob("*fold1.txt"))) == 7


def test_a_folder_with_contents_is_refused_without_a_traceback(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    result = CliRunner().invoke(main, ["synthesize", str(tmp_path)])
    assert result.exit_code == 1
    assert "fix:" in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the training lists")
def test_an_older_dataset_is_replaced_only_when_asked_for_and_nothing_else_is_in_it(tmp_path):
    command = ["--subjects", "3", "--recordings", "1", "--frames", "1", "--workers", "1", str(tmp_path / "faces")]

    def run(*more):
        return CliRunner().invoke(main, ["synthesize", *more, *command])

    assert run().exit_code == 0
    again = run()
    assert again.exit_code == 1
    assert "replaced with --overwrite" in again.output
    (tmp_path / "faces" / "img" / "holiday.jpg").write_text("mine")
    foreign = run("--overwrite")
    assert foreign.exit_code == 1
    assert "It holds img/holiday.jpg, which this program did not write" in foreign.output
    (tmp_path / "faces" / "img" / "holiday.jpg").unlink()
    assert run("--overwrite", "--seed", "4").exit_code == 0
    assert '"seed": 4' in (tmp_path / "faces" / "rendered.json").read_text()
