"""MDHR Edge runtime: facial action units from frames, with no training framework.

model = mdhr_runtime.load("best.mdhr")
stream = model.stream()
scores = stream.push(frames)

for result in mdhr_runtime.analyze("interview.mp4", "best.mdhr"):
    for row in result.rows:
        print(row.timestamp, row.face_id, row.scores)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import MdhrError

if TYPE_CHECKING:
    from .faces.options import FaceOptions
    from .pipeline.analysis import Analysis, analyze
    from .results import FrameResult, Row
    from .streaming import Model, Stream, load

# From 1.32 on, importing ONNX Runtime keeps an identifier of the machine below the user's cache folder and reports to
# Microsoft. It asks the environment alone, once: so this stands where nothing of ours can be imported before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Analysis", "FaceOptions", "FrameResult", "MdhrError", "Model", "Row", "Stream", "analyze", "load"]

_HOMES = {
    ".faces.options": ("FaceOptions",),
    ".pipeline.analysis": ("Analysis", "analyze"),
    ".results": ("FrameResult", "Row"),
    ".streaming": ("Model", "Stream", "load"),
}


def __getattr__(name: str) -> Any:
    # At first use: programs answer at once, and OpenCV is only loaded for those who have images to read.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module, __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
