"""TensorRT engines from a bundle's ONNX graphs. Needs neither PyTorch nor ONNX: engines are built on their target."""

from .engines import EngineOptions, build_engines

__all__ = ["EngineOptions", "build_engines"]
