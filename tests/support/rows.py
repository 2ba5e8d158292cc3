"""Made-up results."""

import os
from pathlib import Path

import numpy as np

from mdhr_runtime.au_events import AuEvent
from mdhr_runtime.results import FrameResult, Row
from mdhr_runtime.sinks import SinkContext

AUS = ("AU01", "AU12")
CONTEXT = SinkContext(AUS)
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
}
"""For processes that import this module."""
BOX = (10.0, 20.25, 110.0, 140.0)


def row(frame, scores=(0.25, 0.5), *, source="cam", face_id=0, final=True, box=BOX):
    """A row with a face."""
    scores = np.array(scores, np.float32)
    return Row(source, frame, frame / 25, face_id, 0.987654, box, scores, final, context=15)


def nobody(frame, source="cam"):
    """A row without a face."""
    return Row(source, frame, frame / 25)


def result(*rows, image=None):
    """The frame of some rows."""
    first = rows[0]
    image = np.zeros((120, 160, 3), np.uint8) if image is None else image
    return FrameResult(first.source, first.frame, first.timestamp, image, rows, first.final)


def event():
    """An event."""
    return AuEvent("cam", 0, 1, "AU12", onset=0.4, apex=0.48, offset=1.0, peak=0.89999, mean=0.69999)
