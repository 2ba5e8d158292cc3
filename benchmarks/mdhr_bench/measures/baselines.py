"""What the bundle is compared to, in the same run: its backbone, its clip graph, and PyTorch as the paper runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mdhr_runtime.errors import ConfigError, MdhrError
from mdhr_runtime.streaming.model import Model

from ..cost.cutting import backbone_only
from ..results import Missing
from .graphs import graph_record, open_graph
from .sampling import Way
from .ways import graph_call, some_frames

if TYPE_CHECKING:
    from torch import nn

CLIP = 16
"""Frames of the paper's clips."""

Maker = Callable[[Model, Path], Way]
"""Makes a thing to time, with a folder for files that it needs until the end."""


@dataclass(frozen=True)
class Baseline:
    """Something to compare with.

    Attributes:
        title: In words, for where it cannot be had.
        make: Makes it.
        needs: Packages that it needs, besides those of the benchmark.
    """

    title: str
    make: Maker
    needs: tuple[str, ...] = ()


def baseline_ways(model: Model, folder: Path) -> Iterator[Way | Missing]:
    """Make every baseline that can be had here, and say why the others cannot.

    Args:
        model: The model.
        folder: For temporary files.
    """
    for baseline in BASELINES:
        try:
            _need(*baseline.needs)
            yield baseline.make(model, folder)
        except MdhrError as error:
            yield Missing(baseline.title, f"{error.why} {error.fix}")


def clip_way(model: Model, folder: Path) -> Way:
    """The clip graph: the bundle's own, or one of the same sizes with random weights."""
    if "clip" in model.bundle.manifest.graphs:
        graph, outputs = model.graph("clip"), model.bundle.manifest.graphs["clip"].outputs
    else:
        path = _trace_clip(model, folder)
        graph, outputs = open_graph(model, path, {"streams": 1, "frames": CLIP}), graph_record(path).outputs
    frames = some_frames(model, CLIP)[None]
    sizes = {"streams": 1, "frames": CLIP}
    arrays = {
        name: np.empty([sizes.get(size, size) for size in each.shape], each.dtype) for name, each in outputs.items()
    }

    def call() -> None:
        graph.run({"frames": frames}, arrays)

    return Way("clip", f"clip graph, {CLIP} frames at once, same backend", "baseline", CLIP, call)


def backbone_way(model: Model, folder: Path) -> Way:
    """The encoder cut after its backbone."""
    path = folder / "backbone.onnx"
    backbone_only(model.bundle.graph_path("encoder"), path)
    graph = open_graph(model, path, {"frames": 1})
    call = graph_call(graph, {"frames": some_frames(model, 1)}, dict(graph_record(path).outputs), 1)
    return Way("backbone", "backbone alone, same backend", "baseline", 1, call)


def torch_clip_way(model: Model, folder: Path) -> Way:
    """The network in PyTorch, eager, on a clip, as the paper runs it."""
    title = f"PyTorch eager, clip of {CLIP}, {' '.join(_torch_place(model))}"
    return Way("torch-clip", title, "baseline", CLIP, _torch_call(model))


def torch_window_way(model: Model, folder: Path) -> Way:
    """What a live user writes with the published code: the last 16 frames again for every new one."""
    title = f"PyTorch eager, window of {CLIP} for each frame, {' '.join(_torch_place(model))}"
    return Way("torch-window", title, "baseline", 1, _torch_call(model))


def _torch_place(model: Model) -> tuple[str, str]:
    """PyTorch's device and precision: the bundle's on a GPU, float32 on the host, where PyTorch is slow in others."""
    import torch

    if model.provider != "cpu" and torch.cuda.is_available():
        return "cuda", model.bundle.manifest.precision
    return "cpu", "float32"


@cache
def _torch_call(model: Model) -> Callable[[], object]:
    import torch

    from mdhr_train.model import normalise

    device, precision = _torch_place(model)
    dtype = getattr(torch, precision)
    network = random_network(model).to(device, dtype)
    clip = some_frames(model, CLIP)[None]

    def call() -> np.ndarray:
        with torch.inference_mode():
            frames = normalise(torch.from_numpy(clip).to(device), dtype)
            return network(frames).scores.float().cpu().numpy()

    return call


def random_network(model: Model) -> nn.Module:
    """A network of the bundle's sizes with random weights, on which its time does not depend."""
    from mdhr_train.model import MDHR, ModelConfig

    manifest = model.bundle.manifest
    inputs = manifest.graphs["temporal"].inputs
    motion = inputs.get("motion")
    parts = {"dynamics": motion is not None, "temporal": "state_nodes" in inputs}
    if motion is not None:
        parts |= {"radius": manifest.radius, "dynamics_channels": motion.shape[2]}
    features = inputs["static"].shape[2]
    return MDHR(ModelConfig(manifest.layout, manifest.backbone, node_features=features, **parts)).eval()


def _need(*packages: str) -> None:
    """Check that packages are installed, without importing them.

    Raises:
        ConfigError: One is not.
    """
    absent = [name for name in packages if find_spec(name) is None]
    if absent:
        raise ConfigError(
            "A baseline cannot be made.",
            f"{', '.join(absent)} is not installed.",
            "Run `pip install 'mdhr-edge[export]'` to have it too.",
        )


def _trace_clip(model: Model, folder: Path) -> Path:
    _need(*TRAINER)
    import torch

    from mdhr_export.graphs import ClipGraph, EncoderGraph, TemporalGraph
    from mdhr_export.tracing import clip_spec, trace

    dtype = getattr(torch, model.bundle.manifest.precision)
    network = random_network(model)
    path = folder / "clip.onnx"
    size = model.bundle.manifest.graphs["encoder"].inputs["frames"].shape[1]
    trace(clip_spec(ClipGraph(EncoderGraph(network, dtype), TemporalGraph(network, dtype)), size), path)
    return path


TRAINER = ("torch", "timm")
"""What PyTorch's side needs. On a box for analytics it is not installed, and need not be."""

BASELINES = (
    Baseline("the clip graph", clip_way),
    Baseline("the backbone alone", backbone_way),
    Baseline("PyTorch on a clip", torch_clip_way, TRAINER),
    Baseline("PyTorch with a sliding window", torch_window_way, TRAINER),
)
"""In the order of the report."""

COMPARED = (
    ("step", "clip"),
    ("step", "torch-window"),
    ("step", "torch-clip"),
    ("step", "backbone"),
    ("encoder", "backbone"),
    ("encoder", "step"),
    ("temporal", "step"),
    ("clip", "torch-clip"),
    ("backbone", "clip"),
    ("torch-clip", "clip"),
    ("torch-window", "clip"),
)
"""Ratios of the report; the first of a thing is its headline."""
