"""Shared by the command lines: the look of errors, tables and progress."""

from __future__ import annotations

import math
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from ..addresses import without_secrets
from ..errors import MdhrError, OutputError, shortage
from ..files import FULL
from .signals import Stopped, stopped_by_signals

F = TypeVar("F", bound=Callable[..., Any])


NO_ARGUMENTS: tuple[type[click.UsageError], ...] = (
    (click.exceptions.NoArgsIsHelpError,) if hasattr(click.exceptions, "NoArgsIsHelpError") else ()
)
"""What a group says, from click 8.2 on, that is given nothing at all: its help."""


class WithHelp(click.Command):
    """A command or group that explains itself on `-h` as on `--help`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.context_settings.setdefault("help_option_names", ["-h", "--help"])

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the program. A standard output that is full ends it with status 1."""
        try:
            return super().main(*arguments, **settings)
        except OSError as error:
            if error.errno not in FULL:
                raise
            why = error.strerror or str(error)
            report(OutputError("The standard output cannot be written.", why, "Make room, or send it elsewhere."))
            sys.exit(1)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line. What click says of a wrong one repeats no secret."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if isinstance(error, NO_ARGUMENTS):
                raise
            raise click.UsageError(without_secrets(error.format_message()), ctx) from error


class Group(WithHelp, click.Group):
    """A group of commands.

    Args:
        unnamed: The command that is meant where none is named: `mdhr-bench best.mdhr` is `mdhr-bench run best.mdhr`.
    """

    def __init__(self, *arguments: Any, unnamed: str | None = None, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.unnamed = unnamed

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line: the name of the command in front, unless there is one or help is asked for."""
        if self.unnamed and args and args[0] not in {*self.commands, "-h", "--help", "--version"}:
            args = [self.unnamed, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command that is named, or say which there are."""
        if not ctx.resilient_parsing and args and args[0] not in self.commands:
            ctx.fail(f"There is no command {args[0]!r}. The commands are {', '.join(sorted(self.commands))}.")
        return super().resolve_command(ctx, args)


class Command(WithHelp):
    """A command that reports an `MdhrError` on stderr, without a traceback, and exits with status 1.

    Stopped by a signal, it says so and exits with 128 more than the signal's number; see `stopped_by_signals`.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with stopped_by_signals():
                return super().invoke(ctx)
        except Stopped as stopped:
            click.echo("\n".join(("\nstopped", *stopped.kept)), err=True)
            ctx.exit(128 + stopped.signal)
        except Exception as error:
            if isinstance(error, MemoryError):
                traceback.clear_frames(error.__traceback__)  # what they hold is needed to tell of it
            told = shortage(error) or error
            if not isinstance(told, MdhrError):
                raise
            report(told)
            ctx.exit(1)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options of `--help` under their sections, in the order in which these appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class Option(click.Option):
    """An option that `--help` lists under the title of a section.

    Args:
        section: The title.
    """

    def __init__(self, *arguments: Any, section: str = "Options", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.section = section


def overwrite_option(section: str = "Options") -> Callable[[F], F]:
    """The option `--overwrite`, the same in every program that writes.

    Args:
        section: Where `--help` lists it.
    """
    text = "Replace what stands in an output's place, also if it is no older result. Inputs never are."
    return click.option("--overwrite", cls=Option, section=section, is_flag=True, help=text)


class Finite(click.FloatRange):
    """A number within bounds, which NaN and infinity are not."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        return number


def report(error: MdhrError) -> None:
    """Tell an error on stderr, in its three parts."""
    click.secho(without_secrets(f"error: {error.what}"), fg="red", err=True)
    click.echo(without_secrets(f"  why: {error.why}\n  fix: {error.fix}"), err=True)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Tell warnings on stderr in one line each, without the place in the code that they come from."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        click.secho(f"warning: {message}", fg="yellow", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def step(label: str) -> Iterator[None]:
    """Announce a step of long work on stderr, and say how long it took when it is done.

    Args:
        label: What is being done.
    """
    start = time.monotonic()
    click.echo(f"{without_secrets(label)} … ", nl=False, err=True)
    try:
        yield
    except Exception:
        click.echo("failed", err=True)
        raise
    click.echo(f"{time.monotonic() - start:.1f} s", err=True)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out rows under a header: the first column to the left, the others (numbers) to the right.

    Args:
        header: Column titles.
        rows: One sequence of cells per row, as long as the header.

    Returns:
        The table as text, one line per row, without a final line break.
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join((first, *rest)).rstrip()

    rule = "  ".join("─" * width for width in widths)
    return "\n".join((line(cells[0]), rule, *map(line, cells[1:])))
