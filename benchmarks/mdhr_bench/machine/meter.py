"""A meter of energy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass


@dataclass
class Reading:
    """What was measured in a block. Not a number until the block has ended.

    Attributes:
        joules: Energy.
        seconds: Wall time.
    """

    joules: float = math.nan
    seconds: float = math.nan


@dataclass(frozen=True)
class Meter:
    """Something that measures energy.

    Attributes:
        name: What measures, and what of, such as "RAPL, package".
        counter: Opens it. In its block it gives a function that tells the energy since any one moment, in joules.
    """

    name: str
    counter: Callable[[], AbstractContextManager[Callable[[], float]]]

    @contextmanager
    def measure(self) -> Iterator[Reading]:
        """Measure a block.

        It should take some seconds: most meters have a new value about every 0.1 s, some GPUs every second.

        Yields:
            The reading, which is filled when the block has ended.

        Raises:
            MdhrError: The meter can no longer be read.
        """
        reading = Reading()
        with self.counter() as joules:
            before, begin = joules(), time.perf_counter()
            yield reading
            after, end = joules(), time.perf_counter()
        reading.joules, reading.seconds = after - before, end - begin
