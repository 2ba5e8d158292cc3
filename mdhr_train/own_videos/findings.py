"""What was found in tables of labels that their owner should know: every kind with its count, and where."""

from __future__ import annotations

from collections import Counter

SHOWN = 2
"""Places of a finding that are named; the others are counted."""


class Findings:
    """Sentences about labels, with how often each holds, by the table or video in which it does."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def tell(self, sentence: str, place: object, count: int = 1) -> None:
        """Count something; nothing if the count is 0."""
        if count:
            self.counts.setdefault(sentence, Counter())[str(place)] += count

    def rows(self) -> list[tuple[int, str]]:
        """Counts, and what they are of, with the first of their places."""
        rows = []
        for sentence, found in self.counts.items():
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            rows.append((found.total(), f"{sentence}: {', '.join(list(found)[:SHOWN])}{more}"))
        return rows

    @property
    def text(self) -> str:
        """All of them, in one line."""
        return " ".join(f"{count} {what}." for count, what in self.rows())
