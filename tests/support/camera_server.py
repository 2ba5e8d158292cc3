"""Cameras for tests: an HTTP server that sends Motion JPEG, as many cameras do, and a real RTSP server."""

import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
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


class HttpServer:
    """A server of HTTP in threads.

    Args:
        answer: Answers a request, given its handler. `OSError` means that the other side has gone.
        port: Where it listens; the same port can be used again after `close`.
    """

    def __init__(self, answer, port=0):
        self.closed, self.connections = threading.Event(), 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.connections += 1
                with suppress(OSError):
                    answer(self)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/video"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


class HttpStream(HttpServer):
    """Sends bytes to whoever asks, as a camera does: without a word of how many come, at the pace of a video.

    Args:
        content: What every connection gets; may be exchanged.
        seconds: How long that takes.
        then: What happens after it: "close" the connection, "repeat" it, or "stall" and say nothing more.
        kind: The content's type.
        port: As for `HttpServer`.
    """

    STEP = 0.02
    """Seconds between parts that are sent."""

    def __init__(self, content, seconds, then="repeat", kind="video/mp2t", port=0):
        self.content = content

        def answer(handler):
            handler.send_response(200)
            handler.send_header("Content-Type", kind)
            handler.end_headers()
            for content in iter(lambda: self.content, None) if then == "repeat" else [self.content]:
                size = -(-len(content) // max(round(seconds / self.STEP), 1))
                for start in range(0, len(content), size):
                    handler.wfile.write(content[start : start + size])
                    if self.closed.wait(self.STEP):
                        return
            if then == "stall":
                self.closed.wait()

        super().__init__(answer, port)


class HttpCamera(HttpStream):
    """Sends images as Motion JPEG, at 25 per second, over and over until it is closed.

    Args:
        images: uint8 RGB.
        port: As for `HttpServer`.
    """

    def __init__(self, images, port=0):
        pictures = [cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes() for image in images]
        head = "--part\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"
        content = b"".join(head.format(len(picture)).encode() + picture + b"\r\n" for picture in pictures)
        super().__init__(content, len(images) / 25, kind="multipart/x-mixed-replace; boundary=part", port=port)


class HttpFiles(HttpServer):
    """Serves the files of a folder, as web servers do.

    Args:
        folder: The folder.
        ranges: Whether it gives parts of a file.
    """

    def __init__(self, folder: Path, ranges: bool = True):
        def answer(handler):
            path = folder / handler.path.partition("?")[0].lstrip("/")
            if not path.is_file():
                handler.send_error(404)
                return
            data = path.read_bytes()
            asked = handler.headers.get("Range") if ranges else None
            first, _, last = (asked or "bytes=0-").removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data)), len(data) - 1)
            if start > end:
                handler.send_error(416)
                return
            handler.send_response(206 if asked else 200)
            if asked:
                handler.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
            handler.send_header("Accept-Ranges", "bytes" if ranges else "none")
            handler.send_header("Content-Length", str(end + 1 - start))
            handler.end_headers()
            handler.wfile.write(data[start : end + 1])

        super().__init__(answer)

    def of(self, name):
        """URL of a file."""
        return f"http://127.0.0.1:{self.port}/{name}"


class SilentServer:
    """Accepts connections and says nothing."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


PAYLOADS = {
    "mjpeg": "avidemux ! rtpjpegpay",
    "h264": "qtdemux ! h264parse ! rtph264pay config-interval=1",
    "h265": "h265parse ! rtph265pay config-interval=1",
}
"""How GStreamer sends a file, by codec."""


class RtspCamera:
    """A GStreamer RTSP server in a process of its own, that sends a video file.

    Args:
        video: Motion JPEG with the standard's Huffman tables, in AVI; H.264 in MP4; or HEVC alone.
        port: Where it listens.
        codec: One of `PAYLOADS`.
    """

    def __init__(self, video: Path, port: int, codec: str = "mjpeg"):
        launch = f"( filesrc location={video} ! {PAYLOADS[codec]} name=pay0 )"
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
