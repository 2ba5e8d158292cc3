"""`mdhr-train prepare table`: from videos of one's own, and tables of labels, to crops and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdhr_runtime.cli.console import Command, Finite, spoken_warnings, table
from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.layout import Layout, au_name
from mdhr_runtime.threads import thread_count

from ..datasets import DATASETS
from ..datasets.base import DESCRIPTION, Dataset
from .options import count_option
from .prepare import skip_option, tell_prepared, workers_option

if TYPE_CHECKING:
    import numpy as np

    from ..own_videos.reading import OwnLabels

READABLE = click.Path(path_type=Path, exists=True)


@click.command("table", cls=Command)
@click.argument("videos", type=READABLE)
@click.argument("labels", type=READABLE, nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the training data."
)
@click.option("--layout", type=READABLE, help="AUs, their regions and the crop, in YAML.  [default: derived]")
@click.option("--name", help="Name of the dataset.  [default: that of the folder]")
@click.option("--origin", help="Whose labels they are, for the model's card.  [default: as their tables tell]")
@click.option("--soft", is_flag=True, help="Learn scores and intensities as such, not only whether an AU occurs.")
@click.option(
    "--occurs-from",
    type=Finite(min=0, min_open=True, max=5),
    default=2.0,
    show_default=True,
    help="Intensity from which on an AU occurs.",
)
@click.option(
    "--frames-from",
    type=click.Choice(["0", "1"]),
    help="Number of a video's first frame in the tables.  [default: as they tell]",
)
@click.option("--subjects", help="Regular expression whose group finds the person in a video's path.")
@count_option("--folds", 3, "Folds, by subject.", least=2)
@click.option("--dry-run", is_flag=True, help="Show everything, and write nothing.")
@skip_option
@workers_option
def prepare_table(
    videos: Path,
    labels: tuple[Path, ...],
    out: Path,
    layout: Path | None,
    name: str | None,
    origin: str | None,
    soft: bool,
    occurs_from: float,
    frames_from: str | None,
    subjects: str | None,
    folds: int,
    dry_run: bool,
    skip_damaged: bool,
    workers: int | None,
) -> None:
    """Your own VIDEOS, one or a folder of any depth, with tables of LABELS.

    A table has a row per frame or per time and a column per AU, or a row per event. OpenFace's, LibreFace's, py-feat's
    and mdhr-run's are read as they are, and the events that ELAN, BORIS and Noldus Observer export. Of several LABELS,
    each corrects those before it.

    Everything that was found is told before anything is written.
    """
    from ..data.folds import stratified_parts, too_rare
    from ..data.preparation import claim_prepared
    from ..data.preparation import prepare as prepare_dataset
    from ..datasets.description import described
    from ..datasets.layouts import FACE, layout_text, read_layout
    from ..own_videos.reading import UNSTATED, read_own_videos
    from ..own_videos.video_labels import Settings
    from ..own_videos.videos import subject_finder

    name = _checked_name(name or out.resolve().name)
    given = None if layout is None else read_layout(layout)
    aus = frozenset(au for _, known in FACE.values() for au in known) | frozenset(given.aus if given else ())
    settings = Settings(soft, occurs_from, None if frames_from is None else int(frames_from), aus)
    subject_of = None if subjects is None else subject_finder(subjects)
    left_out: dict[str, str] | None = {} if skip_damaged else None
    own = read_own_videos(videos, labels, settings, subject_of, left_out)
    _tell_labels(own)
    chosen = _layout(own, given, name)
    own = own.only(chosen.aus)
    click.echo(f"The layout, which a file of your own can replace (--layout):\n\n{layout_text(chosen)}")
    counts = own.counts()
    parts = stratified_parts(counts, folds)
    dataset = described(name, chosen, parts, soft=soft, origin=origin or own.origin)
    _tell_folds(counts, dataset)
    for index, why in sorted(too_rare(counts, parts).items()):
        click.secho(f"{chosen.au_names[index]} can hardly be learned: it {why}.", fg="yellow")
    if UNSTATED in dataset.origin:
        _warn("Whose labels they are is not stated. Say it for the model's card, as with --origin 'two FACS coders'.")
    if dry_run:
        click.echo(f"Nothing is written to {out}: --dry-run.")
        return
    with claim_prepared(out, dataset, videos, *labels), spoken_warnings():
        _describe(out, dataset)
        processes = workers or thread_count()
        report = prepare_dataset(own.recordings, dataset, out, processes, left_out, own.findings.counts)
    tell_prepared(report, out)


def _describe(out: Path, dataset: Dataset) -> None:
    """Write the description of a dataset, before any crop: what an interrupted run left is only gone on with as it was.

    Raises:
        OutputError: The folder has another one, or cannot be written.
    """
    from ..data.preparation import mark_ours
    from ..datasets.description import read_description, write_description

    before = read_description(out)
    if before is None:
        mark_ours(out)
        write_description(out, dataset)
    elif before != dataset:
        raise OutputError(
            f"{out} is not written.",
            f"Its {DESCRIPTION} describes other data: another layout, other folds, or labels of another origin.",
            "Choose another folder, or remove this one.",
        )


def _checked_name(name: str) -> str:
    if name in DATASETS or not (0 < len(name) < 100 and name.isprintable()):
        raise ConfigError(
            f"The dataset cannot be called {name!r}.",
            "That is the name of a published one." if name in DATASETS else "It has no letters, or too many.",
            "Choose another name with --name.",
        )
    return name


def _layout(own: OwnLabels, given: Layout | None, name: str) -> Layout:
    """The layout that was given, if there are labels for all of it; else one of the AUs that occur."""
    from ..datasets.layouts import derive_layout

    if given is None:
        occurring = _occurring(own)
        _tell_left_out([au for au in own.aus if au not in occurring], "in no label they occur")
        return derive_layout(name, occurring)
    if missing := [au for au in given.aus if au not in own.aus]:
        raise ConfigError(
            f"There are no labels for all AUs of the layout {given.name}.",
            f"None is known of {_names(missing)}; there are labels of {_names(own.aus)}.",
            "Take them out of the file, or add labels.",
        )
    _tell_left_out([au for au in own.aus if au not in given.aus], "the layout does not have them")
    return given


def _occurring(own: OwnLabels) -> list[int]:
    """The AUs that occur in a frame."""
    positives = sum(count[0] for count in own.counts().values())
    return [au for au, count in zip(own.aus, positives, strict=True) if count]


def _tell_left_out(aus: Sequence[int], why: str) -> None:
    if aus:
        _warn(f"Left out, as {why}: {_names(aus)}.")


def _warn(text: str) -> None:
    click.secho(f"{text}\n", fg="yellow")


def _names(aus: Sequence[int]) -> str:
    return ", ".join(map(au_name, aus))


def _tell_labels(own: OwnLabels) -> None:
    """Print what is labelled, for each AU its frames and the people who show it; and what was found."""
    from ..own_videos.reading import NO_SUBJECT

    counts = own.counts().values()
    rows = []
    for index, au in enumerate(own.aus):
        positive, known = (sum(int(count[row, index]) for count in counts) for row in (0, 1))
        shown_by = sum(bool(count[0, index]) for count in counts)
        rows.append((_names([au]), known, positive, f"{positive / max(known, 1):.1%}", f"{shown_by} of {len(counts)}"))
    click.echo(table(("AU", "frames labelled", "it occurs in", "share", "subjects who show it"), rows) + "\n")
    for count, what in own.findings.rows():
        click.echo(f"{count:8,} {what}")
    click.echo()
    if NO_SUBJECT in own.findings.counts:
        _warn("Whoever is in two videos is trained and tested on. Say who is who with --subjects or a column subject.")


def _tell_folds(counts: Mapping[str, np.ndarray], dataset: Dataset) -> None:
    """Print who is tested on in which fold, and in how many of their frames each AU occurs."""
    for fold in dataset.folds:
        click.echo(f"Fold {fold} tests on {', '.join(dataset.subjects(fold, 'test'))}.")
    rows = [
        (name, *(sum(int(counts[one][0, au]) for one in dataset.subjects(fold, "test")) for fold in dataset.folds))
        for au, name in enumerate(dataset.layout.au_names)
    ]
    click.echo("\n" + table(("frames with", *(f"fold {fold}" for fold in dataset.folds)), rows) + "\n")
