import os
import shutil
import socket
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

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
    with pytest.raises(VideoError, match="holds neither videos nor images"):
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


def test_what_macos_keeps_beside_an_image_is_none(folder):
    (folder / "._1.png").write_bytes(b"\0\5\x16\7")
    assert [path.name for path in open_source(folder).files] == ["1.png", "2.png", "10.png"]


def test_images_given_one_by_one_are_one_source_per_folder(folder):
    others = folder.with_name("others")
    others.mkdir()
    paths = [others / "b.png", *folder.glob("*.png"), others / "a.png"]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert [(source.name, [path.name for path in source.files]) for source in open_sources(paths)] == [
        ("others", ["a.png", "b.png"]), ("frames", ["1.png", "2.png", "10.png"]),
    ]  # fmt: skip
    assert [source.name for source in open_sources([paths[0]])] == ["b.png"]


def test_a_name_that_is_made_different_is_nobody_elses(write_video, tmp_path):
    video = write_video("a.avi", [np.zeros((64, 64, 3), np.uint8)])
    shutil.copy(video, tmp_path / "a.avi#2")
    assert [source.name for source in open_sources([video, video, tmp_path / "a.avi#2"])] == [
        "a.avi", "a.avi#3", "a.avi#2",
    ]  # fmt: skip


def test_a_file_comes_before_the_webcam_of_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    folder.rename("001")
    assert open_source("001").name == "001"
    assert [open_source(address).name for address in (1, "1", "002", "/dev/video3")] == [
        "camera1", "camera1", "camera2", "camera3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("-", "The standard input is not read"),
        ("frames/%03d.png", r'between quotes: "frames/\*.png"'),
        ("frames/*.mp4", "No file matches this pattern"),
        ("/dev/zero", "It is a device"),
        ("pipe", "It is a pipe"),
        ("socket", "It is a socket"),
        ("a" * 300, "File name too long"),
        ("a/" * 3000, "File name too long"),
        ("nothing\0", "null byte"),
        ("frames/notes.txt/a.mp4", "Not a directory"),
    ],
)
def test_what_is_no_source_is_told(folder, monkeypatch, address, words):
    monkeypatch.chdir(folder.parent)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(VideoError, match=words):
            open_source(address)


def test_what_may_not_be_read_is_told(folder, write_video):
    video = write_video("a.avi", [np.zeros((64, 64, 3), np.uint8)])
    code = f"""
import os
from pathlib import Path
from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import open_source
def refused(path):
    try:
        open_source(path)
    except VideoError as error:
        return error.why
refused("nothing")  # imports what it needs, which the other user may not
os.setuid(65534)
for path in ({str(folder)!r}, {str(video)!r}):
    print(refused(path))
"""
    if os.getuid():
        pytest.skip("needs the right to be another user")
    for path in (video, folder):
        path.chmod(0)
    for path in list(video.parents)[:-1]:
        path.chmod(path.stat().st_mode | 0o111)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Permission denied.\n" * 2


ODD = [
    os.fsdecode(name)
    for name in (b"M\xfcller", b"12:30:00", b"a\nb", b"-x", b"%d", b"\xff\xfe", b"#?*[", b"'\"$x", b"e" * 240)
]


@pytest.mark.parametrize("name", ODD)
def test_names_of_any_bytes(write_video, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.rename(write_video("a.avi", [np.full((64, 64, 3), 99, np.uint8)] * 2), f"{name}.avi")
    cv2.imwrite("a.png", np.full((8, 8, 3), 99, np.uint8))
    os.mkdir(name)
    os.rename("a.png", f"{name}/{name}.png")
    for address in (f"{name}.avi", name, f"{name}/{name}.png"):
        assert all(90 < value < 105 for value in brightness(open_source(address)))  # of coders that lose a little


def test_paths_that_are_too_long_as_a_whole(write_video, monkeypatch, tmp_path):
    video = write_video("a.avi", [np.full((64, 64, 3), 99, np.uint8)])
    monkeypatch.chdir(tmp_path)
    for _ in range(17):
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    shutil.copy(video, "a.avi")
    assert open_source("a.avi").frame_count == 1


def test_the_first_images_have_the_size_of_the_first_that_can_be_read(folder):
    (folder / "0.png").write_bytes(b"none")
    assert [frame.image.shape for frame in open_source(folder)] == [(20, 30, 3)] * 4
    (only,) = open_source(folder / "0.png")
    assert only.image.shape == (1, 1, 3)


def test_pages_and_animations_count_as_frames(folder):
    pages = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (12, 14, 16)]
    pages[0].save(folder / "1.tif", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "2.webp", save_all=True, append_images=pages[1:], duration=[100, 200, 50], lossless=True)
    frames = list(open_source(folder))
    assert [frame.image[0, 0, 0] for frame in frames] == [10, 12, 14, 16, 20, 12, 14, 16, 100]
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [round(frame.timestamp, 9) for frame in frames] == [0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.3, 0.5, 0.55]
    for name, rate in (("1.tif", 25), ("2.webp", None)):
        source = open_source(folder / name)
        assert (source.frame_count, source.fps) == (3, rate)


def test_content_tells_images_from_videos(folder, write_video):
    Image.new("RGB", (30, 20)).save(folder / "clip.mp4", "JPEG")
    Image.new("RGB", (30, 20)).save(folder / "11", "PNG")
    video = write_video("a.avi", [np.zeros((64, 64, 3), np.uint8)])
    os.rename(video, folder / "video.jpg")
    assert type(open_source(folder / "clip.mp4")) is Images
    assert type(open_source(folder / "video.jpg")) is Video
    films, pictures = open_sources([folder])
    assert [path.name for path in films.files] == ["video.jpg"]
    assert [path.name for path in pictures.files] == ["1.png", "2.png", "10.png", "11", "clip.mp4"]


def test_a_hidden_file_is_passed_over_and_opened_by_its_name(folder):
    os.rename(folder / "2.png", folder / ".2.png")
    assert brightness(open_source(folder)) == [10, 100]
    assert brightness(open_source(folder / ".2.png")) == [20]


def test_images_of_which_none_can_be_read_without_an_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (folder / "3.heic").write_bytes(b"\0\0\0\x18ftypheic")
    frames = iter(open_source(folder))
    assert [next(frames).number, next(frames).number] == [1, 2]
    with pytest.raises(VideoError, match=r"3\.heic"):
        next(frames)
    with pytest.raises(VideoError, match=r"3\.heic"):
        open_source(folder / "3.heic")
