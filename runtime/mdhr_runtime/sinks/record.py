"""A row as other programs get it: one JSON object, the same in files, over MQTT and over WebSocket.

    {"source": "cam0", "frame": 12, "timestamp": 0.48, "face_id": 0, "final": true, "success": true,
     "confidence": 0.998, "box": {"x": 10.0, "y": 20.2, "w": 100.0, "h": 119.8},
     "aus": {"AU01": {"score": 0.1234, "occurs": false}, "AU12": {"score": 0.8765, "occurs": true}}}

`frame` counts from 1 and `timestamp` is in seconds, both within the source. `box` is in pixels. `score` is the model's
in [0, 1]; `occurs` is whether it is at least 0.5. A row with `final` false is provisional: a final one for the same
source, frame and face follows. In a frame without a face `success` is false, `confidence` 0, and `face_id`, `box` and
`aus` are null: there is nothing that a program could take for a neutral face.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from ..results import Row

_TEXT, _NUMBER, _TRUTH = r'"(?:[^"\\\n]|\\.)*"', r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?", r"(?:true|false)"
_AU = rf'"AU\d+":{{"score":{_NUMBER},"occurs":{_TRUTH}}}'
LINE = re.compile(
    rf'{{"source":{_TEXT},"frame":\d+,"timestamp":{_NUMBER},"face_id":(?:\d+|null),"final":{_TRUTH},'
    rf'"success":{_TRUTH},"confidence":{_NUMBER},'
    rf'"box":(?:{{"x":{_NUMBER},"y":{_NUMBER},"w":{_NUMBER},"h":{_NUMBER}}}|null),'
    rf'"aus":(?:{{{_AU}(?:,{_AU})*}}|null)}}\n'.encode()
)
"""What `as_json` gives, with a line break."""


def cut(score: float) -> float:
    """A score with four decimals, cut and not rounded: 0.49996 must not become 0.5 beside an occurrence of 0."""
    return math.floor(score * 1e4) / 1e4


def corner_and_size(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """(x1, y1, x2, y2) as (x, y, w, h)."""
    x1, y1, x2, y2 = box
    return x1, y1, x2 - x1, y2 - y1


def record(row: Row, aus: Sequence[str]) -> dict[str, Any]:
    """A row as plain data, with the keys that the module describes.

    Args:
        row: The row.
        aus: Names of the AUs in the order of the scores.
    """
    box = scores = None
    if row.box is not None and row.scores is not None and row.occurrences is not None:
        box = dict(zip("xywh", (round(float(value), 1) for value in corner_and_size(row.box)), strict=True))
        scores = {
            au: {"score": cut(score), "occurs": bool(occurs)}
            for au, score, occurs in zip(aus, row.scores, row.occurrences, strict=True)
        }
    return {
        "source": row.source,
        "frame": row.frame,
        "timestamp": round(row.timestamp, 3),
        "face_id": row.face_id,
        "final": row.final,
        "success": row.success,
        "confidence": round(float(row.confidence), 3),
        "box": box,
        "aus": scores,
    }


def as_json(row: Row, aus: Sequence[str]) -> str:
    """A row as one line of JSON, without a line break.

    In ASCII, so that even the name of a file that is not valid UTF-8 passes through everything.
    """
    return json.dumps(record(row, aus), separators=(",", ":"))
