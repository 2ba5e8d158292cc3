"""Marks at the end of HTML and Markdown, by which an older result is recognised if nothing in it was changed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path


def marked(text: str, kind: str) -> str:
    """A text with its mark, a comment that has the text's hash.

    Args:
        text: HTML or Markdown.
        kind: What it is, such as "mdhr-train report".
    """
    return f"{text}<!-- {kind} {sha256(text.encode()).hexdigest()} -->\n"


def is_marked(path: Path, kind: str) -> bool:
    """Whether a file is an unchanged text of this kind."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text == marked(text[: text.rfind("<!-- ")], kind)
