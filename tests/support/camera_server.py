"""Cameras for tests: an HTTP server that sends Motion JPEG, as many cameras do, and a real RTSP server."""

import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import pytest

RTSP_SERVER = """
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
port, launch = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(launch)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"""
SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HttpCamera:
    """Sends images as Motion JPEG, at 25 per second, over and over until it is closed.

    Args:
        images: uint8 RGB.
        port: Where it listens; the same port can be used again after `close`.
    """

    def __init__(self, images, port):
        self.port, self.closed = port, threading.Event()
        parts = [cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes() for image in images]
        closed = self.closed

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
                self.end_headers()
                while not closed.is_set():
                    for part in parts:
                        head = f"--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
                        try:
                            self.wfile.write(head.encode() + part + b"\r\n")
                        except OSError:
                            return
                        if closed.wait(0.04):
                            return

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/video"

    def close(self):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


class SilentServer:
    """Accepts connections and says nothing."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


class RtspCamera:
    """A GStreamer RTSP server in a process of its own, that sends a video file as Motion JPEG.

    Args:
        video: An AVI file with Motion JPEG.
        port: Where it listens.
    """

    def __init__(self, video: Path, port: int):
        launch = f"( filesrc location={video} ! avidemux ! rtpjpegpay name=pay0 )"
        command = [SYSTEM_PYTHON, "-c", RTSP_SERVER, str(port), launch]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = f"rtsp://127.0.0.1:{port}/cam"
        if self._process.stdout.readline() != "ready\n":
            pytest.skip(f"needs an RTSP server: apt-get install {RTSP_PACKAGES}")

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def need_rtsp_server():
    """Skip where the packages of the RTSP server are missing."""
    if shutil.which(SYSTEM_PYTHON) is None:
        pytest.skip(f"needs {SYSTEM_PYTHON} and: apt-get install {RTSP_PACKAGES}")


def wait_for(condition, seconds=20.0):
    """Wait until a condition holds; fail if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
