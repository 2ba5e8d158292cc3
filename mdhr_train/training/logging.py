"""Output of a run while it goes on: progress and tables on the terminal, and TensorBoard's event file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, get_args

import click
from torch.utils.tensorboard import SummaryWriter

from mdhr_runtime.cli.console import table
from mdhr_runtime.files import told

from ..metrics import Agreement, F1Scores, Interval, ScoreRow, score_rows
from ..model.config import imagenet_weights
from .config import RunConfig
from .run_files import EpochRecord, ProtocolScores

Figure = Literal["loss", "loss_au", "loss_sub", "lr", "seconds", "waiting_share"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
"""The curves over the epochs besides the scores."""


@contextmanager
def tensorboard(folder: Path, first: int) -> Iterator[SummaryWriter]:
    """TensorBoard's event file of a run.

    Args:
        folder: The run's.
        first: The epoch that follows; what a killed run wrote of it and of later ones is dropped.
    """
    writer = SummaryWriter(str(folder), purge_step=first)
    try:
        yield writer
    finally:
        with _told(folder):
            writer.close()


def log_epoch(writer: SummaryWriter, record: EpochRecord) -> None:
    """Draw an epoch's figures over the epochs.

    Args:
        writer: See `tensorboard`.
        record: The epoch's entry of summary.json.

    Raises:
        OutputError: The event file cannot be written.
    """
    values: dict[str, float] = {f"training/{name}": record[name] for name in FIGURES}
    if record["validation"] is not None:
        values["validation/mean F1"] = record["validation"]["mean_f1"]
        values |= {f"F1/{name}": value for name, value in record["validation"]["f1"].items()}
    with _told(Path(writer.log_dir)):
        for name, value in values.items():
            writer.add_scalar(name, value, record["epoch"])
        writer.flush()


@contextmanager
def progress(label: str, length: int, shown: bool = True) -> Iterator[Callable[[int, str | None], object]]:
    """A progress bar on stderr that can end with a text.

    Args:
        label: The work that is being done.
        length: Number of its steps.
        shown: Whether this process talks.

    Yields:
        A function that takes the number of steps done since its last call, and the text.
    """
    texts: Iterable[str] = ()  # never iterated; says that texts are what the bar shows
    with click.progressbar(
        texts,
        length=length,
        label=label,
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda text: text,
        hidden=not shown,
    ) as bar:
        yield bar.update


def tell_start(config: RunConfig) -> None:
    """Say what a run's backbone starts from: a download may follow, and what the run reaches depends on it."""
    backbone = config.model["backbone"]
    start = config.pretrained_file or imagenet_weights(backbone) if config.pretrained else None
    named = f"ImageNet weights: {start}" if start else config.init_file or "random weights"
    click.echo(f"{backbone} starts from {named}", err=True)


def tell_epoch(record: EpochRecord, epochs: int) -> None:
    """Say how an epoch went, where stderr is a file and shows no progress bar."""
    if sys.stderr.isatty():
        return
    validated = record["validation"]
    score = f", mean F1 {validated['mean_f1']:.3f}" if validated else ""
    click.echo(
        f"epoch {record['epoch']} of {epochs}: loss {record['loss']:.4f}{score}, "
        f"{record['seconds']:.1f} s, {record['waiting_share']:.0%} of them waiting for data",
        err=True,
    )


def f1_table(aus: Sequence[str], columns: Mapping[str, F1Scores], digits: int = 3) -> str:
    """A table of F1 per AU, the last line their mean.

    Args:
        aus: Names of the AUs.
        columns: F1 by title.
        digits: Decimal places.
    """
    rows = [(name, *(f"{column['f1'][name]:.{digits}f}" for column in columns.values())) for name in aus]
    mean = ("mean", *(f"{column['mean_f1']:.{digits}f}" for column in columns.values()))
    return table(("AU", *columns), [*rows, mean])


def score_table(title: str, aus: Sequence[str], scores: ProtocolScores, lost: Mapping[str, F1Scores]) -> str:
    """A table of F1 with its interval and AUC per AU, in both protocols, the last line their means.

    Args:
        title: Of what the scores are.
        aus: Names of the AUs.
        scores: In both protocols.
        lost: F1 that is lost against another one, by title; may be empty.
    """
    columns = (score_rows(scores["clips"], aus), score_rows(scores["stream"], aus))
    gone = [[*(each["f1"][au] for au in aus), each["mean_f1"]] for each in lost.values()]
    rows = [
        (
            clips.name,
            *(cell for row in (clips, whole) for cell in _cells(row)),
            *(f"{f1:.4f}" for f1 in less),
        )
        for clips, whole, *less in zip(*columns, *gone, strict=True)
    ]
    return table((title, "F1, clips", "95 %", "AUC", "F1, whole", "95 %", "AUC", *lost), rows)


def _cells(row: ScoreRow) -> tuple[str, str, str]:
    return f"{row.f1:.4f}", interval_text(row.interval), "–" if row.auc is None else f"{row.auc:.4f}"


def mean_text(scores: Agreement) -> str:
    """The mean F1 in words, with its interval where there is one."""
    mean = score_rows(scores, ())[-1]
    interval = f" (95 % interval over subjects: {interval_text(mean.interval)})" if mean.interval else ""
    return f"mean F1 {mean.f1:.3f}{interval}"


def interval_text(interval: Interval | None) -> str:
    """The ends of an interval, or a dash where there is none."""
    return f"{interval[0]:.3f}–{interval[1]:.3f}" if interval else "–"


def _told(folder: Path) -> AbstractContextManager[None]:
    return told(f"TensorBoard's event file in {folder}", fix="Make room, and go on with --resume.")
