"""The least time that graphs can take on a machine: the roofline model (Williams et al., CACM 52(4), 2009)."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import Cost, Floor


def limits(cost: Cost, flops: float, bandwidth: float) -> tuple[float, float]:
    """What a graph takes at least by each of both limits.

    Weights, inputs and outputs each pass the memory once, and everything between operators stays in a cache.

    Args:
        cost: The graph.
        flops: Operations per second of the machine.
        bandwidth: Bytes per second of its memory.

    Returns:
        Milliseconds of computing, and milliseconds of moving data.
    """
    return 1e3 * cost.flops / flops, 1e3 * (cost.weights + cost.inputs + cost.outputs) / bandwidth


def floor_of(costs: Sequence[Cost], flops: float, bandwidth: float, step_ms: float) -> Floor:
    """The least time that graphs can take one after the other.

    Args:
        costs: The graphs, at least one.
        flops: Operations per second of the machine.
        bandwidth: Bytes per second of its memory.
        step_ms: What they take, in milliseconds, for comparison.

    Raises:
        ValueError: There is nothing to compare with: no graphs, or none that does anything.
    """
    both = [limits(cost, flops, bandwidth) for cost in costs]
    least = sum(map(max, both))
    if not least:
        raise ValueError("graphs without operations and without data have no floor")
    return Floor(
        milliseconds=least,
        compute=sum(compute for compute, _ in both),
        memory=sum(memory for _, memory in both),
        times=step_ms / least,
    )
