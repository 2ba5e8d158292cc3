"""Sinks, where results go: the base class, one module for every kind of target, and the table that finds it."""

from .base import STANDARD_OUTPUT, Sink, SinkContext
from .table import EVENT_FILES, SUMMARY_FILES, find_file_sink, find_sink, open_sink

__all__ = [
    "EVENT_FILES",
    "STANDARD_OUTPUT",
    "SUMMARY_FILES",
    "Sink",
    "SinkContext",
    "find_file_sink",
    "find_sink",
    "open_sink",
]
