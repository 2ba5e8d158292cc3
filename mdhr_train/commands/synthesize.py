"""`mdhr-train synthesize`: a dataset of rendered faces."""

from __future__ import annotations

from pathlib import Path

import click

from mdhr_runtime.cli.console import Command, table
from mdhr_runtime.layout import Layout
from mdhr_runtime.threads import thread_count

from .options import PER_CORE, count_option, layout_option, require_libraries, seed_option


@click.command(cls=Command)
@click.argument("out", type=click.Path(path_type=Path))
@layout_option
@click.option(
    "--subjects",
    type=click.IntRange(min=3),
    help="People, at least one per part of the folds.  [default: all, 41 in BP4D, 27 in DISFA]",
)
@count_option("--recordings", 2, "Takes of each of them.")
@count_option("--frames", 64, "Frames of each take.")
@seed_option
@click.option("--shuffle-labels", is_flag=True, help="Give each take another one's labels: nothing can be learned.")
@click.option("--overwrite", is_flag=True, help="Replace an older rendered dataset, if nothing else is in its folder.")
@count_option("--workers", None, "Processes that render.", show_default=PER_CORE)
def synthesize(
    out: Path,
    layout: Layout,
    subjects: int | None,
    recordings: int,
    frames: int,
    seed: int,
    shuffle_labels: bool,
    workers: int | None,
    overwrite: bool,
) -> None:
    """Render a dataset (OUT, a folder) of faces that make action units, to see that training learns.

    It has the form of a prepared dataset, with crops and with list files of three folds by identity.
    """
    require_libraries()
    from ..datasets import DATASETS
    from ..synthetic.rendered.dataset import Size, synthesize

    dataset = DATASETS[layout.name.lower()]
    size = Size(subjects, recordings, frames)
    takes = synthesize(out, dataset, size, seed, shuffle_labels, workers or thread_count(), overwrite)
    count = sum(map(len, takes))
    present = sum((take.labels == 1).sum(0) for take in takes)
    rows = [(name, int(n), f"{n / count:.0%}") for name, n in zip(layout.au_names, present, strict=True)]
    click.echo(table(("AU", "frames", "share"), rows))
    people = len({take.subject for take in takes})
    click.echo(f"\n{out}: {count} frames of {people} people in {len(takes)} takes, as the dataset {dataset.name}")
