"""What is given as a source by mistake: each is recognised, and the text says where it belongs."""

import numpy as np
import pytest

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import open_source


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


@pytest.mark.parametrize("address", ["videos", "videos/*.avi"])
def test_videos_in_a_folder_or_a_pattern(refused, tmp_path, write_video, address):
    (tmp_path / "videos").mkdir()
    write_video("videos/a.avi", [np.zeros((64, 64, 3), np.uint8)])
    error = refused(address)
    assert "there are videos" in error.why
    assert "videos/a.avi" in error.fix


def test_nothing_in_a_folder_or_a_pattern(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refused("empty").why == "The folder is empty."
    assert refused("empty/*.png").why == "No file matches this pattern."
    (tmp_path / "empty" / "notes.txt").write_text("none")
    assert "None of the 1 files" in refused("empty").why


def test_names_that_are_nearly_right(refused, write_video):
    write_video("interview.avi", [np.zeros((64, 64, 3), np.uint8)])
    assert refused("intervew.avi").fix == "Did you mean interview.avi?"


def test_an_image_that_is_none_says_what_it_is(tmp_path):
    (tmp_path / "a.png").write_text("<html>")
    source = open_source(tmp_path / "a.png")
    list(source)
    assert source.warnings == [f"{tmp_path / 'a.png'} cannot be read as an image: it is a web page."]
