"""`mdhr-train card`: the model card of a run."""

from __future__ import annotations

from pathlib import Path

import click

from mdhr_runtime.cli.console import Command

from ..training.run_files import CARD
from .options import claim_file, overwrite_option, require_libraries


@click.command("card", cls=Command)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Markdown file to write.  [default: RUN/card.md]")
@overwrite_option
def card(run: Path, out: Path | None, overwrite: bool) -> None:
    """Describe the model of a finished run or cross-validation (RUN) in Markdown, with the metadata of model hubs.

    The card says what the model learned from and whose labels those were, how well it does and how sure that is, and
    where it is not to be trusted. mdhr-train fit writes it beside the checkpoint, and mdhr-export takes it from there
    into the bundle as README.md. Edit it as you like: an edited card is replaced by --overwrite alone.
    """
    require_libraries()
    from ..report.runs import TrainedSuite, card_source, inputs_of, read
    from ..training.card import is_card, write_card

    source = read(run)
    if isinstance(source, TrainedSuite):
        raise click.UsageError(f"{run} is a suite, of several networks: name the folder of one of them.")
    out = out or run / CARD
    claim_file(out, is_card, inputs_of(source, None), overwrite)
    write_card(out, card_source(source))
    click.echo(out)
