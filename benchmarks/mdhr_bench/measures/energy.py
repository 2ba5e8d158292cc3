"""Energy of a frame, while steps run one after the other."""

from __future__ import annotations

import time
from time import monotonic

from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import Model

from ..machine.power import Meter, find_meters
from ..results import Energy, Missing
from .ways import some_frames

SECONDS = 10.0
"""How long steps run: a hundred new values of most meters, ten of the slowest."""

IDLE = 5.0
"""Seconds of rest before, whose power is told beside."""


def measure_energy(model: Model) -> tuple[list[Energy], list[Missing]]:
    """Measure with every meter of this machine, one after the other.

    Args:
        model: The model.

    Returns:
        What was measured, and which meters could not be read.
    """
    meters, missing = find_meters()
    found = []
    for meter in meters:
        try:
            found.append(_measure(meter, model))
        except MdhrError as error:
            missing.append(Missing(f"energy by {meter.name}", f"{error.what} {error.why}"))
    return found, missing


def _measure(meter: Meter, model: Model) -> Energy:
    push, frame = model.stream().push, some_frames(model, 1)

    def run_steps() -> int:
        frames, end = 0, monotonic() + SECONDS
        while monotonic() < end:
            push(frame)
            frames += 1
        return frames

    idle, resting, _ = meter.measure(lambda: time.sleep(IDLE))
    joules, seconds, frames = meter.measure(run_steps)
    return Energy(
        meter.name,
        joules_per_frame=joules / frames,
        watts=joules / seconds,
        idle_watts=idle / resting,
        frames=frames,
    )
