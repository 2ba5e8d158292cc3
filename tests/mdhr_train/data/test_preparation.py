import json
from dataclasses import fields, replace

import numpy as np
import pytest
from raw_faces import SMILES, Deadly, faces, read_smiles, write_bp4d, write_image

from mdhr_runtime.errors import DataError
from mdhr_train.data.clips import ScoringClips
from mdhr_train.data.lists import read_fold
from mdhr_train.data.preparation import prepare
from mdhr_train.datasets import DATASETS, bp4d

BP4D = DATASETS["bp4d"]


@pytest.mark.slow
def test_a_third_dataset_is_a_table_and_a_small_reader(tmp_path):
    for subject in ("anna", "ben", "carla"):
        for number, image in enumerate(faces(3)):
            write_image(tmp_path / "raw" / subject / f"{number}.png", image)
        (tmp_path / "raw" / subject / "labels.txt").write_text("0 1\n1 0\n1 9\n")
    out = tmp_path / "out"
    report = prepare(read_smiles(tmp_path / "raw"), SMILES, out, workers=1)
    assert report.crops == report.frames == 9
    assert report.unknown_labels == {"AU12": {"9": 3}}
    fold = read_fold(out, SMILES, 2)
    assert [one.name for one in fold.test] == ["ben"]
    assert (out / "list/test_2_combinations.txt").read_text() == "0 1\n1 0\n1 -1\n"
    (clip,) = ScoringClips(fold.test, 16, SMILES.layout.crop)
    assert clip.labels[:4].tolist() == [[0, 1], [1, 0], [1, -1], [-1, -1]]


@pytest.mark.slow
def test_a_killed_process_is_told_and_what_is_done_stays(tmp_path):
    recordings = bp4d.read(write_bp4d(tmp_path / "raw"))
    shorter = recordings[-1]
    values = {field.name: getattr(shorter, field.name) for field in fields(shorter)}
    deadly = Deadly(**values | {"numbers": shorter.numbers[:2], "labels": shorter.labels[:2]})
    out = tmp_path / "out"
    with pytest.raises(DataError, match="was killed") as error:
        prepare([*recordings[:-1], deadly], BP4D, out, workers=1)
    assert "--workers" in error.value.fix
    done = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    assert len(done) == 12
    assert not (out / "list").exists()
    report = prepare(recordings, BP4D, out, workers=1)
    assert report.crops == 18
    assert {path: path.stat().st_mtime_ns for path in done} == done


@pytest.mark.slow
def test_a_corrupt_image_of_one_process_is_named_by_all(tmp_path):
    raw = write_bp4d(tmp_path / "raw")
    (raw / "2D+3D/F007/T1/0033.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"0033\.jpg is damaged") as error:
        prepare(bp4d.read(raw), BP4D, tmp_path / "out", workers=1)
    assert "remove it" in error.value.fix


def test_what_cannot_become_folds_is_refused_before_any_work(tmp_path):
    recordings = bp4d.read(write_bp4d(tmp_path / "raw"))
    with pytest.raises(DataError, match="no test frames"):
        prepare(recordings[:-1], BP4D, tmp_path / "out", workers=1)
    with pytest.raises(DataError, match="X1 belongs to no fold"):
        prepare([*recordings, replace(recordings[0], subject="X1")], BP4D, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_dataset_without_any_face_gives_no_lists(tmp_path):
    raw = write_bp4d(tmp_path / "raw", frames=1)
    for image in raw.rglob("*.jpg"):
        write_image(image, np.zeros((120, 160, 3), np.uint8))
    out = tmp_path / "out"
    with pytest.raises(DataError, match="no train frames"):
        prepare(bp4d.read(raw), BP4D, out, workers=1)
    assert json.loads((out / ".prepared/F001_T1.json").read_text())["without_face"] == [31]
