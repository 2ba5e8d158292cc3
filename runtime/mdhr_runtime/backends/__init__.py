"""Execution backends: each turns the graphs of a bundle into something that can be called."""

from .base import Backend, Buffer, DeviceGraph, Graph, Provider, Tensors, TensorView

__all__ = ["Backend", "Buffer", "DeviceGraph", "Graph", "Provider", "TensorView", "Tensors"]
