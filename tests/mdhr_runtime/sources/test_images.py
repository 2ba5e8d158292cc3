import os

import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import VideoError
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sources import Camera, Images, Video, open_source, open_sources
from mdhr_runtime.sources.images import natural_order


@pytest.fixture
def folder(tmp_path):
    """Images 1.png, 2.png and 10.png, whose brightness is their number times ten."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (10, 2, 1):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((20, 30, 3), 10 * number, np.uint8))
    (folder / "notes.txt").write_text("no image")
    return folder


def brightness(source):
    return [int(frame.image.mean()) for frame in source]


def test_a_folder_is_read_in_natural_order(folder):
    source = open_source(folder)
    assert (source.name, source.frame_count, source.live) == ("frames", 3, False)
    frames = list(source)
    assert [frame.image[0, 0, 0] for frame in frames] == [10, 20, 100]
    assert [frame.number for frame in frames] == [1, 2, 3]
    assert [frame.timestamp for frame in frames] == [0, 0.04, 0.08]


def test_the_rate_of_images_can_be_given(folder):
    assert [frame.timestamp for frame in open_source(folder, images_per_second=10)] == [0, 0.1, 0.2]


def test_a_pattern_and_a_single_image(folder):
    assert brightness(open_source(f"{folder}/*0.png")) == [100]
    assert brightness(open_source(f"{folder}/?.png")) == [10, 20]
    assert brightness(open_source(folder / "2.png")) == [20]


def test_colours_are_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4, 3), (0, 0, 200), np.uint8))
    (frame,) = open_source(tmp_path)
    assert frame.image[0, 0].tolist() == [200, 0, 0]


def test_a_broken_image_is_black_and_told_and_the_rest_goes_on(folder):
    (folder / "2.png").write_bytes(b"\x89PNG but not really")
    (folder / "3.png").touch()
    os.symlink(folder / "nowhere", folder / "4.png")
    source = open_source(folder)
    frames = list(source)
    assert [frame.readable for frame in frames] == [True, False, False, False, True]
    assert all(frame.image.shape == (20, 30, 3) for frame in frames)
    assert not frames[1].image.any()
    assert [text.split(" cannot")[0] for text in source.warnings] == [str(folder / f"{n}.png") for n in (2, 3, 4)]


@pytest.mark.parametrize("pattern", ["", "*.jpg"])
def test_no_images(tmp_path, pattern):
    with pytest.raises(VideoError, match="holds no images"):
        open_source(tmp_path / pattern if pattern else tmp_path)


def test_natural_order_takes_digits_as_numbers():
    from pathlib import Path

    names = ["a10.png", "a9.png", "a1b2.png", "a1b10.png", "b.png", "1.png", "a.png"]
    assert sorted(map(Path, names), key=natural_order) == [
        Path(name) for name in ("1.png", "a1b2.png", "a1b10.png", "a9.png", "a10.png", "a.png", "b.png")
    ]


def test_what_an_address_stands_for(folder, write_video):
    video = write_video("a.avi", [np.zeros((64, 64, 3), np.uint8)])
    kinds = {"0": Camera, "rtsp://host/stream": Camera, str(folder): Images, str(video): Video}
    assert {address: type(open_source(address)) for address in kinds} == kinds


def test_names_differ_and_tell_no_secrets(folder, write_video):
    video = write_video("a.avi", [np.zeros((64, 64, 3), np.uint8)])
    addresses = [video, video, folder, 0, "rtsp://user:secret@host:554/stream?token=1", "rtsp://host:554/stream", video]
    assert [source.name for source in open_sources(addresses)] == [
        "a.avi", "a.avi#2", "frames", "camera0", "host:554/stream", "host:554/stream#2", "a.avi#3",
    ]  # fmt: skip


def test_a_stopped_source_ends(folder):
    source = open_source(folder)
    frames = iter(source)
    next(frames)
    source.stop()
    assert list(frames) == []


def test_a_source_tells_its_name_and_kind(folder):
    assert open_source(folder).info == SourceInfo("frames", 25.0, live=False)
    assert open_source(0).info == SourceInfo("camera0", None, live=True)


def test_files_that_are_read_are_known(folder):
    assert [path.name for path in open_source(folder).files] == ["1.png", "2.png", "10.png"]
    assert list(Camera("camera", lambda: None).files) == []
