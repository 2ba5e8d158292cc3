import struct

import numpy as np
import pytest
from encoded import write

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import video
from mdhr_runtime.sources.video import Video

RED, BLUE = [220, 20, 20], [20, 20, 220]


def plain(colour, count=10):
    return [np.full((64, 96, 3), colour, np.uint8)] * count


def cut(path, share):
    """Keep the first part of a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    return path


def test_frames_come_in_order_as_rgb_with_their_times(write_video):
    video = Video(write_video("a.avi", plain(RED, 3) + plain(BLUE, 2), fps=20))
    assert video.frame_count == 5
    frames = list(video)
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose([frame.timestamp for frame in frames], [0, 0.05, 0.1, 0.15, 0.2])
    for frame, colour in zip(frames, [RED] * 3 + [BLUE] * 2, strict=True):
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (64, 96, 3)
        assert np.abs(frame.image.astype(int) - colour).max() < 20


def test_a_video_of_one_frame(write_video):
    video = Video(write_video("a.avi", plain(RED, 1)))
    assert [frame.timestamp for frame in video] == [0]


def test_a_video_that_says_it_is_turned_comes_upright(write_video):
    path = write_video("a.mp4", plain(RED), codec="mp4v")
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44  # of the track header: ISO 14496-12
    quarter_turn = (0, 1 << 16, 0, -(1 << 16), 0, 0, 64 << 16, 0, 1 << 30)
    struct.pack_into(">9i", data, matrix, *quarter_turn)
    path.write_bytes(data)
    assert {frame.image.shape for frame in Video(path)} == {(96, 64, 3)}


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_video_that_breaks_off_gives_what_it_has_and_says_so(write_video, swaying, share):
    video = Video(cut(write_video("a.avi", swaying * 4), share))
    frames = []
    with pytest.raises(VideoError, match=r"breaks off after [13]\.\d seconds"):
        frames.extend(video)
    assert len(frames) == pytest.approx(share * 96, abs=6)


def test_a_stopped_video_ends_without_complaint(write_video):
    video = Video(write_video("a.avi", plain(RED)))
    frames = iter(video)
    next(frames)
    video.stop()
    assert list(frames) == []


@pytest.mark.parametrize("content", [b"", b"no video\n" * 100], ids=["empty", "text"])
def test_what_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match="cannot be opened"):
        Video(path)


def test_an_mp4_without_its_end_is_refused(write_video, swaying):
    with pytest.raises(VideoError, match="cannot be opened"):
        Video(cut(write_video("a.mp4", swaying, codec="mp4v"), 0.5))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(VideoError, match="There is no file"):
        Video(tmp_path / "a.mp4")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(VideoError, match="It is a folder"):
        Video(tmp_path)


def test_a_video_without_frames_is_refused(write_video):
    with pytest.raises(VideoError, match="holds no frames"):
        Video(write_video("a.avi", []))


@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [
        ("single_face.mp4", 72, (360, 640, 3)),
        ("face_noface.mov", 169, (540, 960, 3)),
        ("no_face.mp4", 95, (540, 960, 3)),  # of 98 that it promises
    ],
)
def test_real_videos(media, name, count, shape):
    video = Video(media / name)
    times = []
    for frame in video:
        assert frame.image.shape == shape
        times.append(frame.timestamp)
    assert len(times) == count
    assert (np.diff(times) > 0).all()


def test_a_video_of_too_many_pixels_is_refused(write_video, monkeypatch):
    monkeypatch.setattr(video, "MOST_PIXELS", 64 * 96 - 1)
    with pytest.raises(VideoError, match="96×64 pixels"):
        Video(write_video("a.avi", plain(RED, 1)))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("b-frames.mp4", "libx264", {"bf": "3"}),
        ("b-frames.mkv", "libx264", {"bf": "3"}),
        ("b-frames.ts", "libx264", {"bf": "2"}),
        ("no-times.avi", "mpeg4", {"bf": "2"}),
        ("pictures.avi", "mjpeg", {}),
        ("hidden-frames.webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
        ("superframes.webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    ],
)
def test_times_are_those_of_the_frames_without_decoding_them(name, codec, options, tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    video = Video(write(tmp_path / name, [np.roll(picture, 3 * index, 1) for index in range(50)], codec, options))
    frames = [frame for frame in video if frame]
    assert [frame.number for frame in frames] == [*range(1, 51)]
    np.testing.assert_allclose(video.times(), [frame.timestamp for frame in frames], atol=1e-6)


def test_times_of_a_variable_frame_rate(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    shown = np.cumsum(np.random.default_rng(1).integers(1, 5, 50) * 20).tolist()
    images = [np.roll(picture, 3 * index, 1) for index in range(50)]
    video = Video(write(tmp_path / "phone.mp4", images, options={"bf": "2"}, milliseconds=shown))
    np.testing.assert_allclose(video.times(), [frame.timestamp for frame in video if frame], atol=1e-6)
    np.testing.assert_allclose(video.times(), (np.array(shown) - shown[0]) / 1000, atol=1e-6)
