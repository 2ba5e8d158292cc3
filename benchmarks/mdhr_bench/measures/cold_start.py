"""The cold start: a new process until its first score."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import answer, ask

if TYPE_CHECKING:
    from ..results import ColdStart


def cold_start(bundle: Path, provider: str, processes: int = 5) -> ColdStart:
    """Time new processes until their first score.

    The process is new, but the files are not: one process more goes first and does not count, so that the system has
    read the files from the disk, and a provider that builds engines at its first start has built them. After a reboot,
    reading from the disk comes on top. The start of Python is part of `imports`.

    Args:
        bundle: The bundle's folder.
        provider: What runs it; see `mdhr_runtime.load`.
        processes: How many processes are timed.

    Raises:
        MdhrError: The bundle cannot be loaded or run.
    """
    # Not above: the process that is timed would import them, too.
    from statistics import median

    from ..results import ColdStart

    _start(bundle, provider)
    starts = [_start(bundle, provider) for _ in range(processes)]
    return ColdStart(
        **{part: median(start[part] for start in starts) for part in ("imports", "load", "first", "whole")},
        processes=processes,
    )


def _start(bundle: Path, provider: str) -> dict[str, float]:
    # Linux tells when a process began to a hundredth of a second. The monotonic clock is finer, and counts from the
    # same moment in all processes of a machine.
    return ask(__name__, bundle, provider, time.monotonic())


def _measure(bundle: str, provider: str, begun: str) -> dict[str, float]:
    """Go from the start to the first score; returns seconds."""
    import numpy as np

    import mdhr_runtime

    imported = time.monotonic()
    model = mdhr_runtime.load(bundle, provider)
    for name in ("encoder", "temporal"):
        model.graph(name)
    loaded = time.monotonic()
    stream = model.stream()
    frame = np.zeros((1, *model.bundle.manifest.graphs["encoder"].inputs["frames"].shape[1:]), np.uint8)
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


if __name__ == "__main__":
    answer(_measure)
