"""Execution backends: each turns a graph file into something that can be called."""

from .base import Graph

__all__ = ["Graph"]
