"""Sinks, where results go: the base class, one module for every kind of target, and the table that finds it."""

from .base import STANDARD_OUTPUT, Sink, SinkContext
from .table import find_file_sink, find_sink, open_sink

__all__ = ["STANDARD_OUTPUT", "Sink", "SinkContext", "find_file_sink", "find_sink", "open_sink"]
