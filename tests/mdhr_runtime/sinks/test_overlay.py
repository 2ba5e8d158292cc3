import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from rows import AUS, ENVIRONMENT, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import Row, SourceInfo
from mdhr_runtime.sinks import SinkContext, overlay
from mdhr_runtime.sinks.overlay import Overlay

AUDIO_RATE = 48_000
AUDIO_FRAME = 0.03
"""Seconds of the longest audio frame of these codecs, and of a wave of the tone."""
FORMATS = {".ts": "mpegts", ".mp4": "mp4", ".avi": "avi"}


def picture(level, size=(120, 160)):
    return np.full((*size, 3), level, np.uint8)


def read(path):
    """The frame rate of a video and its pictures."""
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        return float(stream.average_rate), [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]


def times(path):
    """When the pictures of a video are shown."""
    with av.open(str(path)) as video:
        return [frame.time for frame in video.decode(video=0)]


def context(*names, fps=25.0, live=False):
    return SinkContext(AUS, tuple(SourceInfo(name, fps, live) for name in names or ("cam",)))


@pytest.mark.parametrize("fps", [25.0, 24000 / 1001, 30.0, 7.5])
def test_rate_size_and_every_frame(tmp_path, fps):
    path = tmp_path / "out.mp4"
    with Overlay(path, context(fps=fps)) as output:
        for number in range(1, 21):
            one = nobody(number) if number == 10 else row(number)
            output.write(replace(result(one, image=picture(10 * number)), timestamp=number / fps))
    rate, frames = read(path)
    assert rate == pytest.approx(fps, rel=1e-4)
    assert [frame.shape for frame in frames] == [(120, 160, 3)] * 20
    assert [round(float(frame[100:, 10:60].mean())) // 10 for frame in frames] == pytest.approx(range(1, 21), abs=1)
    assert output.summary == f"20 frames: {path}"
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


def written(path, timestamps, *, fps=25.0, live=False, size=(16, 16), **recording):
    """Write pictures at some times, and give the summary."""
    with Overlay(path, SinkContext(AUS, (SourceInfo("cam", fps, live, **recording),))) as output:
        for number, time in enumerate(timestamps, 1):
            output.write(result(Row("cam", number, time), image=picture(10 * number % 256, size)))
    return output.summary


@pytest.mark.parametrize("live", [False, True])
def test_every_picture_is_shown_at_its_own_time(tmp_path, live):
    uneven = [7.0, 7.033, 7.05, 7.0501, 8.4, 9.9123, 10.0]
    written(tmp_path / "out.mp4", uneven, live=live)
    assert times(tmp_path / "out.mp4") == pytest.approx([time - 7.0 for time in uneven], abs=1e-4)


def test_times_that_are_too_close_for_the_format_grow(tmp_path):
    written(tmp_path / "out.mp4", [0.0, 1e-9, 2e-9, 1.0])
    assert times(tmp_path / "out.mp4") == pytest.approx([0.0, 0.0, 0.0, 1.0], abs=1e-4)


def test_the_last_picture_is_shown_as_long_as_one_is_by_rule(tmp_path):
    written(tmp_path / "out.mp4", [0.0, 0.1, 30.0], fps=4.0)
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.duration / av.time_base == pytest.approx(30.25, abs=1e-3)


def test_a_camera_that_was_away_for_long_stands_still_for_a_while(tmp_path):
    written(tmp_path / "out.mp4", [0.0, 3600.0, 3600.1], live=True)
    assert times(tmp_path / "out.mp4") == pytest.approx([0.0, 2.0, 2.1], abs=1e-4)


def test_the_pause_of_a_file_is_kept_also_where_the_format_has_no_number_for_it(tmp_path):
    written(tmp_path / "out.mp4", [0.0, 3600.0, 30_000.0, 30_000.04])
    shown = times(tmp_path / "out.mp4")
    assert [shown[0], shown[1], *shown[-2:]] == pytest.approx([0.0, 3600.0, 30_000.0, 30_000.04], abs=1e-4)


@pytest.mark.parametrize("fps", [1, 200])
def test_a_new_fragment_begins_every_two_seconds_whatever_the_rate(tmp_path, fps):
    written(tmp_path / "out.mp4", [number / fps for number in range(6 * fps)], fps=float(fps))
    with av.open(str(tmp_path / "out.mp4")) as video:
        key = [float(packet.pts * packet.time_base) for packet in video.demux(video=0) if packet.is_keyframe]
    assert {0.0, 2.0, 4.0} <= set(key)
    assert (tmp_path / "out.mp4").read_bytes().count(b"moof") >= 3


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


@pytest.mark.slow
@pytest.mark.parametrize("codec", [None, "aac"])
def test_a_killed_run_plays_as_far_as_it_goes(tmp_path, codec):
    sound = codec and recorded(tmp_path / "recording" / "in.mkv", codec, seconds=60)
    code = f"""
import os
from rows import AUS, nobody, result
from mdhr_runtime.sinks import SinkContext
from mdhr_runtime.results import SourceInfo
from mdhr_runtime.sinks.overlay import Overlay
source = SourceInfo("cam", 25.0, False, {sound and str(sound)!r})
with Overlay({str(tmp_path / "out.mp4")!r}, SinkContext(AUS, (source,))) as output:
    for number in range(1, 1001):
        output.write(result(nobody(number)))
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT)
    files = [path.name for path in tmp_path.iterdir() if path.is_file() and path.suffix != ".lock"]
    assert files == ["out.mdhr-partial.mp4"]
    assert len(read(tmp_path / "out.mdhr-partial.mp4")[1]) > 900
    if codec:
        assert beeps(tmp_path / "out.mdhr-partial.mp4")[-1] > 35


def recorded(path, codec, *, seconds=4.0, picture_from=0.0, sound_from=0.0, title=None):
    """Record a video whose sound is a beep of 0.2 s every 0.7 s."""
    path.parent.mkdir(exist_ok=True)
    with av.open(
        str(path), "w", format={"ts": "mpegts", "mp4": "mp4", "avi": "avi"}.get(path.suffix[1:], "matroska")
    ) as container:
        container.metadata.update({"title": title} if title else {})
        video = container.add_stream("libx264", 25, width=16, height=16, options={"bf": "0"})
        audio = container.add_stream(codec, AUDIO_RATE, layout="stereo") if codec else None
        for number in range(round((seconds - picture_from) * 25)):
            frame = av.VideoFrame.from_ndarray(picture(0, (16, 16)), format="rgb24")
            frame.pts, frame.time_base = number + round(picture_from * 25), Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            container.start_encoding()
            context = audio.codec_context
            resampler = av.AudioResampler(context.format, "stereo", AUDIO_RATE, context.frame_size or 1024)
            now = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
            wave = np.where(now % 0.7 > 0.5, 0.8 * np.sin(2000 * np.pi * now), 0)[None].astype(np.float32)
            sound = av.AudioFrame.from_ndarray(wave, format="flt", layout="mono")
            sound.rate, sound.pts = AUDIO_RATE, round(sound_from * AUDIO_RATE)
            for frame in (*resampler.resample(sound), *resampler.resample(None)):
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


def beeps(path):
    """When the beeps of a video begin."""
    parts = []
    with av.open(str(path)) as video:
        resampler = av.AudioResampler("flt", "mono", AUDIO_RATE)
        for frame in video.decode(audio=0):
            start = frame.time
            wave = np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame)] or [[]])
            parts.append((start + np.arange(len(wave)) / AUDIO_RATE, np.abs(wave) > 0.3))
    now, loud = (np.concatenate(part) for part in zip(*parts, strict=True))
    at = now[loud]
    return at[np.diff(at, prepend=-1.0) > 0.1]


@pytest.mark.parametrize("start", [0.0, 1.31])
@pytest.mark.parametrize(
    ("name", "codec", "picture_from"),
    [
        ("in.mp4", "aac", 0.0),
        ("in.mkv", "libmp3lame", 0.0),
        ("in.mkv", "ac3", 0.0),
        ("in.mkv", "flac", 0.0),
        ("in.avi", "pcm_s16le", 0.0),
        ("browser.webm", "libopus", 0.0),
        ("broadcast.ts", "aac", 0.0),  # its packets have another form than in MP4
        ("late.mkv", "aac", 5.0),
        (os.fsdecode(b"M\xfcller %d:.mkv"), "aac", 0.0),
    ],
)
def test_sound_is_copied_in_step(tmp_path, name, codec, picture_from, start):
    recording = recorded(tmp_path / name, codec, seconds=picture_from + 4, picture_from=picture_from)
    begins = times(recording)[0]
    drawn = [start + number / 25 for number in range(50)]
    summary = written(tmp_path / "out.mp4", drawn, recording=str(recording), begins=begins)
    assert summary == f"50 frames: {tmp_path / 'out.mp4'} (with its sound)"
    assert times(tmp_path / "out.mp4") == pytest.approx([time - start for time in drawn], abs=1e-4)
    expected = beeps(recording) - begins - start
    heard = beeps(tmp_path / "out.mp4")
    wanted = expected[(expected > AUDIO_FRAME) & (expected < 2 - AUDIO_FRAME)]
    assert len(wanted) >= 2
    assert [min(abs(heard - one)) for one in wanted] == pytest.approx([0] * len(wanted), abs=AUDIO_FRAME)
    assert all(0 <= one <= 2 for one in heard)


def test_sound_is_in_step_behind_a_pause(tmp_path):
    recording = recorded(tmp_path / "in.mkv", "aac", seconds=20)
    begins = times(recording)[0]
    written(tmp_path / "out.mp4", [0.0, 0.04, 15.0, 19.0], recording=str(recording), begins=begins)
    assert beeps(tmp_path / "out.mp4") == pytest.approx((beeps(recording) - begins)[:27], abs=AUDIO_FRAME)


@pytest.mark.parametrize(
    ("codec", "sound_from", "why"),
    [("pcm_u8", 0.0, "MP4 does not take PCM unsigned 8-bit"), ("aac", 12.0, "it begins too late")],
)
def test_the_summary_says_why_there_is_no_sound(tmp_path, codec, sound_from, why):
    recording = recorded(tmp_path / "in.mkv", codec, sound_from=sound_from)
    summary = written(tmp_path / "out.mp4", [0.0, 0.04], recording=str(recording))
    assert summary.endswith(f"out.mp4 (without its sound: {why})")
    assert len(read(tmp_path / "out.mp4")[1]) == 2


@pytest.mark.parametrize("recording", ["gone.mp4", "http://127.0.0.1:1/clip.mp4", "notes.mp4"])
def test_a_recording_that_cannot_be_read_again_costs_the_sound(tmp_path, monkeypatch, recording):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.mp4").write_text("Buy milk.")
    summary = written(tmp_path / "out.mp4", [0.0, 0.04], recording=recording)
    assert summary.endswith("(without its sound: it is no file that can be read once more)")


def test_of_a_silent_video_nothing_is_said(tmp_path):
    recording = recorded(tmp_path / "in.mkv", None)
    assert written(tmp_path / "out.mp4", [0.0], recording=str(recording)) == f"1 frames: {tmp_path / 'out.mp4'}"


def test_texts_in_the_recording_may_have_any_bytes(tmp_path):
    recording = recorded(tmp_path / "in.mkv", "aac", title="Muller")
    recording.write_bytes(recording.read_bytes().replace(b"Muller", b"M\xfcller"))
    assert written(tmp_path / "out.mp4", [0.0, 0.04], recording=str(recording)).endswith("(with its sound)")


@pytest.mark.parametrize(("name", "codec"), [("in.ts", "aac"), ("in.mkv", "eac3"), ("in.mp4", "aac")])
def test_damaged_sound_never_ends_the_run(tmp_path, name, codec):
    recording = recorded(tmp_path / name, codec)
    whole = recording.read_bytes()
    for seed in range(5):
        chance, data = random.Random(seed), bytearray(whole)
        for _ in range(100):
            data[chance.randrange(3000, len(data))] = chance.randrange(256)
        recording.write_bytes(data)
        written(
            tmp_path / f"{seed}.mp4", [number / 25 for number in range(80)], recording=str(recording), size=(16, 16)
        )
        assert times(tmp_path / f"{seed}.mp4") == pytest.approx([number / 25 for number in range(80)], abs=1e-4)
