"""`mdhr-train prepare`: from a raw dataset to crops and lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.cli.console import Command, Group, spoken_warnings, table
from mdhr_runtime.threads import thread_count

from ..datasets import DATASETS, READERS
from .options import PER_CORE, count_option

if TYPE_CHECKING:
    from ..data.preparation import PreparationReport

workers_option = count_option("--workers", None, "Processes.", show_default=PER_CORE)
skip_option = click.option(
    "--skip-damaged",
    is_flag=True,
    help="Leave out recordings whose images, video or labels cannot be read, and list them, in place of ending.",
)


@click.group(cls=Group)
def prepare() -> None:
    """Make training data: crops of faces, and lists of their labels in folds by subject.

    Faces are found and aligned as mdhr-run does. Run again after an interruption, it goes on where it stopped.
    """


def _published(name: str) -> click.Command:
    """The command of a dataset that is handed out."""

    @click.command(
        name, cls=Command, help=f"{name.upper()} as it was handed out, in the folder RAW, in its three folds."
    )
    @click.argument("raw", type=click.Path(path_type=Path))
    @click.argument("out", type=click.Path(path_type=Path, file_okay=False))
    @click.option(
        "--labels",
        type=click.Path(path_type=Path),
        help="Folder of the labels, where RAW holds the images or videos alone.",
    )
    @skip_option
    @workers_option
    def command(raw: Path, out: Path, labels: Path | None, skip_damaged: bool, workers: int | None) -> None:
        from ..data.preparation import claim_prepared
        from ..data.preparation import prepare as prepare_dataset

        left_out: dict[str, str] | None = {} if skip_damaged else None
        with claim_prepared(out, DATASETS[name], *filter(None, (raw, labels))), spoken_warnings():
            recordings = READERS[name](raw, labels, left_out)
            report = prepare_dataset(recordings, DATASETS[name], out, workers or thread_count(), left_out)
        tell_prepared(report, out)

    return command


def tell_prepared(report: PreparationReport, out: Path) -> None:
    """Print what is missing from a prepared dataset, and what it has."""
    from ..data.preparation import REPORT

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
    different = [
        (f"fold {part.fold} tests on {part.frames:,} of {part.complete:,}; {_subjects(part.subjects)}",)
        for part in report.differences
    ]
    tables: dict[tuple[str, ...], list[tuple[object, ...]]] = {
        ("recording", "no upright face", "no image"): gaps,
        ("AU", "label", "frames"): unknown,
        ("labelled frames, and those of the complete dataset",): [*different],
        ("left out",): [(f"{name}: {why}",) for name, why in report.left_out.items()],
    }
    return [table(header, rows) for header, rows in tables.items() if rows]


def _subjects(words: Mapping[str, str]) -> str:
    """What differs in a part, in short: report.json has all of it."""
    from ..data.recordings import some

    return some([f"{subject}: {text}" for subject, text in words.items()])


for _name in READERS:
    prepare.add_command(_published(_name))
