"""Execution backends: each turns a graph file into something that can be called."""

from .base import Buffer, Graph, Region

__all__ = ["Buffer", "Graph", "Region"]
