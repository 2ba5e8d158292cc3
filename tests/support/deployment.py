"""What the pages and files on deployment are checked against."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def extras(text):
    """Names of the extras of this package in the pip commands of a text."""
    groups = re.findall(r"(?:\.|/src|mdhr-edge)\[([\w,]+)\]", text)
    return {name for group in groups for name in group.split(",")}


def unknown_extras(names):
    """Those names that pyproject.toml has no extra for."""
    text = (ROOT / "pyproject.toml").read_text()
    (section,) = re.findall(r"^\[project\.optional-dependencies\]\n(.*?)^\[", text, re.MULTILINE | re.DOTALL)
    return names - set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))
