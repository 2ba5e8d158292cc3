"""What an ONNX file's inputs and outputs are. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

import onnx

from mdhr_runtime.bundle import GraphRecord, TensorRecord


def graph_record(path: Path, folder: Path) -> GraphRecord:
    """Describe an ONNX file for the manifest.

    Args:
        path: The file.
        folder: The bundle's folder.
    """
    graph = onnx.load(path).graph
    return GraphRecord(
        file=path.relative_to(folder).as_posix(),
        inputs={value.name: _tensor_record(value) for value in graph.input},
        outputs={value.name: _tensor_record(value) for value in graph.output},
    )


def _tensor_record(value: onnx.ValueInfoProto) -> TensorRecord:
    tensor = value.type.tensor_type
    return TensorRecord(
        dtype=onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        shape=tuple(size.dim_param or size.dim_value for size in tensor.shape.dim),
    )
