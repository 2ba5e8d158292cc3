"""What a graph's layers take, one by one, as the library tells that runs it on a CPU."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from mdhr_runtime.backends import onnx_runtime, openvino
from mdhr_runtime.threads import thread_count

RUNS = 3
"""Runs before those that count, and as many that do where the library adds them up."""

HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""Precision → OpenVINO's name of it."""

COMPUTED = {**{hint: precision for precision, hint in HINTS.items()}, "i8": "int8", "u8": "int8"}
"""End of the name of one of OpenVINO's kernels → what it computes in."""


class Layer(NamedTuple):
    """A layer that was run.

    Attributes:
        kind: The library's name of its operator.
        kernel: The library's name of what computes it; empty where it does not tell.
        seconds: What it took.
    """

    kind: str
    kernel: str
    seconds: float

    @property
    def precision(self) -> str | None:
        """What it computes in, if its kernel tells."""
        return COMPUTED.get(self.kernel.rpartition("_")[2].lower())


def layer_shares(path: Path, provider: str, precision: str, inputs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Share of the time of all layers by their kind and kernel, the largest first.

    Args:
        path: The graph's ONNX file.
        provider: "openvino" or "cpu".
        precision: What OpenVINO computes it in.
        inputs: Its inputs.
    """
    layers = openvino_layers(path, precision, inputs) if provider == "openvino" else onnx_layers(path, inputs)
    seconds: Counter[str] = Counter()
    for layer in layers:
        seconds[f"{layer.kind} {layer.kernel}".rstrip()] += layer.seconds
    return {name: each / seconds.total() for name, each in seconds.most_common()}


def openvino_layers(path: Path, precision: str, inputs: Mapping[str, np.ndarray]) -> list[Layer]:
    """Run a graph in OpenVINO with its counters on.

    Args:
        path: Its ONNX file.
        precision: What it is computed in, as a hint: what the CPU does not have is computed in another.
        inputs: Its inputs.

    Raises:
        ProviderError: OpenVINO is not installed.
    """
    options = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": thread_count(),
        "ENABLE_CPU_PINNING": False,
        "PERF_COUNT": True,
    }
    request = openvino.start().compile_model(path, openvino.CPU, options).create_infer_request()
    for _ in range(RUNS + 1):
        request.infer(dict(inputs))
    ran = (layer for layer in request.profiling_info if layer.real_time)
    return [Layer(layer.node_type, layer.exec_type, layer.real_time.total_seconds()) for layer in ran]


def onnx_layers(path: Path, inputs: Mapping[str, np.ndarray]) -> list[Layer]:
    """Run a graph in ONNX Runtime on the CPU with its profile on; sums of several runs.

    Args:
        path: Its ONNX file.
        inputs: Its inputs.

    Raises:
        ProviderError: ONNX Runtime is not installed.
    """
    options = onnx_runtime.session_options()
    options.enable_profiling = True
    with TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = onnx_runtime.onnxruntime_module().InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for _ in range(2 * RUNS):
            session.run(None, dict(inputs))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return [
        Layer(event["args"]["op_name"], "", event["dur"] / 1e6)
        for event in events
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time")
    ]
