"""`mdhr-train eval`: score a checkpoint or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.cli.console import Command

from ..datasets import DATASETS, dataset_in
from ..datasets.base import prepared_folders
from ..training.config import DEVICES, PRECISIONS
from ..training.run_files import is_evaluation, write_summary
from .options import claim_file, count_option, overwrite_option, require_libraries

if TYPE_CHECKING:
    from ..metrics import F1Scores
    from ..training.evaluation import Candidate


@click.command("eval", cls=Command)
@click.option("--ckpt", "checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="Checkpoint to score.")
@click.option("--bundle", type=click.Path(path_type=Path), metavar="DIR", help="Bundle to score, in the runtime.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of a prepared dataset.")
@click.option("--dataset", help=f"Which one it is: {', '.join(DATASETS)}.  [default: what DATA says, else bp4d]")
@click.option(
    "--fold",
    type=click.IntRange(min=1),
    help="Fold whose test part is scored.  [default: the one that the checkpoint was trained on; 1 if it says none; "
    "all folds if it learned from another dataset]",
)
@count_option("--batch", 8, "Clips at once.")
@count_option("--workers", 4, "Processes that read clips.", least=0)
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="For the checkpoint.")
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="float32", show_default=True, help="For the checkpoint."
)
@click.option("--provider", default="auto", show_default=True, help="For the bundle: auto, or one as mdhr-run has it.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="JSON with scores and counts to write.")
@overwrite_option
def evaluate(
    checkpoint: Path | None,
    bundle: Path | None,
    data: Path,
    dataset: str | None,
    fold: int | None,
    batch: int,
    workers: int,
    device: str,
    precision: str,
    provider: str,
    out: Path | None,
    overwrite: bool,
) -> None:
    """Score a checkpoint, a bundle, or both, on people whom they have not seen.

    Both protocols are scored: consecutive clips as in the paper, as long as those of the training, and whole recordings
    as in the runtime: F1 with its 95 % interval over subjects, and the area under the ROC curve. Given both, the
    bundle's table ends with the F1 that is lost from the checkpoint to it.

    A checkpoint that says which fold it was trained on is scored on no other: it has seen the people there. One that
    was trained on another dataset is scored on all recordings, on the action units that both have.
    """
    named = [path for path in (checkpoint, bundle) if path is not None]
    if not named:
        raise click.UsageError("Say what to score: --ckpt, --bundle, or both.")
    require_libraries()
    described = dataset_in(data, dataset)
    if out is not None:
        claim_file(out, is_evaluation, [*prepared_folders(data, described), *named], overwrite)
    from ..training import evaluation
    from ..training.logging import score_table
    from ..training.run_files import SCHEMA
    from ..training.scoring import lost

    candidates: dict[str, Candidate] = {}
    if checkpoint is not None:
        candidates["checkpoint"] = evaluation.checkpoint_candidate(checkpoint, device, precision)
    if bundle is not None:
        candidates["bundle"] = evaluation.bundle_candidate(bundle, provider)
    found = evaluation.evaluate(candidates, data, described, fold, batch, workers)
    gone: dict[str, F1Scores] = {}
    for name, scores in found.scores.items():
        if name == "bundle" and len(found.scores) == 2:
            before = found.scores["checkpoint"]
            gone["lost, clips"] = lost(before["clips"], scores["clips"])
            gone["lost, whole"] = lost(before["stream"], scores["stream"])
        click.echo(f"{score_table(name, found.aus, scores, gone)}\n")
    click.echo("\n".join(found.notes))
    if out is not None:
        write_summary(out, {"schema": SCHEMA, "dataset": described.name, "fold": found.fold, **found.scores})
