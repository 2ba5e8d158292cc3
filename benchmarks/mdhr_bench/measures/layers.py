"""What the layers of a graph take in OpenVINO, and which of its kernels computes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mdhr_runtime.backends import openvino
from mdhr_runtime.threads import thread_count

RUNS = 4
"""Runs of the graph; the last is told."""


def layer_shares(path: Path, precision: str, inputs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Share of the time of all layers by their kind and kernel, "MatMul brgemm_avx512_amx_bf16", the largest first.

    Args:
        path: The graph's ONNX file.
        precision: What OpenVINO is asked to compute it in.
        inputs: Its inputs.

    Raises:
        ProviderError: OpenVINO is not installed.
    """
    hint = {"INFERENCE_PRECISION_HINT": openvino.HINTS[precision], "INFERENCE_NUM_THREADS": thread_count()}
    compiled = openvino.start().compile_model(path, openvino.CPU, {**hint, "PERF_COUNT": True})
    request = compiled.create_infer_request()
    for _ in range(RUNS):
        request.infer(dict(inputs))
    seconds: Counter[str] = Counter()
    for layer in request.profiling_info:
        seconds[f"{layer.node_type} {layer.exec_type}"] += layer.real_time.total_seconds()
    whole = sum(seconds.values())
    return {name: each / whole for name, each in seconds.most_common() if each}
