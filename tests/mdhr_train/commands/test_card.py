import pytest
from click.testing import CliRunner
from runs import write_suite

from mdhr_train.cli import main
from mdhr_train.training.card import is_card


def card(*arguments):
    return CliRunner().invoke(main, ["card", *map(str, arguments)])


def test_only_an_unchanged_card_is_replaced_and_no_file_of_the_run_ever(run, tmp_path):
    path = run / "card.md"
    result = card(run)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{path}\n"
    assert is_card(path)
    assert card(run).exit_code == 0
    path.write_text(path.read_text() + "My note.\n")
    assert "is not overwritten" in card(run).stderr
    assert path.read_text().endswith("My note.\n")
    assert card(run, "--out", tmp_path / "other.md").exit_code == 0
    assert card(run, "--overwrite").exit_code == 0
    assert is_card(path)
    before = (run / "summary.json").read_bytes()
    assert "stays as it is" in card(run, "--out", run / "summary.json", "--overwrite").stderr
    assert (run / "summary.json").read_bytes() == before


def test_what_is_no_finished_run_has_no_card(tmp_path):
    result = card(tmp_path)
    assert result.exit_code == 1
    assert "is not a finished run" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_suite_has_no_model_of_its_own(data, tmp_path):
    result = card(write_suite(tmp_path / "table4", data))
    assert result.exit_code == 2
    assert "name the folder of one of them" in result.stderr
