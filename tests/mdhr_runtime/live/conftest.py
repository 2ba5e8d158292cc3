"""Live pages on a free port of the loopback interface, and results to show on them."""

import http.client
import json
import threading
import time

import numpy as np
import pytest

from mdhr_runtime.live import server
from mdhr_runtime.live.page import LivePage
from mdhr_runtime.results import FrameResult, Row, SourceInfo
from mdhr_runtime.sinks import SinkContext

AUS = ("AU01", "AU06", "AU12")
SIZE = (360, 640)


@pytest.fixture(scope="session")
def aus():
    return AUS


@pytest.fixture(scope="session")
def make_result():
    """Make a result with faces side by side whose scores and picture change from frame to frame."""

    def make(frame, faces=1, source="clip.mp4", final=True, score=None, size=SIZE):
        scores = np.clip(0.5 + 0.5 * np.sin(frame / 5 + np.arange(len(AUS))), 0, 1).astype(np.float32)
        scores = scores if score is None else np.full(len(AUS), score, np.float32)
        rows = tuple(
            Row(source, frame, frame / 25, face, 0.99, (40 + 200 * face, 60, 200 + 200 * face, 260), scores, final)
            for face in range(faces)
        )
        image = np.full((*size, 3), (frame * 5) % 200, np.uint8)
        image[:, (frame * 8) % SIZE[1] :] //= 2
        return FrameResult(source, frame, frame / 25, image, rows or (Row(source, frame, frame / 25),), final)

    return make


@pytest.fixture(autouse=True)
def farewell(monkeypatch):
    """Set how long a page waits at its end for viewers: hardly, unless a test says otherwise."""

    def wait(seconds):
        monkeypatch.setattr(server, "FAREWELL", seconds)

    wait(0.2)
    return wait


@pytest.fixture
def serve():
    """Start a live page; it is closed after the test."""
    pages = []

    def start(address="127.0.0.1:0", sources=("clip.mp4",), stats=None, live=False, fps=25.0):
        infos = tuple(SourceInfo(name, fps, live) for name in sources)
        pages.append(LivePage(f"live://{address}", SinkContext(AUS, infos, stats=stats, lookahead=7)))
        return pages[-1]

    yield start
    for page in pages:
        page.close()


@pytest.fixture
def play(make_result):
    """Write results to a page, about as fast as a video runs, until the test ends."""
    stop = threading.Event()
    players = []

    def start(page, faces=1, first=1):
        def run():
            frame = first
            while not stop.is_set():
                page.write(make_result(frame, faces))
                frame += 1
                time.sleep(0.04)

        players.append(threading.Thread(target=run))
        players[-1].start()

    yield start
    stop.set()
    for player in players:
        player.join()


@pytest.fixture
def ask():
    """Send one request to a page and return the response, its body read."""

    def request(page, path="/", method="GET", headers=None, body=None):
        _, _, netloc = page.url.rstrip("/").rpartition("/")
        connection = http.client.HTTPConnection(netloc, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in {"Host": netloc, **(headers or {})}.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            response.body = response.read()
            return response
        finally:
            connection.close()

    return request


class Viewer:
    """A program that reads a page's events to the end, fetches the last picture as the page does, and hangs up."""

    def __init__(self, page, ask):
        self._page, self._ask = page, ask
        _, _, netloc = page.url.rstrip("/").rpartition("/")
        self._connection = http.client.HTTPConnection(netloc, timeout=60)
        self._connection.request("GET", "/events")
        self._events = self._connection.getresponse()
        self.frames, self.picture = [], None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        kind = None
        while kind != "bye" and (line := self._events.readline().decode()):
            name, _, value = line.strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "rows":
                self.frames += [(frame, bool(final)) for _, frame, _, final, _ in json.loads(value)]
        if kind == "bye":
            self.picture = self._ask(self._page, "/pictures/0.jpg").headers["X-Result"]
        self._events.close()
        self._connection.close()

    def seen(self):
        """Wait for the end; returns the frames that came, with whether they were final, and the last picture's."""
        self._thread.join()
        return self.frames, self.picture and json.loads(self.picture)[0]


@pytest.fixture
def view(ask):
    """Read a page as a viewer does."""
    return lambda page: Viewer(page, ask)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()
