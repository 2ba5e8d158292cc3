"""Files in which Linux tells about the machine."""

from __future__ import annotations

from pathlib import Path


def read_text(path: Path) -> str | None:
    """The text of a file without white space and NUL bytes around it; None where there is none to read."""
    try:
        # Files of sysfs exist and still refuse to be read while their hardware is off.
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
    except OSError:
        return None


def read_number(path: Path) -> int | None:
    """The whole number that a file holds; None where there is none to read."""
    text = read_text(path)
    return int(text) if text and text.lstrip("-").isdecimal() else None


def table(path: Path) -> dict[str, str]:
    """The lines `key: value` of a file; of keys that come again, the first. Empty where there is nothing to read."""
    found: dict[str, str] = {}
    for line in (read_text(path) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def present(**values: object) -> dict[str, object]:
    """Those of the values that are there: neither None nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", {})}
