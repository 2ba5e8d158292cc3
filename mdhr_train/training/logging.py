"""What a run shows while it goes on, and what it leaves for TensorBoard."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from torch.utils.tensorboard import SummaryWriter

from mdhr_runtime.errors import OutputError

CURVES = ("loss", "loss_au", "loss_sub", "lr", "seconds", "waiting_share")
"""What is drawn of every epoch besides the scores."""


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
        with _writable(folder):
            writer.close()


def log_epoch(writer: SummaryWriter, record: Mapping[str, Any]) -> None:
    """Draw an epoch's figures over the epochs.

    Args:
        writer: See `tensorboard`.
        record: The epoch's entry of summary.json.

    Raises:
        OutputError: The event file cannot be written.
    """
    values = {f"training/{name}": record[name] for name in CURVES}
    if record["validation"] is not None:
        values["validation/mean F1"] = record["validation"]["mean_f1"]
        values |= {f"F1/{name}": value for name, value in record["validation"]["f1"].items()}
    with _writable(Path(writer.log_dir)):
        for name, value in values.items():
            writer.add_scalar(name, value, record["epoch"])
        writer.flush()


def progress(label: str, length: int, shown: bool = True) -> click.progressbar:
    """A progress bar on stderr that can end with a text.

    Args:
        label: What is being done.
        length: Number of its steps.
        shown: Whether this process talks.
    """
    return click.progressbar(
        length=length, label=label, file=sys.stderr, show_pos=True, item_show_func=lambda text: text, hidden=not shown
    )


def tell_epoch(record: Mapping[str, Any], epochs: int) -> None:
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


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"TensorBoard's event file in {folder} could not be written.",
            str(error),
            "Make room, and go on with --resume.",
        ) from error
