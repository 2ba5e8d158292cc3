"""What the columns of a table of labels mean, whichever program has written it.

Names are compared without case, blanks and signs. An AU's column is called `AU12`, `au_12`, `AU 12` or `12`; a suffix
says what it holds: `_c` occurrence (0 or 1), `_r` or `_intensity` intensity (0 to 5), `_p` a score in [0, 1].
"""

from __future__ import annotations

import re
from collections.abc import Sequence

OCCURRENCE, INTENSITY, SCORE, PLAIN = "occurrence", "intensity", "score", "plain"
"""What an AU's column holds; a plain one does not say it."""

AU_COLUMN = re.compile(
    r"\s*(?:au[\s_.-]*)?0*(?P<au>[1-9]\d?)(?:[\s_.-]*(?:(?P<occurrence>c|occ|occurrence|presence)"
    r"|(?P<intensity>r|int|intensity)|(?P<score>p|prob|probability|score)))?\s*",
    re.IGNORECASE,
)
LIKE_AU = re.compile(r"\s*au[\s_.-]*\d", re.IGNORECASE)

UNIT = "(?P<unit>ssmsec|hhmmssms|sf|ms|msec|milliseconds?|secs?|seconds?|s|frames?)?"
"""The end of a name that says how times are written."""
COUNTS = {"frame": "frame(number|num|no|nr|index|idx|id)?", "success": "success", "final": "final"}
TIMES = {
    "time": rf"(frame|media)?(time|timestamp|timerelative|relativetime)(in)?{UNIT}|seconds?|milliseconds?|ms",
    "start": rf"(frame)?(start|onset|begin|from)(time|frame)?{UNIT}",
    "end": rf"(frame)?(stop|end|offset|to)(time|frame)?{UNIT}",
    "duration": f"duration{UNIT}",
}
TEXTS = {
    "video": "videos?(name|file|path)?|clip|media(file)?(name|path)?|file(name|path)?|input|source|recording"
    "|observation(id)?",
    "subject": "(subject|participant)(id|name)?",
    "person": "person|identity",
    "face": "face(id)?",
    "code": "annotations?(value)?|value|code|behaviou?r|event|label|au|actionunit|text",
    "tier": "tier(name)?",
    "grade": "intensity|grade|modifiers?1?",
    "type": "eventtype|behaviou?rtype|status",
}
"""The roles of columns with numbers, times and texts: regular expressions of names without blanks and signs."""

BOXES = (("x", "y", "w", "h"), ("facerectx", "facerecty", "facerectwidth", "facerectheight"))
"""Columns of a face's box: its left, top, width and height in pixels."""
LANDMARK = re.compile(r"\s*([xy])_\d+\s*")
"""OpenFace's columns of points in the image, whose outermost make a box."""

TOOLS = (
    ("mdhr-run", {"quality", "flaws", "context"}),
    ("OpenFace", {"confidence", "success", "poserx"}),
    ("LibreFace", {"frameidx", "frametimeinms"}),
    ("py-feat", {"facerectx", "facescore"}),
    ("BORIS", {"observationid", "behaviortype"}),
    ("Noldus Observer", {"timerelativesf", "eventtype"}),
    *(("ELAN", {f"begintime{unit}"}) for unit in ("hhmmssms", "ssmsec", "msec")),
)
"""Columns by which a program's tables are recognised."""
CODERS = ("BORIS", "Noldus Observer", "ELAN")
"""Programs in which people code."""


class Columns:
    """The meaning of a table's columns.

    Args:
        names: Their names.
        known: The AUs that a mere number can mean.

    Attributes:
        names: The same.
        roles: For each role the columns that have it, as indices, in their order.
        aus: The same for each AU and kind of label.
        boxes: The four columns of a face's box; empty without.
        landmarks: Those of points in a face, with their axes, "x" or "y".
        tool: The program that wrote the table; "" if it is not known.
    """

    def __init__(self, names: Sequence[str], known: frozenset[int]) -> None:
        self.names = tuple(names)
        plain = [re.sub(r"[^a-z0-9]+", "", name.lower()) for name in names]
        self.roles = {
            role: [index for index, name in enumerate(plain) if re.fullmatch(pattern, name)]
            for role, pattern in (COUNTS | TIMES | TEXTS).items()
        }
        self.aus: dict[tuple[int, str], list[int]] = {}
        for index, name in enumerate(names):
            found = AU_COLUMN.fullmatch(name)
            if found and (name.strip()[0].isalpha() or int(found["au"]) in known):
                kind = next((kind for kind in (OCCURRENCE, INTENSITY, SCORE) if found[kind]), PLAIN)
                self.aus.setdefault((int(found["au"]), kind), []).append(index)
        self.boxes = next(([*map(plain.index, box)] for box in BOXES if {*box} <= {*plain}), [])
        self.landmarks = [(index, point[1]) for index, name in enumerate(names) if (point := LANDMARK.fullmatch(name))]
        self.tool = next((tool for tool, found in TOOLS if found <= {*plain}), "")

    @property
    def misread(self) -> list[str]:
        """Names that look like an AU's, and are not understood."""
        return [name for name in self.names if LIKE_AU.match(name) and not AU_COLUMN.fullmatch(name)]

    @property
    def is_log(self) -> bool:
        """Whether each row is the start or the stop of an event, or a point, and not the whole of one."""
        roles = self.roles
        return bool(roles["time"] and roles["type"] and roles["code"] and not roles["start"])

    @property
    def is_events(self) -> bool:
        """Whether it is a table of events."""
        roles = self.roles
        spans = roles["start"] and (roles["end"] or roles["duration"])
        return bool(spans and (roles["code"] or roles["tier"] or self.aus)) or self.is_log

    @property
    def is_tiers(self) -> bool:
        """Whether it is a table of events with a column of texts for each AU."""
        return self.is_events and not (self.roles["code"] or self.roles["tier"])

    @property
    def is_labels(self) -> bool:
        """Whether it is a table of labels at all."""
        return self.is_events or bool(self.aus and (self.roles["frame"] or self.roles["time"]))

    def unit(self, role: str) -> str:
        """The unit of the first column of a role of times, as its name says it: "frame", "s" or "ms", or "" if not."""
        name = re.sub(r"[^a-z0-9]+", "", self.names[self.roles[role][0]].lower())
        found = re.fullmatch(TIMES[role], name)
        unit = (found and found["unit"]) or name
        if role != "time" and "frame" in name:
            return "frame"
        if unit in ("ms", "msec") or unit.startswith("milli"):
            return "ms"
        return "s" if unit in ("ssmsec", "hhmmssms", "sf", "s") or unit.startswith("sec") else ""
