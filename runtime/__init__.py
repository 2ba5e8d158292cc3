"""MDHR Edge runtime: facial action units from frames, with no training framework.

model = mdhr_runtime.load("best.mdhr")
stream = model.stream()
scores = stream.push(frames)
"""

from .errors import MdhrError
from .model import Model, load
from .stream import Stream

__all__ = ["MdhrError", "Model", "Stream", "load"]
