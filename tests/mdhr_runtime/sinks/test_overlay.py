import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rows import AUS, ENVIRONMENT, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import Row, SourceInfo
from mdhr_runtime.sinks import SinkContext, overlay, video_file
from mdhr_runtime.sinks.overlay import Overlay

ENCODERS = [
    pytest.param(
        video_file.H264, id="h264", marks=pytest.mark.skipif(find_spec("av") is None, reason="needs the extra 'h264'")
    ),
    pytest.param(video_file.Mpeg4, id="mpeg4"),
]


@pytest.fixture(params=ENCODERS, autouse=True)
def encoder(request, monkeypatch):
    monkeypatch.setattr(overlay, "open_video", request.param)
    return request.param


def picture(level, size=(120, 160)):
    return np.full((*size, 3), level, np.uint8)


def read(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame[:, :, ::-1])
    return capture.get(cv2.CAP_PROP_FPS), frames


def context(*names, fps=25.0, live=False):
    return SinkContext(AUS, tuple(SourceInfo(name, fps, live) for name in names or ("cam",)))


@pytest.mark.parametrize("fps", [25.0, 24000 / 1001, 30.0, 7.5])
def test_rate_size_and_every_frame(tmp_path, encoder, fps):
    path = tmp_path / "out.mp4"
    with Overlay(path, context(fps=fps)) as output:
        for number in range(1, 21):
            one = nobody(number) if number == 10 else row(number)
            output.write(result(one, image=picture(10 * number)))
    rate, frames = read(path)
    assert rate == pytest.approx(fps, rel=1e-4)
    assert [frame.shape for frame in frames] == [(120, 160, 3)] * 20
    assert [round(float(frame[100:, 10:60].mean())) // 10 for frame in frames] == pytest.approx(range(1, 21), abs=1)
    assert output.summary == f"20 frames: {path} ({encoder.codec})"
    assert list(tmp_path.iterdir()) == [path]


def test_only_final_results_are_drawn(tmp_path):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(row(1, final=False)))
        output.write(result(row(1)))
    assert len(read(tmp_path / "out.mp4")[1]) == 1


def test_results_are_on_the_frames(tmp_path):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(nobody(1), image=picture(90, (360, 640))))
        output.write(result(row(2, box=(100, 100, 200, 220)), image=picture(90, (360, 640))))
    empty, drawn = read(tmp_path / "out.mp4")[1]
    assert np.abs(empty.astype(int) - 90).max() < 12
    assert np.abs(drawn.astype(int) - 90).max() > 60


@pytest.mark.parametrize("size", [(121, 161), (2, 2), (75, 64)])
def test_odd_sizes_lose_a_line_at_most(tmp_path, size):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(nobody(1), image=picture(50, size)))
    (frame,) = read(tmp_path / "out.mp4")[1]
    assert all(0 <= wanted - got <= 1 for wanted, got in zip(size, frame.shape[:2], strict=True))


@pytest.mark.parametrize(("size", "expected"), [((1, 1), (2, 2)), ((1, 200), (2, 200)), ((64, 20_000), (64, 8176))])
def test_sizes_that_encoders_refuse_are_scaled(tmp_path, size, expected):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(nobody(1), image=picture(90, size)))
    assert [frame.shape[:2] for frame in read(tmp_path / "out.mp4")[1]] == [expected]


def test_a_change_of_resolution_keeps_the_video_going(tmp_path):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(nobody(1), image=picture(200)))
        output.write(result(nobody(2), image=picture(200, (240, 160))))
        output.write(result(nobody(3), image=picture(200)))
    frames = read(tmp_path / "out.mp4")[1]
    assert len({frame.shape for frame in frames}) == 1
    assert frames[1][60, 80].min() > 180
    assert frames[1][60, 5].max() < 40


def test_several_sources_have_a_file_each(tmp_path):
    names = ["rtsp://lab/1", "rtsp:__lab_1", "Küche.mp4"]
    with Overlay(tmp_path / "out.mp4", context(*names)) as output:
        for number, name in enumerate(names, 1):
            for frame in range(1, number + 1):
                output.write(result(nobody(frame, source=name)))
    written = {path.name: len(read(path)[1]) for path in tmp_path.iterdir()}
    assert written == {
        "out-rtsp_____lab__1-01c5ab17.mp4": 1,
        "out-rtsp___lab_1-630cd6da.mp4": 2,
        "out-Küche.mp4.mp4": 3,
    }
    assert output.summary.count("\n") == 2


def live(tmp_path, times, fps=10.0):
    with Overlay(tmp_path / "out.mp4", context(fps=fps, live=True)) as output:
        for level, time in enumerate(times, 1):
            one = Row("cam", level, time)
            output.write(result(one, image=picture(20 * level)))
    return [round(float(frame.mean()) / 20) for frame in read(tmp_path / "out.mp4")[1]]


def test_a_camera_that_drops_frames_keeps_its_time(tmp_path):
    assert live(tmp_path, [5.0, 5.1, 5.5, 5.58]) == [1, 2, 2, 2, 2, 3, 4]


def test_a_camera_that_is_faster_than_it_says_loses_pictures(tmp_path):
    assert live(tmp_path, [0.0, 0.04, 0.1, 0.12, 0.2]) == [1, 3, 5]


def test_a_camera_that_was_away_for_long_stands_still_for_a_while(tmp_path):
    assert live(tmp_path, [0.0, 3600.0, 3600.1]) == [1] * 21 + [2, 3]


def test_our_own_video_is_replaced_when_complete_and_no_other(tmp_path):
    path = tmp_path / "out.mp4"
    for count in (1, 2):
        with Overlay(path, context()) as output:
            for number in range(count):
                output.write(result(nobody(number + 1)))
            assert not path.exists() or len(read(path)[1]) == 1
        assert len(read(path)[1]) == count
    video = tmp_path / "holiday.mp4"
    video.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OutputError, match="not overwritten"):
        Overlay(video, context())
    video.write_bytes(b"notes" + overlay.MARK)
    with pytest.raises(OutputError, match="not overwritten"):
        Overlay(video, context())
    (tmp_path / "mine.mp4").write_bytes(b"")
    Overlay(tmp_path / "mine.mp4", context()).close()


def test_its_own_input_is_never_written(tmp_path):
    path = tmp_path / "clip.mp4"
    path.touch()
    with pytest.raises(OutputError, match="what the results are made from"):
        Overlay(path, replace(context(), inputs=(tmp_path / "." / "clip.mp4",), overwrite=True))


def test_a_place_that_is_refused_gives_back_the_others(tmp_path):
    (tmp_path / "out-b.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="not overwritten"):
        Overlay(tmp_path / "out.mp4", context("a", "b"))
    assert [path.name for path in tmp_path.iterdir()] == ["out-b.mp4"]
    with Overlay(tmp_path / "out.mp4", context("a")):
        pass


def test_a_source_without_a_frame_leaves_no_file(tmp_path):
    with Overlay(tmp_path / "out.mp4", context()) as output:
        pass
    output.close()
    assert not list(tmp_path.iterdir())


def test_impossible_places_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("none/out.mp4", "pipe.mp4"):
        with pytest.raises(OutputError, match="cannot be written"):
            Overlay(tmp_path / name, context())


def test_a_disk_that_fills_up_leaves_a_video_that_plays(tmp_path, monkeypatch):
    path = tmp_path / "out.mp4"
    with Overlay(path, context()) as output:
        for number in range(1, 6):
            output.write(result(nobody(number)))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        with pytest.raises(OutputError, match="cannot grow"):
            output.write(result(nobody(6)))
    assert len(read(path)[1]) == 5


def test_an_interrupted_run_leaves_a_video_that_plays(tmp_path):
    output = Overlay(tmp_path / "out.mp4", context())

    def run():
        with output:
            output.write(result(nobody(1)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(read(tmp_path / "out.mp4")[1]) == 1


def test_the_summary_says_why_it_is_not_h264(tmp_path, monkeypatch):
    monkeypatch.setattr(video_file, "find_spec", lambda _: None)
    monkeypatch.setattr(overlay, "open_video", video_file.open_video)
    with Overlay(tmp_path / "out.mp4", context()) as output:
        output.write(result(nobody(1)))
    assert "the extra 'h264' is not installed" in output.summary


@pytest.mark.slow
def test_h264_of_a_killed_run_plays_as_far_as_it_goes(tmp_path, encoder):
    if encoder is not video_file.H264:
        pytest.skip("MPEG-4 part 2 has its index at the end")
    code = f"""
import os
from rows import AUS, nobody, result
from mdhr_runtime.sinks import SinkContext
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sinks.overlay import Overlay
with Overlay({str(tmp_path / "out.mp4")!r}, SinkContext(AUS, (SourceInfo("cam", 25.0, False),))) as output:
    for number in range(1, 1001):
        output.write(result(nobody(number)))
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["out.mdhr-partial.mp4"]
    assert len(read(tmp_path / "out.mdhr-partial.mp4")[1]) > 500
