"""What a path leads to; and what is given as a source by mistake is recognised, and told where it belongs."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import open_source, open_sources
from mdhr_runtime.sources.contents import contents

BLANK = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture
def refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def tell(address):
        with pytest.raises(VideoError) as error:
            open_source(address)
        return error.value

    return tell


def test_a_bundle_and_other_files_of_ours(refused, tiny_bundle, tiny_checkpoint):
    assert f"mdhr-run {tiny_bundle} SOURCE" in refused(tiny_bundle).fix
    assert f"mdhr-export --ckpt {tiny_checkpoint}" in refused(tiny_checkpoint).fix
    assert refused(tiny_bundle / "encoder.onnx").why == "It is an ONNX graph."


def test_a_page_that_came_in_place_of_a_video(refused, tmp_path):
    (tmp_path / "a.mp4").write_text("<!DOCTYPE html><html>")
    assert refused("a.mp4").why == "It is a web page."


@pytest.fixture
def mixed(tmp_path, monkeypatch, write_video):
    """A folder with videos, images, hidden files, other files and a folder in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rec" / "older").mkdir(parents=True)
    for name in ("rec/10.avi", "rec/9.avi", "rec/older/1.avi"):
        write_video(name, [BLANK])
    for name in ("2.png", "10.png"):
        (tmp_path / "rec" / name).write_bytes(cv2.imencode(".png", BLANK)[1].tobytes())
    for name in ("notes.txt", ".hidden.avi", "._9.avi", "._2.png"):
        (tmp_path / "rec" / name).write_bytes(b"\0\5\26\7none of ours")
    return tmp_path / "rec"


def found(*addresses):
    return [(source.name, [path.name for path in source.files]) for source in open_sources(addresses)]


def test_a_folder_is_its_videos_and_its_images_as_one_sequence(mixed):
    videos = [("9.avi", ["9.avi"]), ("10.avi", ["10.avi"])]
    assert found("rec") == found(mixed) == [*videos, ("rec", ["2.png", "10.png"])]
    assert found("rec/*") == [*videos, ("rec/*", ["2.png", "10.png"])]
    assert found("rec/*.avi") == videos
    assert found("rec/1*.avi", "rec/older") == [("10.avi", ["10.avi"]), ("1.avi", ["1.avi"])]


def test_what_is_several_is_not_one(mixed):
    with pytest.raises(VideoError, match=r"It holds 3: 9\.avi, 10\.avi …"):
        open_source("rec")
    assert open_source("rec/9*").name == "9.avi"


def test_what_a_file_holds_decides_and_not_its_name(mixed):
    (mixed / "9.avi").rename(mixed / "9.jpg")
    (mixed / "2.png").rename(mixed / "2.mp4")
    assert found("rec/9.jpg", "rec/2.mp4") == [("9.jpg", ["9.jpg"]), ("2.mp4", ["2.mp4"])]
    assert found("rec") == [("9.jpg", ["9.jpg"]), ("10.avi", ["10.avi"]), ("rec", ["2.mp4", "10.png"])]


def test_files_whose_names_say_nothing_count_and_small_copies_do_not(mixed):
    (mixed / "9.avi").rename(mixed / "9")
    (mixed / "10.avi").rename(mixed / "10.LRV")
    (mixed / "10.png").rename(mixed / "10.THM")
    assert found("rec") == [("9", ["9"]), ("rec", ["2.png"])]
    assert found("rec/10.LRV", "rec/*.THM") == [("10.LRV", ["10.LRV"]), ("rec/*.THM", ["10.THM"])]


def test_motion_jpeg_without_a_container_is_no_image(mixed):
    (mixed / "a.mjpeg").write_bytes(cv2.imencode(".jpg", BLANK)[1].tobytes() * 3)
    assert contents(mixed / "a.mjpeg") == ([mixed / "a.mjpeg"], [])


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"frame 1\n", "It is text."), (b"PK\5\6" + bytes(18), "It is a zip archive."), (b"", "It is an empty file.")],
)
def test_what_is_called_a_video_and_is_none(refused, tmp_path, data, why):
    (tmp_path / "a.mp4").write_bytes(data)
    assert refused("a.mp4").why == why


def test_one_that_is_none_is_told_before_any_is_read(mixed):
    (mixed / "8.avi").touch()
    with pytest.raises(VideoError, match=r"8\.avi is no source\.\n.*an empty file"):
        open_sources(["rec"])


def test_a_url_of_a_file(mixed):
    (mixed / "9.avi").rename(mixed / os.fsdecode(b"M\xfc 100%#1.avi"))
    name = "M%FC%20100%25%231.avi"
    assert open_source(f"file://{mixed}/{name}").files == open_source(f"FILE://localhost{mixed}/{name}").files
    assert open_source(f"file://{mixed}/2.png").name == "2.png"
    with pytest.raises(VideoError, match="There is no file elsewhere/rec/9"):
        open_source("file://elsewhere/rec/9.avi")


@pytest.mark.parametrize("name", ["0", "camera:0", "x*", "http:/host"])
def test_what_exists_comes_before_what_its_name_could_mean(mixed, name):
    Path(name).parent.mkdir(exist_ok=True)
    mixed.rename(name)
    assert len(open_sources([name.replace(":/", "://")])) == 3


def test_nothing_in_a_folder_or_a_pattern(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refused("empty").why == "The folder is empty."
    assert refused("empty/*.png").why == "No file matches this pattern."
    (tmp_path / "empty" / "notes.txt").write_text("none")
    assert refused("empty").why == "None of the 1 files there is one."
    (tmp_path / "empty" / "inside").mkdir()
    assert "Folders inside are not searched" in refused("empty").why


def test_names_that_are_nearly_right(refused, write_video):
    write_video("interview.avi", [np.zeros((64, 64, 3), np.uint8)])
    assert refused("intervew.avi").fix == "Did you mean interview.avi?"


def test_an_image_that_is_none_says_what_it_is(tmp_path):
    (tmp_path / "a.png").write_text("<html>")
    source = open_source(tmp_path / "a.png")
    list(source)
    assert source.warnings == [f"{tmp_path / 'a.png'} cannot be read as an image: it is a web page."]
