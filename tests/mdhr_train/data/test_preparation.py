import json
import shutil
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
    assert "--skip-damaged" in error.value.fix


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


@pytest.mark.slow
def test_damaged_recordings_are_left_out_in_processes_and_on_a_run_that_goes_on(tmp_path):
    raw, out = write_bp4d(tmp_path / "raw", frames=2), tmp_path / "out"
    for task in ("T2", "T3"):
        shutil.copytree(raw / "2D+3D/F007/T1", raw / f"2D+3D/F007/{task}")
        shutil.copy(raw / "AUCoding/AU_OCC/F007_T1.csv", raw / f"AUCoding/AU_OCC/F007_{task}.csv")
    damaged = raw / "2D+3D/F007/T2/0032.jpg"
    kept = damaged.read_bytes()
    damaged.write_bytes(kept[:-2000])
    (raw / "AUCoding/AU_OCC/F007_T3.csv").write_text("no table")

    def run():
        left_out = {}
        return prepare(bp4d.read(raw, left_out=left_out), BP4D, out, 2, left_out)

    for _ in range(2):
        report = run()
        assert report.crops == report.frames == 6
        assert list(report.left_out) == ["F007/T2", "F007/T3"]
        assert "0032.jpg is damaged" in report.left_out["F007/T2"]
        assert json.loads((out / "report.json").read_text())["left_out"] == report.left_out
        assert [one.name for one in read_fold(out, BP4D, 1).test] == ["F007/T1"]
    damaged.write_bytes(kept)
    report = run()
    assert list(report.left_out) == ["F007/T3"]
    assert [one.name for one in read_fold(out, BP4D, 1).test] == ["F007/T1", "F007/T2"]
    assert (
        report.differences[0].subjects["F007"].endswith("without F007/T3, F007/T4, F007/T5, F007/T6, F007/T7, F007/T8")
    )


@pytest.mark.slow
def test_a_fold_that_damaged_recordings_leave_empty_is_refused_with_the_reason(tmp_path):
    raw = write_bp4d(tmp_path / "raw", frames=2)
    (raw / "2D+3D/F007/T1/0031.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no test frames") as error:
        prepare(bp4d.read(raw), BP4D, tmp_path / "out", 1, {})
    assert "F007/T1: " in error.value.why
    assert "0031.jpg is damaged" in error.value.why
