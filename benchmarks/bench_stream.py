"""Streaming beside clips, in the same process: every frame's backbone should run once either way.

`make bench` builds a ResNet-50 bundle with random weights (speed does not depend on them) in a temporary folder and
times it. `MDHR_BUNDLE=best.mdhr make bench` times a bundle of yours.
"""

import os
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import mdhr_runtime

FRAMES = 48


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    if "MDHR_BUNDLE" in os.environ:
        return mdhr_runtime.load(os.environ["MDHR_BUNDLE"])
    return mdhr_runtime.load(_random_bundle(tmp_path_factory.mktemp("bundle")))


def _random_bundle(folder: Path) -> Path:
    from mdhr_export.exporter import Options, export_bundle
    from mdhr_train.checkpoints import save_checkpoint
    from mdhr_train.layouts import BP4D
    from mdhr_train.model import MDHR, ModelConfig

    save_checkpoint(folder / "random.pt", MDHR(ModelConfig(BP4D)))
    export_bundle(folder / "random.pt", folder / "random.mdhr", Options(verify=False), lambda _: nullcontext())
    return folder / "random.mdhr"


@pytest.fixture(scope="session")
def frames():
    return np.random.default_rng(0).integers(0, 256, (FRAMES, 224, 224, 3), dtype=np.uint8)


def stream(model, frames, step):
    """Score a clip as a live stream does."""
    running = model.stream()
    parts = [running.push(frames[start : start + step]) for start in range(0, len(frames), step)]
    return np.concatenate([*parts, running.flush()])


@pytest.mark.benchmark(group=f"{FRAMES} frames")
def bench_one_clip(benchmark, model, frames):
    scores = benchmark.pedantic(model.clip, (frames,), rounds=5, warmup_rounds=1)
    assert len(scores) == FRAMES


@pytest.mark.benchmark(group=f"{FRAMES} frames")
@pytest.mark.parametrize("step", [1, 3, 16])
def bench_stream(benchmark, model, frames, step):
    scores = benchmark.pedantic(stream, (model, frames, step), rounds=5, warmup_rounds=1)
    assert len(scores) == FRAMES
