"""What every execution backend offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Graph(Protocol):
    """A loaded computation graph. Safe to call from several threads."""

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graph.

        Args:
            inputs: One array per input, by name, with the shapes and dtypes that the manifest states.

        Returns:
            One array per output, by name.
        """
        ...
