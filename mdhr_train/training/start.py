"""What a run starts from, where that is a checkpoint: its weights are taken, and what was taken is told."""

from __future__ import annotations

import warnings
from dataclasses import asdict

import click

from mdhr_runtime.cli.console import spoken_warnings, table

from ..checkpoints import load_checkpoint
from ..checkpoints.transfer import take_weights
from ..data.lists import DataWarning
from ..model import MDHR
from .config import RunConfig
from .data import RunData
from .run_files import StartFacts
from .trained_on import require_unseen, trainings


def start_from_checkpoint(model: MDHR, config: RunConfig, data: RunData, leads: bool) -> StartFacts | None:
    """Take the weights of the checkpoint that a run is configured to start from, in place, and tell what was taken.

    Args:
        model: The network, on the CPU.
        config: The run's.
        data: Its data.
        leads: Whether this process talks.

    Returns:
        What is kept of it in summary.json; None where the run starts from none.

    Raises:
        CheckpointError: The file cannot be read as one.
        ConfigError: Its backbone is another one, or it has seen the people of the test part.

    Warns:
        DataWarning: It may have seen them.
    """
    path = config.init_file
    if path is None:
        return None
    source = load_checkpoint(path)
    if config.data.root is not None:
        facts, fold = data.facts, config.data
        with spoken_warnings() if leads else warnings.catch_warnings():
            if not leads:
                warnings.simplefilter("ignore", DataWarning)  # one process tells of it
            require_unseen(path, source, fold.dataset, data.layout.name, fold.fold, facts["fingerprint"])
    parts = take_weights(path, model, source.model)
    layout = source.model.config.layout
    unused = [name for name in layout.au_names if name not in data.layout.au_names]
    if leads:
        rows = [(part, f"{one['taken']:,}", f"{one['of']:,}", " ".join(one["new"])) for part, one in parts.items()]
        without = f", {' '.join(unused)} among them, which this network does not" if unused else ""
        click.echo(f"{path} labels {layout.name}'s action units{without}. What is taken of it:", err=True)
        click.echo(table(("part", "numbers taken", "of", "not taken"), rows), err=True)
    seen = [asdict(each) for each in trainings(source)]
    return {"file": str(path), "layout": layout.name, "trained_on": seen, "parts": parts, "unused": unused}
