"""PyTorch's threads on the CPU. Nothing is imported here, so that it can be said before PyTorch is."""

from __future__ import annotations

import os


def share_cores() -> None:
    """Make PyTorch's threads sleep while they wait; call it before torch is imported.

    By default they wait by spinning. On a machine that has anything else to do, a step of training then took over ten
    times as long; asleep it takes a quarter longer on an idle one. An OMP_WAIT_POLICY that is already set is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
