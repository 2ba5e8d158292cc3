"""MDHR Edge exporter: from checkpoints to bundles."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Step = Callable[[str], AbstractContextManager[None]]
"""Announces a step of the work and, as a context manager, its end."""

MAX_BATCH = 8
"""Streams at once that engines are built for."""

MAX_FRAMES = 16
"""Frames of a stream at once that engines are built for."""
