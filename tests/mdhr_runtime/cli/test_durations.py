"""Times and durations as users write them."""

from datetime import timedelta

import click
import pytest

from mdhr_runtime.cli.durations import frames_or_time, time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90.5", 90.5),
        ("1:30", 90),
        ("90:00", 5400),
        ("1:05.25", 65.25),
        ("1:02:03.5", 3723.5),
        ("100:00:00", 360_000),
    ],
)
def test_times(text, seconds):
    assert time(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "-1", "1:60", "1:75", "1:60:00", "1:2:3:4", ":30", "1:", "1m", "1,5", "nan", "inf", "1e3", "٣"],
)
def test_what_is_no_time_is_told(text):
    with pytest.raises(click.BadParameter, match=r"is no time: write seconds, 90\.5, or \[h:\]mm:ss"):
        time(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30),
        (30, 30),
        ("1s", timedelta(seconds=1)),
        ("0.5s", timedelta(seconds=0.5)),
        (".5s", timedelta(seconds=0.5)),
    ],
)
def test_frames_or_time(text, value):
    assert frames_or_time(1)(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "s", "-1s", "1.5", "1 m", "nan", "infs", "1e3s", "9999999999s"])
def test_what_is_neither_is_told(text):
    with pytest.raises(click.BadParameter, match=r"is neither frames \(30\), from 1 on, nor seconds"):
        frames_or_time(1)(text)
