"""`mdhr-train fit`: train a model and say how well it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.console import Command, share_cores, table
from mdhr_runtime.layout import Layout

from .checks import require_folder, require_libraries
from .options import count_option, layout_option, seed_option

if TYPE_CHECKING:
    from ..metrics import F1Counter


@click.command(cls=Command)
@click.option("--synthetic", is_flag=True, help="Learn from synthetic clips: one photographed face, warped.")
@layout_option
@click.option("--backbone", default="test_efficientnet", show_default=True, help="A timm model.")
@click.option("--pretrained", is_flag=True, help="Start the backbone from ImageNet weights, which timm downloads.")
@count_option("--node-features", 64, "Size of an action unit's feature vector; 512 in the paper.")
@count_option("--dynamics-channels", 64, "Channels of the facial dynamics; 2048 in the paper with ResNet-50.")
@count_option("--radius", 5, "Radius of the facial dynamics in frames.")
@count_option("--clips", 1000, "Different clips to learn from.")
@count_option("--test-clips", 32, "Further clips to score the model on.")
@count_option("--steps", 300, "Iterations.")
@count_option("--batch", 2, "Clips per iteration.")
@count_option("--frames", 16, "Frames per clip.", least=2)
@click.option("--lr", type=float, default=2e-3, show_default=True, help="Learning rate; 1e-4 in the paper.")
@count_option("--workers", 1, "Processes that prepare clips beside the training.", least=0)
@seed_option
@click.option(
    "--out", type=click.Path(path_type=Path), default="best.pt", show_default=True, help="Checkpoint to write."
)
def fit(
    synthetic: bool,
    layout: Layout,
    backbone: str,
    pretrained: bool,
    node_features: int,
    dynamics_channels: int,
    radius: int,
    clips: int,
    test_clips: int,
    steps: int,
    batch: int,
    frames: int,
    lr: float,
    workers: int,
    seed: int,
    out: Path,
) -> None:
    """Train a model, say how well it does on clips that it has not seen, and save it as a checkpoint.

    The defaults train a small model in a minute or two on a CPU.
    """
    if not synthetic:
        raise click.UsageError("Say what to learn from: --synthetic.")
    require_folder(out)
    share_cores()
    require_libraries()
    import torch

    from ..checkpoints import save_checkpoint
    from ..data.synthetic import SyntheticClips
    from ..fit import FitConfig, evaluate
    from ..fit import fit as fit_model
    from ..model import MDHR, ModelConfig

    config = FitConfig(steps, batch, lr, seed, workers)
    torch.set_num_threads(max(torch.get_num_threads() - workers, 1))  # the workers need cores too
    torch.manual_seed(seed)
    model = MDHR(ModelConfig(layout, backbone, node_features, radius, dynamics_channels), pretrained)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    fit_model(model, SyntheticClips(layout, clips, frames, seed), config)
    found = evaluate(model, SyntheticClips(layout, test_clips, frames, seed, "test"), config)
    f1 = found.f1()
    metrics = {"f1": dict(zip(layout.au_names, map(float, f1), strict=True)), "mean_f1": float(f1.mean())}
    save_checkpoint(out, model, metrics)
    click.echo(_report(layout, found))
    click.echo(f"\n{out}: mean F1 {f1.mean():.3f} on {test_clips} clips that the model has not seen")


def _report(layout: Layout, found: F1Counter) -> str:
    rows = zip(
        layout.au_names,
        (f"{value:.3f}" for value in found.f1()),
        found.true_positives,
        found.false_positives,
        found.false_negatives,
        strict=True,
    )
    return table(("AU", "F1", "found", "false alarms", "missed"), list(rows))
