"""How far an archive is, from its plan and the names of its records; only few of these are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from .records import Results, Standing

NEWEST = 200
"""Records that tell the present rate."""
MOST_FAILURES = 1000
"""Failed or broken videos of which it is read what happened."""
EXAMPLES = 3


@dataclass
class Status:
    """How far the videos of the last plan are.

    Attributes:
        videos: Number of videos.
        counts: How many of them are "done", "broken", "failed" and "pending".
        changed: How many of the pending ones have a result of another state of the file, bundle or options.
        others: Number of videos with results that the plan does not have.
        bytes_ended: Size of the files of those that have ended.
        bytes_all: Size of all files.
        frames_per_second: Of all machines together, between the ends of the newest videos; None before there are two.
        hours_left: At the rate of these; None if it is not known.
        hours_per_hour: Hours of video that are labelled in an hour, likewise.
        failures: Ids of videos by what happened to them, the commonest first.
        unread: Number of further failures, which were not looked at.
    """

    videos: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("done", "broken", "failed", "pending"), 0))
    changed: int = 0
    others: int = 0
    bytes_ended: int = 0
    bytes_all: int = 0
    frames_per_second: float | None = None
    hours_left: float | None = None
    hours_per_hour: float | None = None
    failures: Mapping[str, list[str]] = field(default_factory=dict)
    unread: int = 0

    HEADER = ("archive", "")
    FAILURES_HEADER = ("what happened", "videos", "such as")

    def rows(self) -> list[tuple[str, str]]:
        """Cells of a table under `HEADER`."""
        known = {
            "pending, with an older result": self.changed or None,
            "not in the last plan": self.others or None,
            "of all bytes": f"{100 * self.bytes_ended / self.bytes_all:.1f} %" if self.bytes_all else None,
            "frames/s": self.frames_per_second and f"{self.frames_per_second:.1f}",
            "hours of video per hour": self.hours_per_hour and f"{self.hours_per_hour:.1f}",
            "hours left": None if self.hours_left is None else f"{self.hours_left:.1f}",
        }
        return [(name, str(cell)) for name, cell in ({**self.counts, **known}).items() if cell is not None]

    def failure_rows(self) -> list[tuple[str, int, str]]:
        """Cells of a table under `FAILURES_HEADER`."""
        rows = [(what, len(ids), ", ".join(ids[:EXAMPLES])) for what, ids in self.failures.items()]
        return [*rows, ("others, not looked at", self.unread, "")] if self.unread else rows


def status(results: Results) -> Status:
    """Say how far an archive is.

    Raises:
        DataError: No driver has worked here, or the folder cannot be read.
    """
    planned, others = results.compare(results.read_plan())
    found = Status(len(planned), others=others)
    ended: list[tuple[str, Standing]] = []
    for name, size, standing, changed in planned:
        found.counts[standing.status if standing else "pending"] += 1
        found.changed += changed
        found.bytes_all += size
        if standing:
            found.bytes_ended += size
            ended.append((name, standing))
    _add_rates(found, results, [each for each in ended if each[1].status != "failed"])
    faulty = [each for each in ended if each[1].status != "done"]
    failures: defaultdict[str, list[str]] = defaultdict(list)
    for record in results.read_many(faulty[:MOST_FAILURES]):
        failures[record.failure].append(record.id)
    found.failures = dict(sorted(failures.items(), key=lambda each: -len(each[1])))
    found.unread = max(len(faulty) - MOST_FAILURES, 0)
    return found


def _add_rates(found: Status, results: Results, labelled: list[tuple[str, Standing]]) -> None:
    """Add what all machines do together, from the newest records: what has ended since the oldest of them did."""
    newest = sorted(labelled, key=lambda each: -each[1].written)[:NEWEST]
    records = sorted(results.read_many(newest), key=lambda record: record.ended)
    seconds = records[-1].ended - records.pop(0).ended if records else 0.0
    if not seconds:
        return
    found.frames_per_second = sum(record.frames for record in records) / seconds
    found.hours_per_hour = sum(record.media_seconds for record in records) / seconds
    if size := sum(record.size for record in records):
        found.hours_left = (found.bytes_all - found.bytes_ended) / size * seconds / 3600
