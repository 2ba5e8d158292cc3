import shutil

import numpy as np
import pytest
from raw_faces import faces, write_bp4d, write_bp4d_labels, write_image, write_video

from mdhr_runtime.errors import DataError
from mdhr_train.datasets import BP4D, bp4d

LABELS = np.arange(36).reshape(3, 12) % 2


@pytest.fixture
def raw(tmp_path):
    return write_bp4d(tmp_path, frames=3)


def test_labels_and_images_are_matched_by_number(raw):
    recordings = bp4d.read(raw)
    assert [one.name for one in recordings] == ["F001/T1", "F007/T1", "M011/T1"]
    assert [one.subject for one in recordings] == ["F001", "F007", "M011"]
    assert recordings[0].numbers.tolist() == [31, 32, 33]
    assert recordings[0].labels.tolist() == [[0] * 12, [1] * 12, [0] * 12]
    found = dict(recordings[0].images())
    assert list(found) == [31, 32, 33]
    assert np.abs(found[32].astype(int) - faces(3)[1]).mean() < 8  # JPEG


@pytest.mark.parametrize("pattern", ["AU{}", "AU{:02d}", '"{}"', " {}"])
def test_columns_are_found_by_their_names_in_any_order(raw, pattern):
    aus = sorted(BP4D.aus, reverse=True)
    header = ",".join(["frame", "5", *(pattern.format(au) for au in aus)])
    write_bp4d_labels(raw, "F001", "T1", (31, 32, 33), LABELS[:, [BP4D.aus.index(au) for au in aus]], header)
    assert bp4d.read(raw)[0].labels.tolist() == LABELS.tolist()


def cells(text):
    return [line.split(",") for line in text.splitlines()]


OTHERS = {
    "Excel": lambda text: "\ufeff" + text.replace(",", ";").replace("\n", "\r\n") + ";" * 13 + "\r\n",
    "Excel, comma for decimals": lambda text: "".join(
        ";".join(row if not number else [f"{cell},0" for cell in row]) + "\n" for number, row in enumerate(cells(text))
    ),
    "tabs": lambda text: text.replace(",", "\t"),
    "pandas": lambda text: "".join(
        ",".join([str(number - 1) if number else "", *(f"{cell}.0" for cell in row)]) + "\n"
        for number, row in enumerate(cells(text))
    ),
    "R": lambda text: "".join(
        ",".join([f'"{number or ""}"', *row] if number else ['""', *(f'"X{cell}"' for cell in row)]) + "\n"
        for number, row in enumerate(cells(text))
    ),
    "R twice": lambda text: "".join(
        ",".join(['"1"', "1", *row] if number else ['""', '"X"', *(f'"X{cell}"' for cell in row)]) + "\n"
        for number, row in enumerate(cells(text))
    ),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
    "no last line break": lambda text: text.rstrip(),
    "no name for the frames": lambda text: text.removeprefix("0"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_labels_that_other_programs_have_written_again(raw, other, encoding):
    path = write_bp4d_labels(raw, "F001", "T1", (31, 32, 33), LABELS, ",".join(map(str, (0, 5, *BP4D.aus))))
    path.write_bytes(other(path.read_text()).encode(encoding))
    assert bp4d.read(raw)[0].numbers.tolist() == [31, 32, 33]
    assert bp4d.read(raw)[0].labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[:-8], "Line 4 has 11 cells, and the first line 14"),
        (lambda text: text[:-2], "Line 4 has an empty cell"),
        (lambda text: text.replace("9", "NA", 1), "Line 2 has an empty cell"),
        (lambda text: text.replace(",24\n", ",23\n"), "two columns AU23"),
        (lambda text: text + "\0" * 8, "zero bytes"),
    ],
)
def test_labels_that_are_not_certain_are_refused(raw, change, why):
    path = write_bp4d_labels(raw, "F001", "T1", (31, 32, 33), LABELS)
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError) as error:
        bp4d.read(raw)
    assert why in error.value.why


def test_unknown_labels_are_kept(raw):
    write_bp4d_labels(raw, "F001", "T1", (31, 32, 33), np.where(LABELS == 1, 9, 0))
    assert bp4d.read(raw)[0].labels.tolist() == np.where(LABELS == 1, 9, 0).tolist()


def test_a_video_s_frames_count_from_1(raw):
    shutil.rmtree(raw / "2D+3D" / "F001")
    write_video(raw / "2D+3D" / "F001" / "T1.avi", faces(4))
    write_bp4d_labels(raw, "F001", "T1", (2, 4, 5), LABELS)
    found = dict(bp4d.read(raw)[0].images())
    assert list(found) == [2, 4]
    assert np.abs(found[4].astype(int) - faces(4)[3]).mean() < 8


def test_frames_without_an_image_are_left_out(raw):
    (raw / "2D+3D/F001/T1/0032.jpg").unlink()
    assert [number for number, _ in bp4d.read(raw)[0].images()] == [31, 33]


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_corrupt_image_is_named(raw, content):
    (raw / "2D+3D/F001/T1/0032.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"0032\.jpg is damaged"):
        list(bp4d.read(raw)[0].images())


def test_a_cut_image_is_named_and_not_half_grey(raw):
    path = raw / "2D+3D/F001/T1/0032.jpg"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"0032\.jpg is damaged"):
        list(bp4d.read(raw)[0].images())


def test_hidden_files_are_passed_over(raw):
    for name in ("._0032.jpg", ".1_0033.jpg"):
        (raw / "2D+3D/F001/T1" / name).write_bytes(b"no picture")
    assert [number for number, _ in bp4d.read(raw)[0].images()] == [31, 32, 33]


def test_labels_out_of_range_are_named(raw):
    labels = LABELS.copy()
    labels[1, 2] = 4
    path = write_bp4d_labels(raw, "F001", "T1", (31, 32, 33), labels)
    with pytest.raises(DataError) as error:
        bp4d.read(raw)
    assert str(path) in error.value.what
    assert "4, for AU04 in line 3" in error.value.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0,1,2\n1,0,0\n", "no column AU04"),
        ("{header}\n", "no rows"),
        ("{header}\n1,x\n", "Line 2 has 2 cells"),
        ("{header}\n2,{zeros}\n1,{zeros}\n", "does not grow"),
        ("", "is empty"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(raw, text, why):
    header = ",".join(map(str, (0, *BP4D.aus)))
    path = raw / "AUCoding/AU_OCC/F001_T1.csv"
    path.write_text(text.format(header=header, zeros=",".join("0" * 12)))
    with pytest.raises(DataError) as error:
        bp4d.read(raw)
    assert str(path) in error.value.what
    assert why in error.value.why


def test_labels_without_images_are_refused(raw):
    shutil.rmtree(raw / "2D+3D" / "M011")
    with pytest.raises(DataError, match="no images for them") as error:
        bp4d.read(raw)
    assert "2D+3D/M011/T1" in error.value.why


def test_folders_without_labels_are_refused(tmp_path):
    write_image(tmp_path / "2D+3D/F001/T1/1.jpg", faces(1)[0])
    with pytest.raises(DataError, match="no labels") as error:
        bp4d.read(tmp_path)
    assert "AUCoding/AU_OCC" in error.value.why
    (tmp_path / "AU_OCC").mkdir()
    with pytest.raises(DataError, match="no labels"):
        bp4d.read(tmp_path)
    with pytest.raises(DataError, match="no labels"):
        bp4d.read(tmp_path / "missing")


def as_handed_out(raw):
    """Move images and labels to where the distributor's archives put them, in another case."""
    (raw / "Sequences(2D+3D)").mkdir()
    for path in [*(raw / "2D+3D").iterdir()]:
        path.rename(raw / "Sequences(2D+3D)" / path.name.lower())
    for path in (raw / "Sequences(2D+3D)").glob("*/T1/*.jpg"):
        path.rename(path.with_suffix(".JPG"))
    for path in (raw / "AUCoding/AU_OCC").iterdir():
        path.rename(path.with_name(path.name.lower()))
    (raw / "AUCoding").rename(raw / "aucoding")
    return raw


def test_folders_as_they_are_handed_out_in_any_case(raw):
    expected = bp4d.read(raw)
    found = bp4d.read(as_handed_out(raw))
    assert [(one.name, one.subject) for one in found] == [(one.name, one.subject) for one in expected]
    assert [one.labels.tolist() for one in found] == [one.labels.tolist() for one in expected]
    assert found[0].source == raw / "Sequences(2D+3D)/f001/T1"
    assert [number for number, _ in found[0].images()] == [31, 32, 33]


@pytest.mark.parametrize("given", ["labels", "labels/AUCoding", "labels/AUCoding/AU_OCC"])
def test_labels_may_lie_on_another_disk(raw, given):
    (raw / "labels").mkdir()
    (raw / "AUCoding").rename(raw / "labels/AUCoding")
    images = (raw / "2D+3D").rename(raw / "frames")
    assert [one.name for one in bp4d.read(images, raw / given)] == ["F001/T1", "F007/T1", "M011/T1"]
    with pytest.raises(DataError) as error:
        bp4d.read(raw / "labels", raw / given)
    assert f"no images for them in {raw / 'labels'}" in error.value.what
    with pytest.raises(DataError, match=f"There are no labels in {images}") as error:
        bp4d.read(images)
    assert "--labels" in error.value.fix


def test_recordings_that_cannot_be_read_are_left_out_if_asked_for(raw):
    (raw / "AUCoding/AU_OCC/F007_T1.csv").write_text("no table")
    shutil.rmtree(raw / "2D+3D/M011")
    left_out = {}
    assert [one.name for one in bp4d.read(raw, left_out=left_out)] == ["F001/T1"]
    assert list(left_out) == ["F007/T1", "M011/T1"]
    assert "F007_T1.csv is no table of labels" in left_out["F007/T1"]
    assert "no images" in left_out["M011/T1"]
