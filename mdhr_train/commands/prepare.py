"""`mdhr-train prepare`: from a raw dataset to crops and lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.cli.console import Command, spoken_warnings, table
from mdhr_runtime.threads import thread_count

from ..datasets import DATASETS
from .options import PER_CORE, count_option

if TYPE_CHECKING:
    from ..data.preparation import PreparationReport


@click.command(cls=Command)
@click.argument("dataset", metavar="|".join(DATASETS))
@click.argument("raw", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@count_option("--workers", None, "Processes.", show_default=PER_CORE)
def prepare(dataset: str, raw: Path, out: Path, workers: int | None) -> None:
    """Make the training data OUT from the dataset in RAW as it was handed out.

    Finds and aligns the faces as mdhr-run does, and writes crops, the lists of three folds by subject, class weights,
    and report.json. Run again after an interruption, it goes on where it stopped.
    """
    if dataset not in DATASETS:
        raise click.BadParameter(f"{dataset!r} is none of {', '.join(DATASETS)}.", param_hint="dataset")
    from ..data.preparation import REPORT, claim_prepared
    from ..data.preparation import prepare as prepare_dataset

    with claim_prepared(out, DATASETS[dataset], raw), spoken_warnings():
        report = prepare_dataset(DATASETS[dataset].read(raw), DATASETS[dataset], out, workers or thread_count())
    for text in _tables(report):
        click.echo(f"{text}\n")
    click.echo(f"{out}: {report.crops} crops of {report.frames} labelled frames; details: {out / REPORT}")


def _tables(report: PreparationReport) -> list[str]:
    """Tables of what is missing, for people; none where nothing is."""
    names = [*report.without_face, *(name for name in report.without_image if name not in report.without_face)]
    gaps: list[tuple[object, ...]] = [
        (name, *(len(lost.get(name, ())) for lost in (report.without_face, report.without_image))) for name in names
    ]
    unknown: list[tuple[object, ...]] = [
        (name, label, count) for name, found in report.unknown_labels.items() for label, count in sorted(found.items())
    ]
    tables = {("recording", "no upright face", "no image"): gaps, ("AU", "label", "frames"): unknown}
    return [table(header, rows) for header, rows in tables.items() if rows]
