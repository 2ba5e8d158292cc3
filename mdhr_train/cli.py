"""The command line `mdhr-train`. Every command lives in a file of `mdhr_train/commands/`."""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
import click

from mdhr_runtime.cli.console import Group

from .commands.card import card
from .commands.crossval import crossval
from .commands.evaluate import evaluate
from .commands.fit import fit
from .commands.prepare import prepare
from .commands.prepare_table import prepare_table
from .commands.report import report
from .commands.synthesize import synthesize
from .commands.synthetic_video import synthetic_video


@click.group(cls=Group)
@click.version_option(package_name="mdhr-edge")
def main() -> None:
    """Train and score MDHR models, and make synthetic faces to try them on."""


main.add_command(card)
main.add_command(crossval)
main.add_command(evaluate)
main.add_command(fit)
main.add_command(prepare)
prepare.add_command(prepare_table)
main.add_command(report)
main.add_command(synthesize)
main.add_command(synthetic_video)
