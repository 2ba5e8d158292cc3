"""Measurements in processes of their own: the cold start, and the memory of a process that streams.

A new process is disturbed neither by the threads nor by the memory of this one. It is a module that is run as
`python -m MODULE ARGUMENT…` and hands a function to `answer`; `ask` starts it. Most imports are inside functions, as
the process whose start is timed would wait for them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from mdhr_runtime.errors import MdhrError

if TYPE_CHECKING:
    import subprocess

    from mdhr_runtime.bundle import Manifest

    from ..results import ColdStart, Memory

STDIN, STDOUT, STDERR = range(3)

COLD_START, MEMORY = "cold start", "memory"

STEPS = 3
"""Frames per stream before memory is read. The two copies of a state take turns: after two, both are in use."""


def cold_start(bundle: Path, provider: str, precision: str, processes: int = 5) -> ColdStart:
    """Time new processes until their first score.

    The process is new, but the files are not: one process more goes first and does not count, so that the system has
    read the files from the disk, and a provider that builds engines or is tried at its first start has done so. After a
    reboot, reading from the disk comes on top. The start of Python is part of `imports`.

    Args:
        bundle: The bundle's folder.
        provider: What runs it; see `mdhr_runtime.load`.
        precision: What it is computed in, likewise.
        processes: How many processes are timed.

    Raises:
        MdhrError: The bundle cannot be loaded or run.
    """
    from statistics import median

    from ..results import ColdStart

    # Linux tells when a process began to a hundredth of a second. The monotonic clock is finer, and counts from the
    # same moment in all processes of a machine.
    _, *starts = [
        ask(__name__, COLD_START, bundle, provider, precision, time.monotonic()) for _ in range(1 + processes)
    ]
    medians = {part: median(start[part] for start in starts) for part in ("imports", "load", "first", "whole")}
    return ColdStart(**medians, processes=processes)


def _start(bundle: str, provider: str, precision: str, begun: str) -> dict[str, float]:
    """Go from the start to the first score; returns seconds."""
    import numpy as np

    import mdhr_runtime
    from mdhr_runtime.contract import ENCODER, FRAMES, TEMPORAL

    imported = time.monotonic()
    model = mdhr_runtime.load(bundle, provider, precision=precision)
    for name in (ENCODER, TEMPORAL):
        model.graph(name)
    loaded = time.monotonic()
    stream = model.stream()
    frame = np.zeros((1, *model.bundle.manifest.graphs[ENCODER].inputs[FRAMES].row), np.uint8)
    # A model with lookahead has the score at the end of the stream, another one at once.
    stream.push(frame)
    stream.flush()
    scored = time.monotonic()
    return {
        "imports": imported - float(begun),
        "load": loaded - imported,
        "first": scored - loaded,
        "whole": scored - float(begun),
    }


def memory(bundle: Path, provider: str, precision: str, streams: int = 8) -> Memory:
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
        precision: What it is computed in, likewise.
        streams: How many further streams are added to the first.

    Raises:
        MdhrError: The bundle cannot be loaded or run.
    """
    from ..machine.nvml import device_memory
    from ..results import Memory

    _, before = device_memory(os.getpid())
    found = ask(__name__, MEMORY, bundle, provider, precision, streams)
    own, after = found.pop("on_device")
    if own is None and before is not None and after is not None:
        own = after - before
    return Memory(**found, device=own)


def state_size(manifest: Manifest) -> int:
    """Bytes of one stream's state, as the manifest describes it: what the temporal graph is given of the past."""
    import math

    import numpy as np

    from mdhr_runtime.contract import STATE, TEMPORAL

    inputs = manifest.graphs[TEMPORAL].inputs
    states = [record for name, record in inputs.items() if name.startswith(STATE)]
    return sum(math.prod(record.row) * np.dtype(record.dtype).itemsize for record in states)


def _stream(bundle: str, provider: str, precision: str, streams: str) -> dict[str, Any]:
    """Stream, and read memory in between; returns bytes."""
    import numpy as np

    from mdhr_runtime.contract import ENCODER, FRAMES, TEMPORAL
    from mdhr_runtime.streaming.model import load

    from ..machine.nvml import device_memory

    imported = resident()
    model = load(bundle, provider, precision=precision)
    for name in (ENCODER, TEMPORAL):
        model.graph(name)
    loaded = resident()
    batch = model.batch()
    frame = np.zeros((1, *model.bundle.manifest.graphs[ENCODER].inputs[FRAMES].row), np.uint8)
    slots = [batch.open()]
    for _ in range(STEPS):
        batch.push(slots, [frame])
    streaming, peak = resident(), peak_memory()
    on_device = device_memory(os.getpid()) if model.on_gpu else (None, None)
    before = resident()  # again: the driver's library takes memory, too
    slots += [batch.open() for _ in range(int(streams))]
    for _ in range(STEPS):
        batch.push(slots, [frame] * len(slots))
    return {
        "imported": imported,
        "loaded": loaded,
        "streaming": streaming,
        "peak": peak,
        "state": state_size(model.bundle.manifest),
        "per_stream": round((resident() - before) / int(streams)),
        "on_device": on_device,
    }


def resident() -> int:
    """Bytes of this process that are in memory."""
    import psutil

    size: int = psutil.Process().memory_info().rss
    return size


def peak_memory() -> int:
    """The most bytes of this process that ever were in memory."""
    import resource

    try:
        # Linux's getrusage tells the peak of the process that started this one if that is larger: it outlives exec.
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def ask(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module in a new process and wait for its answer. However this process ends, the new one ends with it.

    Args:
        module: The module's full name.
        arguments: What its function is given, as text.

    Returns:
        What its function returned.

    Raises:
        MdhrError: It failed: the error that it raised, if that was one for users.
    """
    import subprocess  # not above: the process that answers does not need it, and its start is measured

    command = [sys.executable, "-m", module, *map(str, arguments)]
    # The process notices by the end of this pipe that nobody waits for it any more, even if this one was killed.
    ours_is_gone, ours = os.pipe()
    try:
        done = subprocess.run(command, stdin=ours_is_gone, capture_output=True, text=True, errors="replace")
    finally:
        os.close(ours_is_gone)
        os.close(ours)
    if done.returncode:
        raise _failure(module, arguments, done) from RuntimeError(done.stderr)
    said = json.loads(done.stdout)
    if "error" in said:
        raise MdhrError(*said["error"])
    return said["found"]


def answer(measure: Callable[..., Mapping[str, Any]]) -> None:
    """Be the process that was asked: measure, and print what was found, or an error for users, as JSON.

    Args:
        measure: Takes the arguments of the command line, as text; returns what JSON can hold.
    """
    Thread(target=_end_with_parent, daemon=True).start()
    # Libraries print remarks, some of them not through Python's own stdout.
    with os.fdopen(os.dup(STDOUT), "w") as output:
        os.dup2(STDERR, STDOUT)
        try:
            said: dict[str, Any] = {"found": measure(*sys.argv[1:])}
        except MdhrError as error:
            said = {"error": (error.what, error.why, error.fix)}
        json.dump(said, output)


def _end_with_parent() -> None:
    # Not by `sys.stdin`, whose lock a waiting thread would keep from the interpreter that wants to end.
    while os.read(STDIN, 1):
        pass
    os._exit(1)


def _failure(module: str, arguments: tuple[object, ...], done: subprocess.CompletedProcess[str]) -> MdhrError:
    """The error for a process that ended without an answer."""
    measured = arguments[0] if module == __name__ else module.rpartition(".")[2].replace("_", " ")
    status = done.returncode
    ended = (
        f"It ended with status {status}." if status > 0 else f"Signal {-status} ended it: {signal.strsignal(-status)}."
    )
    last = done.stderr.strip().split("\n")[-1]
    return MdhrError(
        f"The process that measures the {measured} failed.",
        f"{ended} {last}".rstrip(),
        "If memory is short, free some. Else try whether `mdhr-run` works with this bundle and provider.",
    )


if __name__ == "__main__":
    answer(lambda measure, *arguments: {COLD_START: _start, MEMORY: _stream}[measure](*arguments))
