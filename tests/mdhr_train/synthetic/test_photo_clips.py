import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.layout import Layout
from mdhr_train.datasets import BP4D, DISFA, LAYOUTS
from mdhr_train.synthetic.photo_clips import FPS, SyntheticClips, write_labels, write_video

pytest.importorskip("skimage")


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def layout(request):
    return request.param


def test_clips_have_the_shapes_and_types_of_training_data(layout):
    clips = SyntheticClips(layout, clips=2, frames=3)
    frames, labels = clips[1]
    assert len(clips) == 2
    assert (frames.shape, frames.dtype) == ((3, 224, 224, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((3, len(layout.aus)), np.uint8)
    with pytest.raises(IndexError):
        clips[2]


def test_the_seed_and_the_index_say_everything(layout):
    clip = SyntheticClips(layout, clips=4, frames=3, seed=7)[3]
    again = SyntheticClips(layout, clips=9, frames=3, seed=7)[3]
    np.testing.assert_array_equal(clip[0], again[0])
    np.testing.assert_array_equal(clip[1], again[1])
    others = {"index": (7, 2, "train"), "seed": (8, 3, "train"), "part": (7, 3, "test")}
    for name, (seed, index, part) in others.items():
        frames, _ = SyntheticClips(layout, clips=4, frames=3, seed=seed, part=part)[index]
        assert not np.array_equal(frames, clip[0]), name


def test_labels_are_known_without_rendering(layout):
    clips = SyntheticClips(layout, clips=3, frames=4, seed=1)
    labels = clips.labels()
    for index, expected in enumerate(labels):
        np.testing.assert_array_equal(clips[index][1], expected)


def test_every_au_occurs_often_enough_to_be_learnt(layout):
    rates = SyntheticClips(layout, clips=300).labels().mean(axis=(0, 1))
    assert (rates > 0.05).all()
    assert (rates < 0.5).all()


def test_an_au_without_a_row_in_the_table_is_refused():
    layout = Layout(**{**DISFA.__dict__, "aus": (*DISFA.aus[:-1], 45), "regions": regions_with(45)})
    with pytest.raises(ConfigError, match="AU 45"):
        SyntheticClips(layout, clips=1)


def regions_with(au):
    *others, low = DISFA.regions
    return (*others, type(low)(low.name, (*low.aus[:-1], au), low.rows))


def read(path):
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == FPS
    frames = []
    while True:
        good, frame = capture.read()
        if not good:
            return np.stack(frames)
        frames.append(frame)


@pytest.mark.slow
@pytest.mark.parametrize("layout", [BP4D, DISFA], ids=lambda layout: layout.name)
def test_a_video_has_a_frame_per_label_row(layout, tmp_path):
    labels = write_video(tmp_path / "face.mp4", 8, layout, seed=1)
    frames = read(tmp_path / "face.mp4")
    assert frames.shape == (8, 512, 512, 3)
    assert labels.shape == (8, len(layout.aus))
    assert [file.name for file in tmp_path.iterdir()] == ["face.mp4"]


@pytest.mark.slow
def test_the_seed_says_everything_of_a_video(tmp_path):
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        write_video(tmp_path / f"{name}.mp4", 3, DISFA, seed)
    a, b, c = (read(tmp_path / f"{name}.mp4") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", ["missing/face.mp4", "face.avi"])
def test_a_video_that_cannot_be_written_is_refused_and_leaves_nothing(name, tmp_path):
    with pytest.raises(OutputError):
        write_video(tmp_path / name, 2, DISFA)
    assert not list(tmp_path.iterdir())


def test_labels_are_written_as_csv(tmp_path):
    write_labels(tmp_path / "labels.csv", np.eye(2, 8, dtype=np.uint8), DISFA)
    assert (tmp_path / "labels.csv").read_text().splitlines() == [
        "frame,AU01_c,AU02_c,AU04_c,AU06_c,AU09_c,AU12_c,AU25_c,AU26_c",
        "1,1,0,0,0,0,0,0,0",
        "2,0,1,0,0,0,0,0,0",
    ]
