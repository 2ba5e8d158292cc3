"""The part of a source that is analysed: by time, by number, by a clock, and turned."""

import numpy as np
import pytest

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import Frame, Selection, SourceBase

IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


class Timed(SourceBase):
    """Frames at given times; None where some are missing."""

    def __init__(self, times, fps=None):
        super().__init__("timed", fps=fps, frame_count=len(times))
        self.times, self.ended = times, False

    def _frames(self):
        try:
            for number, time in enumerate(self.times, 1):
                yield None if time is None else Frame(number, time, IMAGE)
        finally:
            self.ended = True


def taken(times, **selection):
    source = Timed(times)
    source.selection = Selection(**selection)
    frames = list(source)
    assert source.ended
    return [frame and frame.number for frame in frames]


REGULAR = [number / 25 for number in range(100)]


def test_all_of_it_as_it_is():
    (frame,) = Timed([0.0])
    assert frame.image is IMAGE
    assert taken(REGULAR) == list(range(1, 101))


def test_from_start_to_end_numbers_and_times_stay():
    assert taken(REGULAR, start=1.0, end=1.2) == [26, 27, 28, 29, 30]
    assert taken([0.0, None, 1.0, 2.0, 3.0], start=1.0, end=2.5) == [None, 3, 4]


def test_nothing_is_read_after_the_end():
    def frames():
        yield Frame(1, 0.0, IMAGE)
        yield Frame(2, 5.0, IMAGE)
        raise AssertionError("read on")

    assert [frame.number for frame in Selection(end=5.0).of(frames())] == [1]


def test_one_of_so_many_by_their_numbers():
    assert taken(REGULAR, every=30) == [1, 31, 61, 91]
    assert taken(REGULAR, every=30, start=1.0) == [31, 61, 91]


def test_the_clock_takes_the_nearest_frames():
    fast = [number / 240 for number in range(240)]
    assert taken(fast, fps=30) == [*range(1, 240, 8), 240]  # the last one stands for the tick at 1 s
    assert taken([0.0, 0.26, 0.48, 0.52, 0.9, 1.0], fps=2) == [1, 3, 6]
    assert taken([0.0, 0.04, 5.0, 5.01], fps=10) == [1, 3]


@pytest.mark.parametrize("fps", [25, 30, 60, 1e6])
def test_the_clock_invents_nothing(fps):
    assert taken(REGULAR, fps=fps) == list(range(1, 101))


def test_what_is_missing_is_not_bridged_by_the_clock():
    assert taken([0.0, 0.01, None, None, 0.02, 0.03], fps=10) == [1, None, None, 5]


def test_images_are_turned_clockwise():
    for degrees, corner in ((90, IMAGE[-1, 0]), (180, IMAGE[-1, -1]), (270, IMAGE[0, -1])):
        (frame,) = Selection(rotate=degrees).of([Frame(1, 0.0, IMAGE, arrived=7.0)])
        assert frame.image[0, 0].tolist() == corner.tolist()
        assert frame.image.flags.c_contiguous
        assert frame.arrived == 7.0


@pytest.mark.parametrize(
    ("selection", "fps", "count"),
    [
        ({}, 25.0, 100),
        ({"every": 3}, 25 / 3, 34),
        ({"fps": 10}, 10.0, 40),
        ({"fps": 60}, 25.0, 100),
        ({"start": 1.0, "end": 3.0, "every": 2}, 12.5, 25),
        ({"start": 3.0, "end": 99.0}, 25.0, 25),
        ({"start": 9.0}, 25.0, 0),
    ],
)
def test_rate_and_number_of_frames_fit_the_selection(selection, fps, count):
    source = Timed(REGULAR, 25.0)
    source.selection = Selection(**selection)
    assert (source.fps, source.frame_count, source.info.fps) == (pytest.approx(fps), count, pytest.approx(fps))


def test_what_is_not_known_stays_so():
    source = Timed(REGULAR)
    assert (source.fps, source.frame_count) == (None, 100)
    source.selection = Selection(every=3)
    assert (source.fps, source.frame_count) == (None, 34)
    source.selection = Selection(fps=10)
    assert (source.fps, source.frame_count) == (10, None)


@pytest.mark.parametrize(
    "selection", [{"start": 4.0}, {"start": 1.01, "end": 1.02}, {"start": 2.0, "end": 1.0}, {"end": 0.0}]
)
def test_a_part_without_frames_is_told(selection):
    source = Timed(REGULAR)
    source.selection = Selection(**selection)
    with pytest.raises(VideoError, match="Nothing of timed is selected"):
        list(source)


def test_a_source_that_is_stopped_has_not_missed_its_part():
    source = Timed(REGULAR)
    source.selection = Selection(start=9.0)
    source.stop()
    assert list(source) == []


def warnings(times, **selection):
    source = Timed(times)
    source.selection = Selection(**selection)
    list(source)
    return source.warnings


@pytest.mark.parametrize("rate", [13, 25, 60, 69])
def test_rates_that_are_near_those_of_the_training_are_not_told(rate):
    assert warnings([number / rate for number in range(99)]) == []


def test_frames_that_come_too_fast_or_too_slowly_are_told_once():
    fast = [number / 240 for number in range(999)]
    (words,) = warnings(fast)
    assert words.startswith("240 frames per second are analysed")
    assert "--fps 30" in words
    assert warnings(fast, fps=30) == []
    (words,) = warnings(REGULAR, every=5)
    assert words.startswith("5 frames per second")
    assert "--every" in words


def test_pauses_and_single_frames_say_nothing_of_the_rate():
    assert warnings([0.0]) == warnings([]) == []
    assert warnings([0.0, 0.04, 0.08, None, 60.0, 60.04]) == []
