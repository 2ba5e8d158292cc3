"""Folders of runs: what is replaced in them, and what is not touched."""

import subprocess
import sys

import pytest
import torch

from mdhr_runtime.errors import OutputError
from mdhr_train.training.crossval import cross_validate
from mdhr_train.training.distributed import Group
from mdhr_train.training.loop import fit_fold
from mdhr_train.training.run_folder import claim_folds, claim_run

ALONE = Group(0, 1, torch.device("cpu"))
LOCKED = """
import sys
from pathlib import Path
from mdhr_runtime.targets import Claim
with Claim(Path(sys.argv[1]), lambda _: True):
    print("locked", flush=True)
    sys.stdin.read()
"""


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "mine"),
        ("config.yaml", "jobs: [build]\n"),
        ("best.pt", "weights of something else"),
        ("last.pt", ""),
        ("summary.json", "{}"),
        ("card.md", "# A card of mine\n"),
        ("sub/config.yaml", "x"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_something_else_is_left_alone(make_config, tmp_path, name, text, overwrite):
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(text)
    with pytest.raises(OutputError) as error:
        fit_fold(make_config(), folder, ALONE, overwrite=overwrite)
    assert f"It holds {name}, which this program did not write" in error.value.why
    assert contents(folder) == {name: text.encode()}


def test_the_dataset_is_no_place_for_a_run(make_config, prepared):
    before = set(contents(prepared))
    for folder in (prepared, prepared / "list", prepared / "list" / "run"):
        with pytest.raises(OutputError):
            fit_fold(make_config(), folder, ALONE)
    assert set(contents(prepared)) == before


def test_a_folder_in_use_by_another_process_is_refused(make_config, tmp_path):
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", LOCKED, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        for claim in (claim_run(folder, make_config(), ALONE, False), claim_folds(folder, make_config(), ALONE)):
            with pytest.raises(OutputError, match="is in use"), claim:
                pass
        other.stdin.close()
    with claim_run(folder, make_config(), ALONE, False):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_other_processes_of_a_run_claim_nothing(make_config, tmp_path):
    with (
        claim_run(tmp_path / "run", make_config(), ALONE, False),
        claim_run(tmp_path / "run", make_config(), Group(1, 2, torch.device("cpu")), False),
    ):
        pass


@pytest.mark.slow
def test_a_run_goes_on_beside_notes_and_begins_anew_where_it_is_asked_to(make_config, tmp_path):
    config, folder = make_config({"schedule.epochs": 1}), tmp_path / "run"
    first = fit_fold(config, folder, ALONE)
    with pytest.raises(OutputError, match="already holds a run"):
        fit_fold(config, folder, ALONE)
    (folder / "notes.txt").write_text("mine")
    assert fit_fold(config, folder, ALONE, resume=True) == first
    with pytest.raises(OutputError, match="is not overwritten"):
        fit_fold(config, folder, ALONE, overwrite=True)
    (folder / "notes.txt").unlink()
    other = make_config({"schedule.epochs": 1, "seed": 5})
    assert fit_fold(other, folder, ALONE, overwrite=True)["epochs"] != first["epochs"]
    assert "seed: 5" in (folder / "config.yaml").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
def test_a_cross_validation_leaves_other_folders_alone(make_config, tmp_path):
    config, folder = make_config({"schedule.epochs": 1}), tmp_path / "runs"
    folder.mkdir()
    for name, text in {"summary.json": "{}", "thesis.tex": "mine"}.items():
        (folder / name).write_text(text)
        with pytest.raises(OutputError, match="is not overwritten"):
            cross_validate(config, folder, ALONE)
        (folder / name).unlink()
    first = cross_validate(config, folder, ALONE)
    written = {path: path.stat().st_mtime_ns for path in folder.glob("fold*/best.pt")}
    assert cross_validate(config, folder, ALONE) == first
    assert {path: path.stat().st_mtime_ns for path in folder.glob("fold*/best.pt")} == written
    assert cross_validate(config, folder, ALONE, overwrite=True).keys() == first.keys()
    assert all(path.stat().st_mtime_ns != time for path, time in written.items())
