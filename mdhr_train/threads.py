"""PyTorch's and OpenCV's threads on the CPU. Neither is imported here, as both ask once, when they are imported."""

from __future__ import annotations

import os

from mdhr_runtime.threads import VARIABLE, thread_count


def share_cores() -> None:
    """Give PyTorch and OpenCV `thread_count` threads, which sleep while they wait; call it before torch is imported.

    By default PyTorch's wait by spinning. On a machine that has anything else to do, a step of training then took over
    ten times as long; asleep it takes a quarter longer on an idle one. What is already set in the environment is kept,
    as torchrun sets it, but for numbers of threads where MDHR_THREADS is set.

    Raises:
        ConfigError: MDHR_THREADS is no number of threads.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    numbers = dict.fromkeys(("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), str(thread_count()))
    if os.environ.get(VARIABLE):
        os.environ.update(numbers, MKL_DYNAMIC="FALSE")  # else MKL takes no more than there are cores
    for name, number in numbers.items():
        os.environ.setdefault(name, number)
