"""`mdhr-train fit`: train a model and say how well it does."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdhr_runtime.cli.console import Command, Option, table
from mdhr_runtime.layout import Layout

from ..training.config import LIBRARY
from ..training.run_files import BEST
from .options import claim_file, count_option, layout_option, overwrite_option, require_libraries
from .run_options import configure, run_options

if TYPE_CHECKING:
    from ..training.config import RunConfig

DEMO = {  # settings of --synthetic: a small model, a minute or two on a CPU
    "model.backbone": "test_efficientnet",
    "model.node_features": 64,
    "model.dynamics_channels": 64,
    "initialisation": LIBRARY,  # it learns more in so few steps
    "schedule.epochs": 1,
    "schedule.batch": 2,
    "optimiser.lr": 2e-3,
    "compute.workers": 1,
}


@click.command(cls=Command)
@run_options()
@click.option(
    "--synthetic",
    is_flag=True,
    cls=Option,
    section="Demo",
    help="Learn from synthetic clips instead: one photographed face, warped. The model is small, and is trained in a "
    "minute or two on a CPU.",
)
@layout_option
@count_option("--clips", 600, "Synthetic clips to learn from.", cls=Option, section="Demo")
@count_option("--test-clips", 32, "Further synthetic clips to score the model on.", cls=Option, section="Demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the run; with --synthetic, the checkpoint.  [default: run; best.pt with --synthetic]",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out, if one was begun there.")
@overwrite_option
@click.pass_context
def fit(
    context: click.Context,
    /,
    synthetic: bool,
    layout: Layout,
    clips: int,
    test_clips: int,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    **_settings: Any,
) -> None:
    """Train a model on one fold of a prepared dataset, by the protocol of the paper.

    The run's folder gets config.yaml, best.pt (the checkpoint of the best epoch), last.pt (from which --resume goes
    on), summary.json, card.md (the model card), and TensorBoard's events. At the end the best epoch is scored on the
    fold's test part, on clips as in the paper, as long as those of the training, and on whole recordings as in the
    runtime.

    Several GPUs: torchrun --nproc-per-node 4 -m mdhr_train fit …
    """
    if synthetic:
        out = out or Path(BEST)
        require_libraries()
        from ..checkpoints.files import is_checkpoint

        claim_file(out, is_checkpoint, overwrite=overwrite)
        _fit_demo(configure(context, layout, DEMO), layout, clips, test_clips, out)
        return
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other.")
    require_libraries()
    config = configure(context)
    if config.data.root is None:
        raise click.UsageError("Say what to learn from: --data, or --synthetic.")
    _fit_fold(config, out or Path("run"), resume, overwrite)


def _fit_fold(config: RunConfig, out: Path, resume: bool, overwrite: bool) -> None:
    from ..training.distributed import process_group
    from ..training.logging import f1_table, mean_text
    from ..training.loop import fit_fold

    with process_group(config.compute.device) as group:
        summary = fit_fold(config, out, group, resume, overwrite)
    if group.leads:
        best = summary["best"]
        columns = {"F1, clips": best["clips"], "F1, whole recordings": best["stream"]}
        click.echo(f1_table(summary["aus"], {title: scores for title, scores in columns.items() if scores}))
        click.echo(
            f"\n{out / BEST}: epoch {best['epoch']}, chosen on {CHOSEN_ON[config.data.validate]}; "
            f"{mean_text(best['clips'])} on the test part of fold {config.data.fold}"
        )


CHOSEN_ON = {"test": "the test part itself, as in the published code", "subjects": "held-out training subjects"}


def _fit_demo(config: RunConfig, layout: Layout, clips: int, test_clips: int, out: Path) -> None:
    from mdhr_runtime.files import staged

    from ..metrics import OUTCOMES
    from ..training.data import photograph_data
    from ..training.distributed import process_group
    from ..training.loop import Trainer

    network = config.model_config(layout)  # its layout says what it sees of a face
    with process_group(config.compute.device) as group, tempfile.TemporaryDirectory() as folder:
        data = photograph_data(network.layout, clips, test_clips, network.clip_frames, config.seed)
        summary = Trainer(config, data, group, Path(folder)).train()
        with staged(out) as stage:
            shutil.copyfile(Path(folder) / BEST, stage)
    found = summary["best"]["clips"]
    shown = OUTCOMES[:3]
    rows = [
        (name, f"{found['f1'][name]:.3f}", *(found[outcome][name] for outcome in shown)) for name in layout.au_names
    ]
    click.echo(table(("AU", "F1", "found", "false alarms", "missed"), rows))
    click.echo(f"\n{out}: mean F1 {found['mean_f1']:.3f} on {test_clips} clips that the model has not seen")
