"""The streaming engine: one backbone pass per frame, and many streams through the graphs together."""

from .batch import StreamBatch, StreamSlot
from .model import Model, load
from .stream import Stream

__all__ = ["Model", "Stream", "StreamBatch", "StreamSlot", "load"]
