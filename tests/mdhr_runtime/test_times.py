"""Times as users write them; more of them are in the tests of command lines."""

import pytest

from mdhr_runtime.times import read_time


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90.5", 90.5), ("1:30.5", 90.5), ("90:00", 5400), ("1:02:03", 3723)]
)
def test_a_time(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:60", "1:2:3:4", "soon", "1e3", "nan", "１"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match="is no time: write seconds"):
        read_time(text)
