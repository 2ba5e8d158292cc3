"""A row as other programs get it: one JSON object, the same in files, over MQTT and over WebSocket.

    {"source": "cam0", "frame": 12, "timestamp": 0.48, "face_id": 0, "person": 0, "final": true, "success": true,
     "confidence": 0.998, "quality": 0.71, "flaws": ["turned"], "context": 15,
     "box": {"x": 10.0, "y": 20.2, "w": 100.0, "h": 119.8}, "pose": {"Rx": 0.021, "Ry": -0.512, "Rz": 0.03},
     "aus": {"AU01": {"score": 0.1234, "occurs": false}, "AU12": {"score": 0.8765, "occurs": true}}}

`mdhr_runtime.sinks.columns` says what they mean. With `--landmarks` there is `"landmarks": [[x, y], …]`. A row with
`final` false is provisional: a final one for the same source, frame and face follows. In a frame without a face
`success` is false, `confidence` 0, and what belongs to the face and its AUs is null: there is nothing that a program
could take for a neutral face.

An event is an object as well, `{"source": "cam0", "person": 0, "face_id": 0, "au": "AU12", "onset": 1.2, "apex": 1.48,
"offset": 2.04, "peak": 0.9312, "mean": 0.7204, "duration": 0.84}`; `mdhr_runtime.sinks.event_file` says what it means.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..au_events import AuEvent
from ..results import Row

if TYPE_CHECKING:
    from .base import SinkContext

_TEXT, _NUMBER, _TRUTH = r'"(?:[^"\\\n]|\\.)*"', r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?", r"(?:true|false)"
_AU = rf'"AU\d+":{{"score":{_NUMBER},"occurs":{_TRUTH}}}'
_POINT = rf"\[{_NUMBER},{_NUMBER}\]"
LINE = re.compile(
    rf'{{"source":{_TEXT},"frame":\d+,"timestamp":{_NUMBER},"face_id":(?:\d+|null),"person":(?:\d+|null),'
    rf'"final":{_TRUTH},"success":{_TRUTH},"confidence":{_NUMBER},"quality":(?:{_NUMBER}|null),'
    rf'"flaws":(?:\[(?:{_TEXT},?)*\]|null),"context":(?:\d+|null),'
    rf'"box":(?:{{"x":{_NUMBER},"y":{_NUMBER},"w":{_NUMBER},"h":{_NUMBER}}}|null),'
    rf'"pose":(?:{{"Rx":{_NUMBER},"Ry":{_NUMBER},"Rz":{_NUMBER}}}|null),'
    rf'(?:"landmarks":(?:\[(?:{_POINT},?)*\]|null),)?'
    rf'"aus":(?:{{{_AU}(?:,{_AU})*}}|null)}}\n'.encode()
)
"""What `as_json` gives, with a line break."""


def cut(score: float) -> float:
    """A score with four decimals, cut and not rounded: 0.49996 must not become 0.5 beside an occurrence of 0."""
    return ten_thousandths(score) / 1e4


def ten_thousandths(score: float) -> int:
    """What `cut` keeps of a score, for fewer decimals still: whole numbers can be cut again and stay the same."""
    return math.floor(score * 1e4)


def corner_and_size(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """(x1, y1, x2, y2) as (x, y, w, h)."""
    x1, y1, x2, y2 = box
    return x1, y1, x2 - x1, y2 - y1


def record(row: Row, context: SinkContext) -> dict[str, Any]:
    """A row as plain data, with the keys that the module describes.

    Args:
        row: The row.
        context: The run.
    """
    view = row.view
    points = {"landmarks": None if view is None else [[_rounded(x, 1), _rounded(y, 1)] for x, y in view.landmarks]}
    return {
        "source": row.source,
        "frame": row.frame,
        "timestamp": round(row.timestamp, 3),
        "face_id": row.face_id,
        "person": row.person,
        "final": row.final,
        "success": row.success,
        "confidence": _rounded(row.confidence, 3),
        "quality": None if view is None else _rounded(view.quality, 2),
        "flaws": None if view is None else list(view.flaws),
        "context": row.context,
        "box": None if row.box is None else _named("xywh", corner_and_size(row.box), 1),
        "pose": None if view is None else _named(("Rx", "Ry", "Rz"), view.pose, 3),
        **(points if context.landmarks else {}),
        "aus": _scores(row, context.aus),
    }


def as_json(row: Row, context: SinkContext) -> str:
    """A row as one line of JSON, without a line break.

    In ASCII, so that even the name of a file that is not valid UTF-8 passes through everything.
    """
    return _line(record(row, context))


def event_as_json(event: AuEvent) -> str:
    """An event as one line of JSON; see `as_json`."""
    times = _named(("onset", "apex", "offset"), (event.onset, event.apex, event.offset), 3)
    scores = {"peak": cut(event.peak), "mean": cut(event.mean)}
    who = {"source": event.source, "person": event.person, "face_id": event.face_id, "au": event.au}
    return _line({**who, **times, **scores, "duration": _rounded(event.duration, 3)})


def _line(plain: dict[str, Any]) -> str:
    return json.dumps(plain, separators=(",", ":"))


def _scores(row: Row, aus: Iterable[str]) -> dict[str, Any] | None:
    if row.scores is None or row.occurrences is None:
        return None
    scores = zip(aus, row.scores, row.occurrences, strict=True)
    return {au: {"score": cut(score), "occurs": bool(occurs)} for au, score, occurs in scores}


def _named(names: Iterable[str], values: Iterable[float], digits: int) -> dict[str, float]:
    return {name: _rounded(value, digits) for name, value in zip(names, values, strict=True)}


def _rounded(value: float, digits: int) -> float:
    """A number of Python's own type, whatever NumPy's it was."""
    return round(float(value), digits)
