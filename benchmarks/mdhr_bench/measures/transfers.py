"""Copies between the host and a GPU that a step includes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mdhr_runtime.backends.table import PROVIDERS
from mdhr_runtime.streaming.model import Model

from ..results import Transfer
from .sampling import seconds_of, summarise

TO_DEVICE, TO_HOST = "host to device", "device to host"

WARM_UP, ROUNDS = 10, 200

Copies = tuple[Callable[[], object], Callable[[], object]]
"""A copy to the device, and one back."""


def measure_transfers(model: Model) -> list[Transfer]:
    """Time the copy of a frame to the GPU, and of a frame's scores back.

    Args:
        model: One that runs on a GPU.
    """
    record = model.bundle.manifest.graphs["encoder"].inputs["frames"]
    frame, scores = int(np.prod(record.shape[1:])), 4 * len(model.aus)
    open_copies = _in_cuda if PROVIDERS[model.provider].needs_engines else _in_onnxruntime
    return [
        _time(TO_DEVICE, frame, open_copies(frame)[0]),
        _time(TO_HOST, scores, open_copies(scores)[1]),
    ]


def _time(direction: str, size: int, call: Callable[[], object]) -> Transfer:
    samples = [1e3 * seconds_of(call) for _ in range(WARM_UP + ROUNDS)]
    return Transfer(direction, size, summarise(samples[WARM_UP:]))


def _in_cuda(size: int) -> Copies:
    """From and to pinned memory, as engines are fed."""
    from mdhr_runtime.backends.tensorrt.backend import open_device
    from mdhr_runtime.backends.tensorrt.device import DeviceMemory

    device = open_device()
    memory = DeviceMemory(device, size)
    with device.use():
        host = device.pinned(size)

    def to_device() -> None:
        with device.use():
            device.to_device(memory.pointer, host[:size])
            device.wait()

    def to_host() -> None:
        with device.use():
            device.to_host(host[:size], memory.pointer)
            device.wait()

    return to_device, to_host


def _in_onnxruntime(size: int) -> Copies:
    from mdhr_runtime.backends.onnx_runtime import onnxruntime_module

    host = np.zeros(size, np.uint8)
    value = onnxruntime_module().OrtValue.ortvalue_from_numpy(host, "cuda", 0)
    return lambda: value.update_inplace(host), value.numpy
