"""Numbers for people: three significant digits at most, and none where the measurement was not steady."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

ABSENT = "–"
"""Stands for a number that does not exist."""

TOO_WIDE = "(spread too wide)"

ADDRESS = re.compile(r"(https?://[^\s<>|`\"'\\]*[\w/])")
"""An address in a text, without the full stop behind it."""

PREFIXES = ("", "k", "M", "G", "T", "P", "E")


def digits(value: float) -> str:
    """Write a number with three significant digits and without an exponent: 0.0123, 12.3, 12300."""
    if not math.isfinite(value):
        return ABSENT
    rounded = float(f"{value:.2e}")
    if rounded == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{places}f}"


def span(low: float, high: float) -> str:
    """Write a range with two digits on each side, rounded outwards so that it contains both: 12–19."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ABSENT
    return f"{_two_digits(low, math.floor)}–{_two_digits(high, math.ceil)}"


def _two_digits(value: float, towards: Callable[[float], int]) -> str:
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value))) - 1
    # In units of the second digit; the rounding keeps 0.12 from becoming 0.13 by its binary form.
    whole = towards(round(value / 10.0**power, 9))
    return f"{whole * 10.0**power:.{max(0, -power)}f}"


def named(value: float, low: float, high: float, steady: bool, unit: str = "") -> str:
    """Write a value that is steady; of another one only where it lies.

    Args:
        value: The value.
        low: Lower end of where it lies.
        high: Upper end of where it lies.
        steady: Whether the value may be named.
        unit: What stands behind, if anything.
    """
    unit = f" {unit}" if unit else ""
    return f"{digits(value)}{unit}" if steady else f"{span(low, high)}{unit} {TOO_WIDE}"


def quotient(value: float, by: float) -> float:
    """A quotient that is no number, rather than an error, where the divisor is zero."""
    return value / by if by else math.nan


def scaled(value: float, unit: str) -> str:
    """Write a quantity with a decimal prefix: 1.2e9 of FLOP/s is 1.20 GFLOP/s."""
    if not math.isfinite(value):
        return ABSENT
    order = 0
    # What rounds to 1000 belongs to the next prefix.
    while order < len(PREFIXES) - 1 and abs(float(f"{value:.2e}")) >= 1000:
        value, order = value / 1000, order + 1
    return f"{digits(value)} {PREFIXES[order]}{unit}"


def size(count: float) -> str:
    """Write a number of bytes: 132000000 is 126 MiB."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1000:
            return f"{digits(value)} {unit}" if unit != "B" else f"{round(value)} B"
        value /= 1024
    return f"{digits(value)} GiB"


def share(value: float) -> str:
    """Write a share in per cent."""
    return f"{digits(100 * value)} %" if math.isfinite(value) else ABSENT


def duration(seconds: float) -> str:
    """Write how long something took: 8.2 s, 3 min 12 s."""
    if seconds < 60:
        return f"{digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def plain(text: object) -> str:
    """Text in one line, without characters that could steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in str(text))
