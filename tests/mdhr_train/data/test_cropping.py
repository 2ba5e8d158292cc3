import resource
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest
from raw_faces import DISFA_SUBJECTS, faces, write_bp4d, write_bp4d_labels, write_disfa, write_image

from mdhr_runtime.errors import OutputError
from mdhr_runtime.faces.alignment import align
from mdhr_runtime.faces.tracking import FaceTracker
from mdhr_train.data.clips import read_crops
from mdhr_train.data.cropping import STATE_FOLDER, Gaps, crop_faces, finished
from mdhr_train.data.mtcnn import make_detector
from mdhr_train.datasets import DATASETS, bp4d, disfa

BP4D = DATASETS["bp4d"]


@pytest.fixture(scope="module")
def detector():
    return make_detector(48)


@pytest.fixture
def recording(tmp_path):
    """The first recording of a raw dataset, frames 31 to 36."""
    return bp4d.read(write_bp4d(tmp_path / "raw"))[0]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def crops_in(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "img").rglob("*.jpg")}


def run(recording, out, detector, go_on=lambda: True, dataset=BP4D):
    return crop_faces(recording, dataset, out, detector, go_on)


def black(recording, number):
    write_image(recording.source / f"{number:04d}.jpg", np.zeros((240, 320, 3), np.uint8))


def test_every_frame_gives_a_crop_of_the_published_size_and_name(recording, out, detector):
    assert run(recording, out, detector) == Gaps((), ())
    found = crops_in(out)
    assert sorted(found) == [f"img/F001/T1/{number}.jpg" for number in range(31, 37)]
    assert {cv2.imread(str(out / name)).shape for name in found} == {(256, 256, 3)}


def test_the_middle_of_a_crop_is_what_the_runtime_shows_the_network(tmp_path, out, detector):
    raw = write_disfa(tmp_path / "raw", frames=12)  # PNG crops lose nothing
    recording = disfa.read(raw)[0]
    run(recording, out, detector, dataset=disfa.DATASET)
    crop = replace(disfa.LAYOUT.crop, view="centre")
    tracker = FaceTracker(detector, detector, partial(align, crop=crop))
    for number, image in recording.images():
        (face,) = tracker.find(image)
        written = cv2.imread(str(out / f"img_o/{DISFA_SUBJECTS[0]}/{DISFA_SUBJECTS[0]}_{number}.png"))
        # OpenCV's warping rounds positions to 1/32 of a pixel, from the crop's corner on.
        assert np.abs(written[16:240, 16:240, ::-1].astype(int) - face.crop).max() <= 1


def test_all_of_a_crop_made_smaller_is_nearly_what_the_runtime_shows_the_network(tmp_path, out, detector):
    recording = disfa.read(write_disfa(tmp_path / "raw", frames=3))[0]
    run(recording, out, detector, dataset=disfa.DATASET)
    tracker = FaceTracker(detector, detector, partial(align, crop=disfa.LAYOUT.crop))
    paths = [out / f"img_o/{DISFA_SUBJECTS[0]}/{DISFA_SUBJECTS[0]}_{number}.png" for number in range(3)]
    for (_, image), seen in zip(recording.images(), read_crops(paths, disfa.LAYOUT.crop), strict=True):
        (face,) = tracker.find(image)
        # The runtime interpolates once, the published way twice: edges differ, and nothing has moved.
        there = difference(face.crop, seen)
        assert there < 1
        for shift in [(0.25, 0), (-0.25, 0), (0, 0.25), (0, -0.25)]:
            moved = cv2.warpAffine(face.crop, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (224, 224))
            assert difference(moved, seen) > there


def difference(image, other):
    """Mean difference of the inner pixels of two images."""
    return np.abs(image.astype(int) - other)[20:-20, 20:-20].mean()


def test_labels_say_which_face_is_meant(tmp_path, out, detector):
    recording = bp4d.read(write_bp4d(tmp_path / "raw"))[0]
    two = [np.hstack([image, image[:, ::-1]]) for image in faces(6)]
    for number, image in enumerate(two, 31):
        write_image(recording.source / f"{number:04d}.jpg", image)
    width = two[0].shape[1] / 2
    (left,) = detector.detect(two[0][:, : int(width)])[:1, :4]
    mirrored = np.array([2 * width - left[2], left[1], 2 * width - left[0], left[3]])
    nobody = left - np.array([0, left[3], 0, left[3]])
    first = {}
    for name, box in {"left": left, "right": mirrored, "nobody": nobody}.items():
        placed = replace(recording, boxes=np.tile(box, (6, 1)).astype(np.float32))
        assert len(run(placed, out / name, detector).without_face) == (6 if name == "nobody" else 0)
        first[name] = cv2.imread(str(out / name / "img/F001/T1/31.jpg"))
    assert first["nobody"] is None
    different = np.abs(first["left"].astype(int) - first["right"]).mean()
    assert np.abs(first["left"].astype(int) - first["right"][:, ::-1]).mean() < different / 2


def test_frames_without_a_face_or_an_image_are_told_apart(recording, out, detector):
    black(recording, 33)
    (recording.source / "0035.jpg").unlink()
    assert run(recording, out, detector) == Gaps((33,), (35,))
    assert sorted(crops_in(out)) == [f"img/F001/T1/{number}.jpg" for number in (31, 32, 34, 36)]
    assert finished(recording, BP4D, out) == Gaps((33,), (35,))
    assert Gaps((33,), (35,)).kept(recording.numbers).tolist() == [True, True, False, True, False, True]


def test_a_face_that_lies_on_its_side_gives_no_crop(recording, out, detector):
    for number, image in enumerate(faces(6), 31):
        write_image(recording.source / f"{number:04d}.jpg", np.ascontiguousarray(np.rot90(image)))
    assert run(recording, out, detector) == Gaps((31, 32, 33, 34, 35, 36), ())
    assert not crops_in(out)


def test_the_larger_face_is_the_subject_s_and_stays_it(recording, out, detector):
    run(recording, out, detector)
    alone = crops_in(out)
    for number, image in enumerate(faces(6), 31):
        scene = np.zeros((300, 640, 3), np.uint8)
        scene[:298, :346] = image
        scene[:199, 400:631] = cv2.resize(image, (231, 199))
        write_image(recording.source / f"{number:04d}.jpg", scene)
    run(recording, out.parent / "two", detector)
    for name, content in crops_in(out.parent / "two").items():
        pair = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (content, alone[name]))
        one, other = (crop[64:192, 64:192].astype(int) for crop in pair)
        assert np.abs(one - other).mean() < 6


def test_a_run_that_was_stopped_goes_on_to_the_same_crops(recording, out, detector):
    run(recording, out, detector)
    whole = crops_in(out)
    part, left = out.parent / "part", iter([True, True, False])
    assert run(recording, part, detector, lambda: next(left)) is None
    assert finished(recording, BP4D, part) is None
    written = {path: path.stat().st_mtime_ns for path in part.rglob("*.jpg")}
    assert len(written) == 3
    rest = part / "img/F001/T1/.mdhr-stage-x"  # what a killed process leaves
    rest.mkdir()
    (rest / "34.jpg").write_bytes(b"half")
    assert run(recording, part, detector) == Gaps((), ())
    assert crops_in(part) == whole
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert not rest.exists()


def test_a_finished_recording_whose_crop_is_gone_is_not_finished(recording, out, detector):
    run(recording, out, detector)
    assert finished(recording, BP4D, out) == Gaps((), ())
    (out / "img/F001/T1/32.jpg").unlink()
    assert finished(recording, BP4D, out) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"without_face": 3}', "[" * 100_000], ids=lambda text: text[:30])
def test_a_recording_whose_record_is_damaged_is_not_finished(recording, out, detector, text):
    crop_faces(recording, BP4D, out, detector, lambda: True)
    (record,) = (out / STATE_FOLDER).iterdir()
    record.write_text(text)
    assert finished(recording, BP4D, out) is None


def test_labels_that_were_added_later_are_not_finished(recording, out, detector):
    run(replace(recording, numbers=recording.numbers[:3], labels=recording.labels[:3]), out, detector)
    assert finished(recording, BP4D, out) is None


def test_no_space_leaves_whole_crops_and_a_run_that_can_go_on(recording, out, detector):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))  # files end there, as on a full disk
    try:
        with pytest.raises(OutputError, match=r"crops of F001/T1 in .* cannot be written") as error:
            run(recording, out, detector)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "goes on where it stopped" in error.value.fix
    assert not [path for path in out.rglob("*") if path.is_file()]
    assert run(recording, out, detector) == Gaps((), ())
    assert len(crops_in(out)) == 6


def test_a_gap_in_the_numbers_is_no_motion_of_the_face(tmp_path, out, detector):
    raw = write_bp4d(tmp_path / "raw")
    write_bp4d_labels(raw, "F001", "T1", (31, 36), np.zeros((2, 12), int))
    recording = bp4d.read(raw)[0]
    assert run(recording, out, detector) == Gaps((), ())
    assert sorted(crops_in(out)) == ["img/F001/T1/31.jpg", "img/F001/T1/36.jpg"]
