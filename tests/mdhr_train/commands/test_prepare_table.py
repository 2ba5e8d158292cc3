import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from label_forms import lines
from raw_faces import faces, write_video

from mdhr_train.cli import main
from mdhr_train.data.lists import read_fold
from mdhr_train.datasets import dataset_in
from mdhr_train.datasets.layouts import derive_layout, layout_text

SUBJECTS = ("anna", "ben", "carla")
FRAMES = 8


def run(*arguments):
    return CliRunner().invoke(main, ["prepare", "table", *map(str, arguments)])


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A folder with a video of each subject, which shows a face."""
    root = tmp_path_factory.mktemp("videos")
    for subject in SUBJECTS:
        write_video(root / subject / "smile.avi", faces(FRAMES))
    return root


@pytest.fixture
def labels(tmp_path):
    """A table for all videos: AU 12 in every second frame, AU 1 in the first half, AU 25 never, AU 4 in one subject."""
    rows = [
        (f"{subject}/smile.avi", index + 1, int(index < FRAMES // 2), int(subject == "ben"), index % 2, 0)
        for subject in SUBJECTS
        for index in range(FRAMES)
    ]
    lines(tmp_path / "labels.csv", ("video", "frame", "AU01", "AU04", "AU12", "AU25"), rows)
    return tmp_path / "labels.csv"


@pytest.mark.slow
def test_videos_become_a_dataset_that_describes_itself(videos, labels, tmp_path):
    out = tmp_path / "mine"
    result = run(videos, labels, "--out", out, "--subjects", "^([^/]+)/", "--workers", 2)
    assert result.exit_code == 0, result.output
    assert "24 crops of 24 labelled frames" in result.stdout
    dataset = dataset_in(out)
    assert (dataset.name, dataset.layout.aus, dataset.soft) == ("mine", (1, 4, 12), False)
    assert dataset.origin == "not stated"
    assert sorted(name for part in dataset.parts for name in part) == sorted(SUBJECTS)
    for number in dataset.folds:
        fold = read_fold(out, dataset, number)
        assert len(fold.train) == 2
        (tested,) = fold.test
        assert tested.name == f"{tested.subject}/{tested.subject}__smile"
        assert tested.numbers.tolist() == [*range(1, FRAMES + 1)]
        assert tested.labels[:, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
        assert (tested.labels[:, 1] == (tested.subject == "ben")).all()
        assert tested.labels[:, 2].tolist() == [0, 1] * 4
    report = json.loads((out / "report.json").read_text())
    assert report["origin"] == "not stated"
    assert report["findings"] == {
        "columns that do not say what they hold, read as occurrence": dict.fromkeys(
            ("AU01", "AU04", "AU12", "AU25"), 1
        ),
        "tables that count frames from 1, as there is no frame 0": {str(labels): 1},
    }
    crops = {path: path.stat().st_mtime_ns for path in out.glob("img/*/*/*.jpg")}
    again = run(videos, labels, "--out", out, "--subjects", "^([^/]+)/")
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for path in crops} == crops
    other = run(videos, labels, "--out", out, "--subjects", "^([^/]+)/", "--origin", "two students")
    assert other.exit_code == 1
    assert "describes other data" in other.stderr


@pytest.mark.slow
def test_soft_labels_in_a_layout_of_ones_own(videos, tmp_path):
    for subject in SUBJECTS:
        rows = [(index, 0.1 * index, 0.5, 0.3) for index in range(FRAMES)]
        lines(tmp_path / f"labels/{subject}/smile.csv", ("frame", "AU06", "AU12", "AU15"), rows)
    layout = tmp_path / "layout.yaml"
    layout.write_text(layout_text(derive_layout("clinic", [12, 6])))
    out = tmp_path / "out"
    result = run(videos, tmp_path / "labels", "--out", out, "--layout", layout, "--soft", "--name", "clinic")
    assert result.exit_code == 0, result.output
    assert "Left out, as the layout does not have them: AU15." in result.stdout
    dataset = dataset_in(out)
    assert dataset.soft
    assert dataset.layout == derive_layout("clinic", [6, 12])
    np.testing.assert_allclose(read_fold(out, dataset, 1).test[0].labels[:, 0], np.arange(8) / 10, atol=1e-6)


def test_a_dry_run_shows_everything_and_writes_nothing(videos, labels, tmp_path):
    result = run(videos, labels, "--out", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0, result.output
    assert re.search(r"^AU12 +24 +12 +50.0% +3 of 3$", result.stdout, re.MULTILINE)
    assert "Left out, as in no label they occur: AU25." in result.stdout
    assert "       3 videos taken for a person each, as nothing says who is in them: anna" in result.stdout
    assert "is trained and tested on" in result.stdout
    assert "AU04 can hardly be learned: it occurs in one subject alone, ben__smile" in result.stdout
    assert re.search(r"^Fold 1 tests on \w+__smile\.$", result.stdout, re.MULTILINE)
    assert re.search(r"^AU12 +4 +4 +4$", result.stdout, re.MULTILINE)
    layout = result.stdout.partition("(--layout):\n\n")[2].partition("\nFold 1")[0]
    (tmp_path / "layout.yaml").write_text(layout)
    again = run(videos, labels, "--out", tmp_path / "out", "--dry-run", "--layout", tmp_path / "layout.yaml")
    assert again.exit_code == 0, again.output
    assert layout in again.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--subjects", "/(smile)"), "3 folds cannot be made"),
        (("--folds", 4), "4 folds cannot be made"),
        (("--name", "bp4d"), "cannot be called 'bp4d'"),
        (("--layout", "layout.yaml"), "There are no labels for all AUs of the layout"),
        (("--layout", "twice.yaml"), "is no layout of action units"),
        (("--occurs-from", 0), "not in the range"),
        (("--frames-from", 2), "is not one of"),
        (("--subjects", "("), "finds no person"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message, videos, labels, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layout.yaml").write_text(layout_text(derive_layout("more", [6, 12])))
    (tmp_path / "twice.yaml").write_text(
        layout_text(derive_layout("twice", [1, 12])).replace("aus: [12]", "aus: [12, 1]")
    )
    result = run(videos, labels, "--out", tmp_path / "out", *arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_among_the_videos_or_tables(videos, labels):
    for folder in (videos, labels.parent):
        result = run(videos, labels.parent, "--out", folder / "out")
        assert result.exit_code == 1
        assert "stays as it is" in result.stderr
        assert not (folder / "out").exists()


def test_another_folder_is_left_alone(videos, labels, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    result = run(videos, labels, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


def test_help_shows_what_a_newcomer_needs():
    result = run("--help")
    assert result.exit_code == 0
    for word in ("OpenFace", "ELAN", "--dry-run", "--soft", "--subjects"):
        assert word in result.output
