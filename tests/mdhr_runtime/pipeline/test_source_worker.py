"""One source's two threads."""

from dataclasses import replace

import numpy as np
import pytest
from array_source import Arrays
from camera_server import wait_for

from mdhr_runtime.errors import VideoError
from mdhr_runtime.faces import FoundFace
from mdhr_runtime.faces.choice import Choice
from mdhr_runtime.pipeline.channel import Wakeup
from mdhr_runtime.pipeline.source_worker import SourceWorker

IMAGE = np.zeros((8, 8, 3), np.uint8)
BROKEN = VideoError("It broke.", "It was thin.", "Take another.")


class OneFace:
    """Sees one face everywhere, unless it fails."""

    lying = ()

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


class Upright:
    """Sees a face where an image is brighter above than below, and tells of it where it is brighter at one side."""

    lying = ()

    def find(self, image):
        bright_left = image[:, :4].mean() > image[:, 4:].mean()
        self.lying = (90,) if bright_left else ()
        return [FoundFace(0, (0, 0, 8, 8), 1.0, image, True)] if self.shows_face(image) else []

    def interrupt(self):
        self.lying = ()

    def shows_face(self, image):
        assert image.flags.c_contiguous
        return image[:4].mean() > image[4:].mean()


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
    assert [frame and (frame.frame.number, frame.faces[5].continues, frame.follows) for frame in frames] == [
        (1, False, True), (2, True, True), None, (3, False, False),
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


UPRIGHT = np.pad(np.full((4, 8, 3), 255, np.uint8), ((0, 4), (0, 0), (0, 0)))
ON_ITS_LEFT, DOWN, ON_ITS_RIGHT = (np.ascontiguousarray(np.rot90(UPRIGHT, quarters)) for quarters in (1, 2, 3))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([ON_ITS_LEFT] * 60, ["first 50 frames", "by 90 degrees, 3 of 3 frames", "--rotate 90"]),
        ([DOWN] * 12, ["first 12 frames", "by 180 degrees, 2 of 2 frames", "--rotate 180"]),
        ([ON_ITS_RIGHT], ["1 frames", "--rotate 270"]),
        ([*[IMAGE] * 8, *[DOWN] * 52], ["2 of 3 frames", "--rotate 180"]),
        ([*[IMAGE] * 40, *[DOWN] * 40], []),  # one of three
        ([IMAGE] * 60, []),
        ([*[DOWN] * 20, UPRIGHT, *[DOWN] * 40], []),
        ([UPRIGHT, *[DOWN] * 60], []),
        ([], []),
    ],
)
def test_when_the_first_frames_show_no_face_the_other_directions_are_tried(begin, images, words):
    worker, told = begin(Arrays(images), Upright())
    list(worker.frames)
    assert len(told) == bool(words)
    assert all(word in told[0] for word in words)


def test_the_first_frames_are_those_of_two_seconds_at_most(begin):
    class Slow(Arrays):
        def __iter__(self):
            return (replace(frame, timestamp=frame.number / 5) for frame in super().__iter__())

    worker, told = begin(Slow([DOWN] * 30), Upright())
    list(worker.frames)
    assert "first 11 frames" in told[0]


def test_frames_whose_face_lies_are_counted_by_the_rotation(begin):
    worker, _ = begin(Arrays([ON_ITS_LEFT, UPRIGHT, ON_ITS_LEFT, None, DOWN]), Upright())
    list(worker.frames)
    assert worker.lying == {90: 2}
    assert worker.faceless.count == 3


def test_faces_that_are_not_chosen_are_nowhere_and_told_apart_from_none(begin):
    worker, told = begin(Arrays([IMAGE] * 60), choice=Choice(region=(0.9, 0.9, 0.1, 0.1)))
    assert not any(frame.faces for frame in worker.frames)
    assert worker.faceless.elsewhere == 60
    worker, told = begin(Arrays([IMAGE] * 2), choice=Choice(region=(8, 0, 2, 2)))
    assert not list(worker.frames)
    wait_for(lambda: [error.what for error in told] == ["The region 8,0,2,2 is outside of the picture."])
