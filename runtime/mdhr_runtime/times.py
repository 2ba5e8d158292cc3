"""Times in a source, as users write them."""

from __future__ import annotations

import re

TIME = re.compile(r"(?:(?:(\d+):(?=[0-5]?\d:))?(\d+):(?=[0-5]?\d(?!\d)))?(\d+(?:\.\d*)?)", re.ASCII)
"""[[hours:]minutes:]seconds; of what follows a colon, 59 is the highest."""


def read_time(text: str) -> float:
    """Read a time, `90.5` seconds or `[h:]mm:ss[.f]`, as seconds.

    Raises:
        ValueError: It is none; the text says how to write one.
    """
    found = TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time: write seconds, 90.5, or [h:]mm:ss, 1:30.5.")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds
