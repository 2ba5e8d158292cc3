"""Memory of a process that does nothing but stream."""

from __future__ import annotations

import math
import os
import re
import resource
import sys
from pathlib import Path
from typing import Any

from mdhr_runtime.bundle import Manifest
from mdhr_runtime.contract import STATE

from ..machine.nvml import device_memory
from ..results import Memory
from .processes import answer, ask

STEPS = 3
"""Frames per stream before memory is read. The two copies of a state take turns: after two, both are in use."""

CPU = "cpu"
"""The provider that uses no GPU."""


def memory(bundle: Path, provider: str, streams: int = 8) -> Memory:
    """Measure the memory of a new process that streams.

    All but `per_stream` is measured with one stream, before there are others, the peak included. The further streams
    take their frames together, as those of cameras in step do: what they add is their states, in two copies, and what
    runs of the graphs need for more frames at once. The latter ends at `streaming.batch.CHUNK` frames, so that many
    streams add less each than a few. Memory that a process has freed and uses again adds nothing. What is imported
    includes psutil, which is asked.

    Memory on the GPU is what NVIDIA's driver tells of the process. From within most containers it does not know the
    process; then it is what all programs use on that GPU, less what they used before the process began.

    Args:
        bundle: The bundle's folder.
        provider: What runs it; see `mdhr_runtime.load`.
        streams: How many further streams are added to the first.

    Raises:
        MdhrError: The bundle cannot be loaded or run.
    """
    _, before = device_memory(os.getpid())
    found = ask(__name__, bundle, provider, streams)
    own, after = found.pop("on_device")
    if own is None and before is not None and after is not None:
        own = after - before
    return Memory(**found, device=own)


def state_size(manifest: Manifest) -> int:
    """Bytes of one stream's state, as the manifest describes it: what the temporal graph is given of the past."""
    import numpy as np

    return sum(
        math.prod(record.shape[1:]) * np.dtype(record.dtype).itemsize
        for name, record in manifest.graphs["temporal"].inputs.items()
        if name.startswith(STATE)
    )


def _measure(bundle: str, provider: str, streams: str) -> dict[str, Any]:
    """Stream, and read memory in between; returns bytes."""
    import numpy as np

    import mdhr_runtime

    imported = _resident()
    model = mdhr_runtime.load(bundle, provider)
    for name in ("encoder", "temporal"):
        model.graph(name)
    loaded = _resident()
    batch = model.batch()
    frame = np.zeros((1, *model.bundle.manifest.graphs["encoder"].inputs["frames"].shape[1:]), np.uint8)
    lanes = [batch.open()]
    for _ in range(STEPS):
        batch.push(lanes, [frame])
    streaming, peak = _resident(), _peak()
    on_device = (None, None) if model.provider == CPU else device_memory(os.getpid())
    before = _resident()  # again: the driver's library takes memory, too
    lanes += [batch.open() for _ in range(int(streams))]
    for _ in range(STEPS):
        batch.push(lanes, [frame] * len(lanes))
    return {
        "imported": imported,
        "loaded": loaded,
        "streaming": streaming,
        "peak": peak,
        "state": state_size(model.bundle.manifest),
        "per_stream": round((_resident() - before) / int(streams)),
        "on_device": on_device,
    }


def _resident() -> int:
    import psutil

    return psutil.Process().memory_info().rss


def _peak() -> int:
    # Linux's getrusage tells the peak of the process that started this one if that is larger: it outlives exec.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    answer(_measure)
