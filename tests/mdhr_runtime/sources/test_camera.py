"""Live sources against real servers: Motion JPEG over HTTP as cameras send it, and RTSP."""

import os
import re
import socket
import threading
import time
from contextlib import suppress

import cv2
import encoded
import numpy as np
import pytest
from camera_server import (
    HttpCamera,
    HttpFiles,
    HttpStream,
    RtspCamera,
    SilentServer,
    free_port,
    need_rtsp_server,
    wait_for,
)

from mdhr_runtime import sources
from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import Video, open_source
from mdhr_runtime.sources.camera import Camera

RED, BLUE = [200, 20, 20], [20, 20, 200]


def plain(colour, size=(64, 96)):
    return np.full((*size, 3), colour, np.uint8)


class Reader:
    """Reads a source in a thread of its own."""

    def __init__(self, source):
        self.source, self.items, self.error = source, [], None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        try:
            for item in self.source:
                self.items.append(item)
        except VideoError as error:
            self.error = error

    def frames(self):
        return [item for item in list(self.items) if item is not None]

    def stop(self):
        self.source.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def read():
    readers = []

    def start(source):
        readers.append(Reader(source))
        return readers[-1]

    yield start
    for reader in readers:
        reader.stop()


def test_frames_of_a_network_camera(read):
    camera = HttpCamera([plain(RED)], free_port())
    reader = read(open_source(camera.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > 10)
    reader.stop()
    camera.close()
    frames = reader.frames()
    assert reader.source.live
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    assert frames[0].timestamp == pytest.approx(0, abs=1e-3)
    assert (np.diff([frame.timestamp for frame in frames]) > 0).all()
    assert np.abs(frames[-1].image.astype(int) - RED).max() < 30


@pytest.mark.slow
def test_a_camera_that_comes_back_is_connected_again(read):
    camera = HttpCamera([plain(RED)], free_port())
    reader = read(open_source(camera.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > 5)
    camera.close()
    wait_for(lambda: None in reader.items)
    before = len(reader.items)
    camera = HttpCamera([plain(BLUE)], camera.port)
    wait_for(lambda: len(reader.items) > before + 3)
    assert reader.items.count(None) == 1  # the first loss and nothing else
    camera.close()
    frames = reader.frames()
    assert "went away" in reader.source.warnings[0]
    assert reader.items.index(None) < before
    assert np.abs(frames[-1].image.astype(int) - BLUE).max() < 30
    assert (np.diff([frame.timestamp for frame in frames]) > 0).all()
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))


@pytest.mark.slow
def test_a_camera_may_change_its_resolution(read):
    camera = HttpCamera([plain(RED)] * 5 + [plain(BLUE, (96, 160))] * 5, free_port())
    reader = read(open_source(camera.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > 20)
    reader.stop()
    camera.close()
    colours = [frame.image.mean(axis=(0, 1)) for frame in reader.frames()]
    for colour in (RED, BLUE):
        assert any(np.abs(found - colour).max() < 30 for found in colours)
    assert {frame.image.shape for frame in reader.frames()} == {(64, 96, 3), (96, 160, 3)}
    assert None not in reader.items


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["http", "rtsp", "closed"])
def test_a_camera_that_never_delivers_is_given_up(read, kind):
    server = SilentServer()
    if kind == "closed":
        server.close()
    url = f"{'rtsp' if kind == 'rtsp' else 'http'}://user:secret@127.0.0.1:{server.port}/cam"
    begun = time.monotonic()
    reader = read(open_source(url, timeout=1.0))
    wait_for(lambda: reader.error is not None, 15)
    server.close()
    assert time.monotonic() - begun < 10
    assert reader.error.what == f"127.0.0.1:{server.port}/cam delivers no frames."
    assert "secret" not in str(reader.error)


def test_a_missing_webcam_is_given_up(read):
    reader = read(open_source("97", timeout=0.5))
    wait_for(lambda: reader.error is not None)
    assert "camera97 delivers no frames" in reader.error.what


def test_stopping_does_not_wait_for_a_camera_to_come_back(read):
    reader = read(Camera("a", lambda: (picture for picture in ()), timeout=60))
    time.sleep(0.2)
    begun = time.monotonic()
    reader.stop()
    assert time.monotonic() - begun < 1


@pytest.mark.slow
def test_rtsp_with_a_server_that_dies_and_returns(read, tmp_path, swaying):
    need_rtsp_server()
    # The tables are those that RTP takes for granted.
    images = [image[:, :224] for image in swaying] * 20
    video = encoded.write(tmp_path / "camera.avi", images, "mjpeg", {"huffman": "default"})
    port = free_port()
    server = RtspCamera(video, port)
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > 10)
    server.close()
    wait_for(lambda: None in reader.items)
    before = len(reader.items)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    server = RtspCamera(video, port)
    wait_for(lambda: len(reader.items) > before + 10)
    reader.stop()
    server.close()
    frames = reader.frames()
    assert (np.diff([frame.timestamp for frame in frames]) > 0).all()
    assert {frame.image.shape for frame in frames} == {(240, 224, 3)}


@pytest.mark.parametrize("url", ["rtsp://", "rtsp:///a", "rtsp://me:secret@host:x/a", "rtsp://[a"])
def test_what_is_no_address_is_refused_at_once_and_not_repeated(url):
    with pytest.raises(VideoError, match="address is not understood") as error:
        open_source(url)
    assert "secret" not in str(error.value)


def test_a_camera_is_called_by_its_place():
    assert open_source("rtsp://me:secret@Camera:554/a/?token=secret").name == "camera:554/a"


def test_ffmpeg_is_quiet_where_its_lines_would_name_addresses(capfd):
    with suppress(VideoError):
        list(open_source("rtsp://me:secret@127.0.0.1:9/a", timeout=0.1))
    assert capfd.readouterr() == ("", "")


# Streams of H.264 and others.

GROUP = 25
"""Pictures from one key frame to the next."""
CODECS = {
    "h264": ("libx264", {"g": str(GROUP), "bf": "0", "sc_threshold": "0", "preset": "ultrafast"}),
    "h265": ("libx265", {"preset": "ultrafast", "x265-params": f"keyint={GROUP}:bframes=0:scenecut=0:log-level=none"}),
}


@pytest.fixture(scope="module")
def moving(photo):
    """50 pictures (160, 160, 3), of which each differs from the one before by more than coding does."""
    return [np.ascontiguousarray(photo[60:220, 2 * step : 160 + 2 * step]) for step in range(2 * GROUP)]


@pytest.fixture
def stream(tmp_path, moving):
    """The bytes of a stream, by its suffix."""

    def make(suffix="ts", codec="h264", images=moving):
        return encoded.write(tmp_path / f"{codec}.{suffix}", images, *CODECS[codec]).read_bytes()

    return make


@pytest.fixture
def serve():
    """Start servers, which end with the test."""
    servers = []

    def start(server, *arguments, **settings):
        servers.append(server(*arguments, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def clean(frame, images):
    """Whether a frame is one of these images, and no mixture of them."""
    return min(np.abs(frame.image[::4, ::4].astype(int) - image[::4, ::4]).mean() for image in images) < 6


@pytest.mark.slow
def test_hevc_over_rtsp_that_is_joined_within_a_group_begins_with_a_whole_picture(
    read, serve, tmp_path, stream, moving
):
    need_rtsp_server()
    codec = "h265"
    path = tmp_path / "camera"
    parts = re.split(rb"(?=\x00\x00\x01)", stream(codec, codec, moving * 5))  # descriptions, key frames, and others
    path.write_bytes(b"".join(part for number, part in enumerate(parts) if number > 9 or not is_key(part)))
    server = serve(RtspCamera, path, free_port(), codec)
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > GROUP // 2)
    reader.stop()
    assert all(clean(frame, moving) for frame in reader.frames())
    assert None not in reader.items
    assert reader.frames()[0].number == 1


def is_key(part):
    """Whether a part of a stream of HEVC, which begins with a start code, is of a key frame."""
    return part[3:] and part[3] >> 1 & 63 in (19, 20, 21)  # IDR or CRA


@pytest.mark.slow
def test_h264_over_rtsp(read, serve, tmp_path, stream, moving):
    need_rtsp_server()
    (tmp_path / "camera").write_bytes(stream("mp4", images=moving * 5))
    server = serve(RtspCamera, tmp_path / "camera", free_port(), "h264")
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > GROUP)
    reader.stop()
    assert all(clean(frame, moving) for frame in reader.frames())
    assert None not in reader.items


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_a_transport_stream_that_is_joined_within_a_group(read, serve, stream, moving, codec):
    content = stream(codec=codec)
    server = serve(HttpStream, content[188 * (len(content) // 188 // 4) :], 2)
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > GROUP // 2)
    reader.stop()
    assert all(clean(frame, moving) for frame in reader.frames())


@pytest.mark.slow
def test_a_transport_stream_without_an_end_is_a_camera(read, serve, stream, moving):
    server = serve(HttpStream, stream(), 2)
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > 3 * GROUP)  # it has begun anew
    assert reader.source.live
    reader.stop()
    frames = reader.frames()
    assert all(clean(frame, moving) for frame in frames)
    assert (np.diff([frame.timestamp for frame in frames]) > 0).all()


@pytest.mark.slow
def test_a_stream_without_times_has_those_of_arrival(read, serve, stream, moving):
    server = serve(HttpStream, stream("h264"), 2, kind="video/h264")
    reader = read(open_source(server.url, timeout=5))
    wait_for(lambda: len(reader.frames()) > GROUP)
    reader.stop()
    frames = reader.frames()
    assert all(clean(frame, moving) for frame in frames)
    times = [frame.timestamp for frame in frames]
    assert (np.diff(times) > 0).all()
    assert times[-1] < 60


@pytest.mark.slow
@pytest.mark.parametrize("then", ["close", "stall"])
def test_a_camera_that_dies_within_a_group_is_connected_again(read, serve, stream, moving, then):
    content = stream()
    server = serve(HttpStream, content[: int(0.8 * len(content))], 1, then)
    reader = read(open_source(server.url, timeout=1.5))
    wait_for(lambda: server.connections > 3 and len(reader.frames()) > 2 * GROUP)
    reader.stop()
    frames = reader.frames()
    assert None in reader.items
    assert "went away" in " ".join(reader.source.warnings)
    assert all(clean(frame, moving) for frame in frames)
    assert (np.diff([frame.timestamp for frame in frames]) > 0).all()
    assert (np.diff([frame.number for frame in frames]) > 0).all()


@pytest.mark.slow
def test_a_camera_may_change_its_size_within_a_stream(read, serve, stream, moving):
    small = [cv2.resize(image, (96, 96)) for image in moving]
    server = serve(HttpStream, stream() + stream(images=small), 3)
    reader = read(open_source(server.url, timeout=3))
    wait_for(lambda: len({frame.image.shape for frame in reader.frames()}) == 2)
    wait_for(lambda: reader.frames()[-1].image.shape == (160, 160, 3), 30)
    reader.stop()
    for frame in reader.frames():
        assert clean(frame, moving if frame.image.shape == (160, 160, 3) else small)


@pytest.mark.slow
def test_a_camera_may_change_its_codec_within_a_stream(read, serve, stream, moving):
    turned = [np.ascontiguousarray(image[::-1]) for image in moving]
    server = serve(HttpStream, stream(), 2)
    reader = read(open_source(server.url, timeout=2))
    wait_for(lambda: len(reader.frames()) > GROUP)
    server.content = stream(codec="h265", images=turned)
    wait_for(lambda: clean(reader.frames()[-1], turned), 30)
    reader.stop()
    assert all(clean(frame, [*moving, *turned]) for frame in reader.frames())


def resources():
    """File descriptors, threads and MiB of this process."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return len(os.listdir("/proc/self/fd")), int(status["Threads"]), int(status["VmRSS"].split()[0]) / 1024


@pytest.mark.slow
def test_a_hundred_reconnections_leave_nothing_behind(serve, stream, moving, monkeypatch):
    monkeypatch.setattr(sources.camera, "FIRST_PAUSE", 1e-3)
    server = serve(HttpStream, stream(images=moving[:3]), 0.02, "close")
    source = open_source(server.url, timeout=5)
    found = []
    for item in source:
        if item is None and server.connections in (20, 120):
            found.append(resources())
            source.warnings.clear()
        if server.connections > 120:
            source.stop()
    (files, threads, memory), *_, (more_files, more_threads, more_memory) = found
    assert more_files <= files + 3  # one connection may be open now
    assert more_threads <= threads + 3
    assert more_memory < memory + 20


# Videos in the network that end.


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.mark.slow
@pytest.mark.parametrize("ranges", [True, False], ids=["parts", "whole"])
@pytest.mark.parametrize(
    ("name", "muxer"),
    [("a.mp4", {"movflags": "faststart"}), ("a.mkv", {}), ("a.m3u8", {"hls_time": "1", "hls_list_size": "0"})],
)
def test_a_video_over_http_is_read_to_its_end(serve, folder, moving, name, muxer, ranges):
    encoded.write(folder / name, moving, *CODECS["h264"], muxer)
    source = open_source(serve(HttpFiles, folder, ranges).of(name), timeout=5)
    assert isinstance(source, Video)
    assert not source.live
    frames = list(source)
    assert len(frames) == len(moving)
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(len(moving)) / 25, atol=2e-3)
    assert all(clean(frame, moving) for frame in frames)
    assert source.lost == 0


@pytest.mark.slow
def test_a_video_over_http_whose_list_is_at_its_end(serve, folder, moving):
    encoded.write(folder / "a.mp4", moving, *CODECS["h264"])
    assert len(list(open_source(serve(HttpFiles, folder).of("a.mp4"), timeout=5))) == len(moving)


@pytest.mark.slow
@pytest.mark.parametrize(("content", "word"), [(None, "404"), (b"<html>Sign in</html>", "Invalid data")])
def test_what_is_no_video_over_http_is_refused(serve, folder, content, word):
    if content:
        (folder / "a.mp4").write_bytes(content)
    url = serve(HttpFiles, folder).of("a.mp4?token=secret")
    with pytest.raises(VideoError, match=word) as error:
        list(open_source(url, timeout=1))
    assert "secret" not in str(error.value)
