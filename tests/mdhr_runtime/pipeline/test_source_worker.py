"""One source's two threads."""

import numpy as np
import pytest
from array_source import Arrays
from camera_server import wait_for

from mdhr_runtime.errors import VideoError
from mdhr_runtime.faces import FoundFace
from mdhr_runtime.pipeline.channel import Wakeup
from mdhr_runtime.pipeline.source_worker import SourceWorker

IMAGE = np.zeros((8, 8, 3), np.uint8)
BROKEN = VideoError("It broke.", "It was thin.", "Take another.")


class OneFace:
    """Sees one face everywhere, unless it fails."""

    def __init__(self, error=None):
        self.error, self.interruptions = error, 0
        self.continues = False

    def find(self, image):
        if self.error:
            raise self.error
        continues, self.continues = self.continues, True
        return [FoundFace(5, (0, 0, 8, 8), 1.0, image, continues)]

    def interrupt(self):
        self.interruptions += 1
        self.continues = False


@pytest.fixture
def begin():
    workers = []

    def start(source, faces=None, **settings):
        told = []
        settings = {"keep_images": True, "on_problem": told.append, "on_warning": told.append, **settings}
        worker = SourceWorker(source, faces or OneFace(), Wakeup(), on_bug=told.append, **settings)
        workers.append(worker)
        assert worker.state == "waiting"
        for thread in worker.threads:
            thread.start()
        return worker, told

    yield start
    for worker in workers:
        worker.stop()
        for thread in worker.threads:
            thread.join(5)
            assert not thread.is_alive()


def test_frames_come_with_their_faces_and_none_where_some_are_missing(begin):
    faces = OneFace()
    worker, told = begin(Arrays([IMAGE, IMAGE, None, IMAGE]), faces)
    frames = list(worker.frames)
    assert [frame and (frame.frame.number, frame.faces[5].continues) for frame in frames] == [
        (1, False), (2, True), None, (3, False),
    ]  # fmt: skip
    assert faces.interruptions == 1
    assert worker.state == "ended"
    assert told == []


@pytest.mark.slow
def test_a_camera_that_is_away_is_reconnecting_until_it_is_back(begin):
    worker, _ = begin(Arrays([IMAGE, None, IMAGE], live=True, pause=0.3))
    wait_for(lambda: worker.state == "running")
    wait_for(lambda: worker.state == "reconnecting")
    wait_for(lambda: worker.state == "running")


@pytest.mark.parametrize("where", ["source", "faces"])
def test_an_error_ends_the_source_and_is_told(begin, where):
    source = Arrays([IMAGE] * 50, error=BROKEN if where == "source" else None)
    worker, told = begin(source, OneFace(BROKEN if where == "faces" else None))
    assert len(list(worker.frames)) == (50 if where == "source" else 0)
    wait_for(lambda: told == [BROKEN])
    assert worker.state == "failed"


def test_any_other_exception_is_a_bug(begin):
    error = ZeroDivisionError()
    worker, told = begin(Arrays([IMAGE], error=error))
    list(worker.frames)
    assert told == [error]


def test_a_file_waits_and_a_camera_drops(begin):
    for live in (False, True):
        source = Arrays([IMAGE] * 100, live=live)
        worker, _ = begin(source)
        if live:
            wait_for(lambda source=source: source.read == 100)
        numbers = [frame.frame.number for frame in worker.frames]
        assert len(numbers) + worker.dropped == 100
        assert (worker.dropped > 50) is live
        assert numbers == sorted(numbers)


def test_warnings_are_passed_on(begin):
    source = Arrays([IMAGE])
    source.warnings.append("Mind the gap.")
    worker, told = begin(source)
    list(worker.frames)
    assert told == ["Mind the gap."]


def test_images_are_kept_only_if_asked_for(begin):
    worker, _ = begin(Arrays([IMAGE]), keep_images=False)
    (frame,) = worker.frames
    assert frame.frame.image.size == 0
    assert frame.faces[5].crop is IMAGE
