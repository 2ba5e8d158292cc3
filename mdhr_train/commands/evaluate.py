"""`mdhr-train eval`: score a checkpoint or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.cli.console import Command, spoken_warnings

from ..datasets import DATASETS, dataset_in
from ..datasets.base import prepared_folders
from ..training.config import DEVICES, PRECISIONS
from ..training.run_files import is_evaluation, write_summary
from .options import claim_file, count_option, overwrite_option, require_libraries

if TYPE_CHECKING:
    from ..metrics import F1Scores
    from ..training.run_files import ProtocolScores
    from ..training.scoring import DatasetScorer


@click.command("eval", cls=Command)
@click.option("--ckpt", "checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="Checkpoint to score.")
@click.option("--bundle", type=click.Path(path_type=Path), metavar="DIR", help="Bundle to score, in the runtime.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of a prepared dataset.")
@click.option("--dataset", help=f"Which one it is: {', '.join(DATASETS)}.  [default: what DATA says, else bp4d]")
@click.option(
    "--fold",
    type=click.IntRange(min=1),
    help="Fold whose test part is scored.  [default: the one that the checkpoint was trained on; 1 if it says none]",
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
    """Score a checkpoint, a bundle, or both side by side, on the test part of a fold.

    Both protocols are scored: consecutive clips as in the paper, as long as those of the training, and whole recordings
    as in the runtime.
    Given both, the table ends with the F1 that is lost from the checkpoint to the bundle. A checkpoint that says which
    fold it was trained on is scored on no other: it has seen the people there.
    """
    named = [path for path in (checkpoint, bundle) if path is not None]
    if not named:
        raise click.UsageError("Say what to score: --ckpt, --bundle, or both.")
    require_libraries()
    described = dataset_in(data, dataset)
    if out is not None:
        claim_file(out, is_evaluation, [*prepared_folders(data, described), *named], overwrite)
    from ..checkpoints import load_checkpoint
    from ..data.clips import ScoringClips
    from ..data.lists import read_fold
    from ..training.data import worker_deaths
    from ..training.distributed import Group, choose_device
    from ..training.logging import f1_table
    from ..training.run_files import SCHEMA
    from ..training.scoring import bundle_scorer, checkpoint_scorer, lost, score
    from ..training.trained_on import fold_to_score, trained_on, warn_of_seen_people

    layout = described.layout
    scorers: dict[str, tuple[DatasetScorer, int]] = {}
    own = None  # what the network was trained on; a bundle does not say
    if checkpoint is not None:
        loaded = load_checkpoint(checkpoint)
        scorers["checkpoint"] = checkpoint_scorer(checkpoint, loaded, layout, device, precision)
        own = trained_on(loaded, described.name)
    if bundle is not None:
        scorers["bundle"] = bundle_scorer(bundle, layout, provider)
    number = fold_to_score(own, fold, named[0])
    with spoken_warnings():
        lists = read_fold(data, described, number)
        warn_of_seen_people(own, named[0], lists)
    recordings = lists.test
    alone = Group(0, 1, choose_device("cpu"))
    scores: dict[str, ProtocolScores] = {}
    for name, (scorer, frames) in scorers.items():
        clips, label = ScoringClips(recordings, frames, scorer.crop), f"scoring the {name}"
        with worker_deaths():
            scores[name] = score(scorer, clips, recordings, layout.au_names, batch, workers, alone, label)
    columns: dict[str, F1Scores] = {}
    for name, found in scores.items():
        columns |= {f"{name}, clips": found["clips"], f"{name}, whole": found["stream"]}
    if len(scores) == 2:
        before, after = scores.values()
        columns["lost, clips"] = lost(before["clips"], after["clips"])
        columns["lost, whole"] = lost(before["stream"], after["stream"])
    click.echo(f1_table(layout.au_names, columns, digits=4))
    if out is not None:
        write_summary(out, {"schema": SCHEMA, "dataset": described.name, "fold": number, **scores})
