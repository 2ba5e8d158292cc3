"""Reading ONNX files. The package onnx is imported at first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mdhr_runtime.errors import BundleError

if TYPE_CHECKING:
    import onnx


def read_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file whole, with its weights, wherever these are.

    Raises:
        BundleError: The file or its external weights cannot be read, or the package onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx.checker import ValidationError
    except ImportError as error:
        raise BundleError(
            f"{path} cannot be read without the package onnx.",
            str(error),
            "Run `pip install 'mdhr-edge[bench]'`.",
        ) from error
    try:
        return onnx.load(path)
    except (OSError, DecodeError, ValidationError) as error:
        raise BundleError(
            f"{path} cannot be read as an ONNX file.", str(error), "Export the checkpoint again with `mdhr-export`."
        ) from error
