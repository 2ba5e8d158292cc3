"""The least time that graphs can take, by the roofline model (Williams et al., CACM 52(4), 2009).

On the machine that was measured it follows from its ceilings, on others from their datasheets. The latter are bounds,
not measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..results import Cost, Floor, Prediction, Result, Timing

PRECISION = "float16"

WIDTHS: Mapping[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2}
"""Precision → bytes per number."""


@dataclass(frozen=True)
class Machine:
    """A machine's peaks.

    Attributes:
        name: Its name, with the power mode where that matters.
        flops: Operations per second of dense float16 matrix products in its tensor cores.
        bandwidth: Bytes per second of its memory.
        source: Where the peaks are stated, and how they follow from what is stated.
    """

    name: str
    flops: float
    bandwidth: float
    source: str


# NVIDIA states the peak of a Jetson as sparse INT8 operations, often with those of its DLAs, which no graph here uses.
# In tensor cores of the Ampere architecture sparsity doubles the rate, and INT8 doubles that of float16.
_QUARTER = "sparse INT8 of the GPU alone / 4 (2 for sparsity, 2 for INT8) = dense float16"
_ORIN_PAGE = "https://www.nvidia.com/en-us/autonomous-machines/embedded-systems/jetson-orin/"
_SUPER_PAGE = "https://developer.nvidia.com/blog/nvidia-jetson-orin-nano-developer-kit-gets-a-super-boost/"

MACHINES = (
    Machine(
        "H100 80GB SXM",
        1979e12 / 2,
        3.35e12,
        "NVIDIA H100 Tensor Core GPU Datasheet: FP16 1979 TFLOPS with sparsity, half of that without; 3.35 TB/s. "
        "https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet",
    ),
    Machine(
        "A100 80GB SXM",
        312e12,
        2.039e12,
        "NVIDIA A100 Tensor Core GPU Datasheet: FP16 312 TFLOPS without sparsity; 2039 GB/s. https://www.nvidia.com/"
        "content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf",
    ),
    Machine(
        "Jetson AGX Orin 64GB, MAXN",
        170e12 / 4,
        204.8e9,
        "NVIDIA Jetson AGX Orin Series Technical Brief v1.2: of 275 sparse INT8 TOPS the GPU has 170 and the DLAs 105; "
        f"204.8 GB/s. {_QUARTER}: 170 / 4 = 42.5 TFLOPS. https://www.nvidia.com/content/dam/en-zz/Solutions/gtcf21/"
        "jetson-orin/nvidia-jetson-agx-orin-technical-brief.pdf",
    ),
    Machine(
        "Jetson Orin NX 16GB, MAXN SUPER",
        170e12 / 2 * 1173 / 1300 / 4,
        102.4e9,
        "NVIDIA Jetson Orin, Tech Specs: 157 sparse INT8 TOPS with the DLAs; the GPU has half the tensor cores of "
        "Jetson AGX Orin 64GB (32 of 64; 170 TOPS at 1300 MHz), at 1173 MHz: 76.7 TOPS; 102.4 GB/s. "
        f"{_QUARTER}: 76.7 / 4 = 19.2 TFLOPS. {_ORIN_PAGE}",
    ),
    Machine(
        "Jetson Orin NX 16GB, MAXN",
        170e12 / 2 * 918 / 1300 / 4,
        102.4e9,
        "NVIDIA Jetson Orin NX Series Datasheet: 100 sparse INT8 TOPS with the DLAs; the GPU has half the tensor cores "
        "of Jetson AGX Orin 64GB (32 of 64; 170 TOPS at 1300 MHz), at 918 MHz: 60 TOPS; 102.4 GB/s. "
        f"{_QUARTER}: 60 / 4 = 15 TFLOPS. {_ORIN_PAGE}",
    ),
    Machine(
        "Jetson Orin Nano 8GB, MAXN SUPER",
        67e12 / 4,
        102e9,
        "NVIDIA, Jetson Orin Nano Developer Kit Gets a 'Super' Boost: 67 sparse INT8 TOPS at 1020 MHz, all of the "
        f"GPU's; 102 GB/s. {_QUARTER}: 67 / 4 = 16.8 TFLOPS, stated there as 17. {_SUPER_PAGE}",
    ),
    Machine(
        "Jetson Orin Nano 8GB, 15 W",
        40e12 / 4,
        68e9,
        "NVIDIA, Jetson Orin Nano Developer Kit Gets a 'Super' Boost: 40 sparse INT8 TOPS before it, all of the GPU's; "
        f"68 GB/s. {_QUARTER}: 40 / 4 = 10 TFLOPS, as stated there. {_SUPER_PAGE}",
    ),
)
"""Machines that a bundle may be meant for."""


def limits(cost: Cost, flops: float, bandwidth: float) -> tuple[float, float]:
    """The least time that a graph takes by each of both limits.

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
    compute, memory = map(sum, zip(*both, strict=True))
    return Floor(milliseconds=least, compute=compute, memory=memory, times=step_ms / least)


def in_precision(costs: Sequence[Cost], counted: str, computed: str, frames: int = 1) -> list[Cost]:
    """The work of graphs, counted in one precision for a frame, when so many frames are computed at once in another.

    All bytes become as many more or fewer. That is wrong for frames, which stay uint8, but they are less than a
    hundredth of the weights.

    Raises:
        ValueError: A precision is none of `WIDTHS`.
    """
    if unknown := {counted, computed} - WIDTHS.keys():
        raise ValueError(f"precision {unknown.pop()!r} is none of {', '.join(WIDTHS)}")
    new, old = WIDTHS[computed], WIDTHS[counted]
    return [
        replace(
            cost,
            flops=frames * cost.flops,
            weights=cost.weights * new // old,
            inputs=frames * cost.inputs * new // old,
            outputs=frames * cost.outputs * new // old,
        )
        for cost in costs
    ]


def floor_here(result: Result, costs: Sequence[Cost], precision: str, timing: Timing) -> Floor | None:
    """The floor of graphs that a run has timed in a precision, by the ceilings that it has measured, if it has."""
    peak, copy = result.peak(precision), result.ceiling("copy")
    if peak is None or copy is None:
        return None
    work = in_precision(costs, result.bundle["precision"], precision, timing.frames)
    return floor_of(work, peak.value, copy.value, timing.summary.p50)


def predict(costs: Sequence[Cost], precision: str) -> list[Prediction]:
    """The floor of a step on every machine, in float16, from its graphs, at least one, as counted in a precision."""
    narrow = in_precision(costs, precision, PRECISION)
    return [_prediction(machine, narrow) for machine in MACHINES]


def _prediction(machine: Machine, costs: Sequence[Cost]) -> Prediction:
    both = [limits(cost, machine.flops, machine.bandwidth) for cost in costs]
    computing = sum(compute for compute, memory in both if compute >= memory)
    least = sum(map(max, both))
    return Prediction(
        machine=machine.name,
        flops=machine.flops,
        bandwidth=machine.bandwidth,
        precision=PRECISION,
        milliseconds=least,
        limit="compute" if computing >= least / 2 else "memory",
        source=machine.source,
    )
