"""Live sources against real servers: Motion JPEG over HTTP as cameras send it, and RTSP."""

import os
import socket
import threading
import time

import cv2
import numpy as np
import pytest
from camera_server import HttpCamera, RtspCamera, SilentServer, free_port, need_rtsp_server, wait_for

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import open_source
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
    assert frames[0].timestamp == 0
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
    assert {frame.image.shape for frame in reader.frames()} == {(64, 96, 3)}  # that of the connection's first frame
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
    camera = Camera("a", cv2.VideoCapture, timeout=60)
    reader = read(camera)
    time.sleep(0.2)
    begun = time.monotonic()
    reader.stop()
    assert time.monotonic() - begun < 1


@pytest.mark.slow
def test_rtsp_with_a_server_that_dies_and_returns(read, write_video, swaying):
    need_rtsp_server()
    video = write_video("camera.avi", [image[:, :224] for image in swaying] * 20)
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


@pytest.mark.parametrize("url", ["rtsp://", "rtsp:///a", "rtsp://me:secret@host:x/a", "file:///clip.mp4", "rtsp://[a"])
def test_what_is_no_address_is_refused_at_once_and_not_repeated(url):
    with pytest.raises(VideoError, match="address is not understood") as error:
        open_source(url)
    assert "secret" not in str(error.value)


def test_a_camera_is_called_by_its_place():
    assert open_source("rtsp://me:secret@Camera:554/a/?token=secret").name == "camera:554/a"


def test_ffmpeg_is_quiet_where_its_lines_would_name_addresses(monkeypatch):
    monkeypatch.setenv("OPENCV_FFMPEG_LOGLEVEL", "32")
    open_source("rtsp://camera/a")
    assert os.environ["OPENCV_FFMPEG_LOGLEVEL"] == "-8"
