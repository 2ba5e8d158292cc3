"""Baselines of the same run: the bundle's clip graph, its backbone, and PyTorch as the paper runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mdhr_runtime.contract import CLIP, ENCODER, FRAMES, FRAMES_DIM, MOTION, NODES, STATE, STATIC, STREAMS_DIM, TEMPORAL
from mdhr_runtime.errors import ConfigError, MdhrError
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.threads import thread_count

from ..results import Missing
from .cases import graph_call, some_frames
from .graphs import backbone_only, graph_record, open_graph
from .timing import Case

if TYPE_CHECKING:
    from mdhr_train.model import MDHR

CLIP_FRAMES = 16
"""Frames of the paper's clips."""

Maker = Callable[[Model, Path], Case]
"""Makes a case, with a folder for files that it needs until the end."""


class Baseline(NamedTuple):
    """Something to compare with.

    Attributes:
        title: In words, for where it cannot be had.
        make: Makes it.
        needs: Packages that it needs, besides those of the benchmark.
    """

    title: str
    make: Maker
    needs: tuple[str, ...] = ()


def baseline_cases(model: Model, folder: Path) -> Iterator[Case | Missing]:
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


def clip_case(model: Model, folder: Path) -> Case:
    """The clip graph: the bundle's own, or one of the same sizes with random weights.

    Where the bundle runs as engines, so does this graph, of which a bundle has no engine.
    """
    own = model.bundle.manifest.graphs.get(CLIP)
    path = model.bundle.graph_path(CLIP) if own else _trace_clip(model, folder)
    sizes = {STREAMS_DIM: 1, FRAMES_DIM: CLIP_FRAMES}
    graph = open_graph(model, path, sizes)
    inputs = {FRAMES: some_frames(model, CLIP_FRAMES)[None]}
    outputs = {
        name: np.empty([sizes[size] if isinstance(size, str) else size for size in each.shape], each.dtype)
        for name, each in (own or graph_record(path)).outputs.items()
    }
    title = f"clip graph, {CLIP_FRAMES} frames at once, same backend"
    return Case("clip", title, "baseline", CLIP_FRAMES, lambda: graph.run(inputs, outputs))


def backbone_case(model: Model, folder: Path) -> Case:
    """The encoder cut after its backbone."""
    path = folder / "backbone.onnx"
    backbone_only(model.bundle.graph_path(ENCODER), path)
    graph = open_graph(model, path, {FRAMES_DIM: 1})
    call = graph_call(graph, {FRAMES: some_frames(model, 1)}, graph_record(path).outputs, 1)
    return Case("backbone", "backbone alone, same backend", "baseline", 1, call)


def torch_clip_case(model: Model, folder: Path) -> Case:
    """The network in PyTorch, eager, on a clip, as the paper runs it."""
    title = f"PyTorch eager, clip of {CLIP_FRAMES}, {' '.join(_torch_place(model))}"
    return Case("torch-clip", title, "baseline", CLIP_FRAMES, _torch_call(model))


def torch_window_case(model: Model, folder: Path) -> Case:
    """The last 16 frames again for every new one, as a live user writes it with the published code."""
    title = f"PyTorch eager, window of {CLIP_FRAMES} for each frame, {' '.join(_torch_place(model))}"
    return Case("torch-window", title, "baseline", 1, _torch_call(model))


def _torch_place(model: Model) -> tuple[str, str]:
    """PyTorch's device and precision: the bundle's on a GPU, float32 on the host, where PyTorch is slow in others."""
    import torch

    if model.on_gpu and torch.cuda.is_available():
        return "cuda", model.bundle.manifest.precision
    return "cpu", "float32"


@cache
def _torch_call(model: Model) -> Callable[[], object]:
    import torch

    from mdhr_train.model import normalise

    torch.set_num_threads(thread_count())
    device, precision = _torch_place(model)
    dtype = getattr(torch, precision)
    network = random_network(model).to(device, dtype)
    clip = some_frames(model, CLIP_FRAMES)[None]

    def call() -> np.ndarray:
        with torch.inference_mode():
            frames = normalise(torch.from_numpy(clip).to(device), dtype)
            return network(frames).scores.float().cpu().numpy()

    return call


def random_network(model: Model) -> MDHR:
    """A network of the bundle's sizes with random weights, on which its time does not depend."""
    from mdhr_train.model import MDHR, ModelConfig

    manifest = model.bundle.manifest
    inputs = manifest.graphs[TEMPORAL].inputs
    config = ModelConfig(
        manifest.layout,
        manifest.backbone,
        node_features=inputs[STATIC].row[0],
        dynamics=MOTION in inputs,
        temporal=STATE + NODES in inputs,
    )
    if MOTION in inputs:
        config = replace(config, radius=manifest.radius, dynamics_channels=inputs[MOTION].row[0])
    return MDHR(config).eval()


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
    size = model.bundle.manifest.graphs[ENCODER].inputs[FRAMES].row[0]
    trace(clip_spec(ClipGraph(EncoderGraph(network, dtype), TemporalGraph(network, dtype)), size), path)
    return path


TRAINER = ("torch", "timm")
"""Packages of PyTorch's baselines. On a box for analytics they are not installed, and need not be."""

BASELINES = (
    Baseline("the clip graph", clip_case),
    Baseline("the backbone alone", backbone_case),
    Baseline("PyTorch on a clip", torch_clip_case, TRAINER),
    Baseline("PyTorch with a sliding window", torch_window_case, TRAINER),
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
