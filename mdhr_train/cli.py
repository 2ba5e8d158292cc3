"""The command line `mdhr-train`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mdhr_runtime.console import Command, share_cores, table
from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.layout import Layout

from .commands.prepare import prepare
from .layouts import LAYOUTS

if TYPE_CHECKING:
    from .metrics import F1Counter

Decorated = TypeVar("Decorated", bound=Callable[..., object])

layout_option = click.option(
    "--layout",
    type=click.Choice([name.lower() for name in LAYOUTS]),
    default="bp4d",
    show_default=True,
    callback=lambda _context, _option, name: LAYOUTS[name.upper()],
    help="Action units, their regions and the crop.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all that is random."
)


def count_option(name: str, default: int, help_text: str, least: int = 1) -> Callable[[Decorated], Decorated]:
    """An option that takes a whole number."""
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, help=help_text)


@click.group()
@click.version_option(package_name="mdhr-edge")
def main() -> None:
    """Train MDHR models and make synthetic faces to try them on."""


main.add_command(prepare)


@main.command(cls=Command)
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
    _require_folder(out)
    share_cores()
    _require_libraries()
    import torch

    from .checkpoints import save_checkpoint
    from .data.synthetic import SyntheticClips
    from .fit import FitConfig, evaluate
    from .fit import fit as fit_model
    from .model import MDHR, ModelConfig

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


@main.command("synthetic-video", cls=Command)
@click.argument("out", type=click.Path(path_type=Path))
@layout_option
@click.option("--seconds", type=click.FloatRange(min=0.1), default=12.0, show_default=True, help="Length.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="CSV of the true labels to write too.")
@seed_option
def synthetic_video(out: Path, layout: Layout, seconds: float, labels: Path | None, seed: int) -> None:
    """Write a video (OUT, .mp4) of a face that makes expressions, to try a model on."""
    _require_folder(out)
    if labels is not None:
        _require_folder(labels)
    from .data.synthetic_video import FPS, write_labels, write_video

    truth = write_video(out, round(seconds * FPS), layout, seed)
    if labels is not None:
        write_labels(labels, truth, layout)
    click.echo(f"{out}: {len(truth)} frames, {len(truth) / FPS:g} s, {layout.name}")


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


def _require_folder(path: Path) -> None:
    """Refuse an output path before any work is done."""
    if path.is_dir() or not path.parent.is_dir():
        raise OutputError(
            f"{path} cannot be written.",
            "It is a folder." if path.is_dir() else f"There is no folder {path.parent}.",
            "Name a file in a folder that exists.",
        )


def _require_libraries() -> None:
    try:
        for library in ("torch", "torchvision", "timm"):
            import_module(library)
    except ImportError as error:
        raise ConfigError(
            "The libraries for training are not installed.", str(error), "Run `pip install 'mdhr-edge[train]'`."
        ) from error
