"""What a case of the field trial is: data that says what is started, on what, and what the right outcome is."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .processes import Process
    from .stock import Stock

Maker = Callable[[Path, "Stock"], None]
"""Makes an input in the case's folder."""


class Verdict(Enum):
    """What came of a case, by the title of its column in the table."""

    RIGHT = "right"
    SILENT = "wrong without a word"
    WORDS = "told in wrong words"
    HARMED = "files harmed"
    LEAKED = "secret told"
    CRASHED = "traceback or crash"
    HUNG = "hang"
    MEMORY = "too much memory"


@dataclass(frozen=True)
class Right:
    """The right outcome.

    Attributes:
        codes: Exit statuses, as a shell counts them.
        says: Patterns that the words must hold, in any order and case.
        never: Patterns that they must not hold.
        new: Patterns (globs) of files that must appear.
        maybe: Patterns of files that may appear.
        replaced: Patterns of files that stood there and may change.
        rows: Final rows that a table must hold, by its name.
        seen: Further look at the folder afterwards; gives what is wrong there.
        memory: Most MiB that the program may take in addition to what it has when it starts.
    """

    codes: tuple[int, ...] = (0,)
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    seen: Callable[[Path], str | None] | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Start:
    """How the program is started.

    Attributes:
        fresh: As a process of its own from the first instruction on, instead of a fork that has imported everything.
        environment: Variables to set, or to unset (None).
        file_size: Most bytes of a file, as a full disk has it.
        memory: MiB of address space besides what the program has when it starts.
        powerless: Without root's right to read and write what the modes of files forbid.
        ignored: Signals that are ignored from the start, as `nohup` does.
        stdin: A file in the case's folder, in place of nothing.
        stdout: A path, such as /dev/full, in place of a file that the judge reads.
        seconds: Time after which it hangs.
    """

    fresh: bool = False
    environment: Mapping[str, str | None] = field(default_factory=dict)
    file_size: int | None = None
    memory: int | None = None
    powerless: bool = False
    ignored: tuple[signal.Signals, ...] = ()
    stdin: str | None = None
    stdout: str | None = None
    seconds: float = 60.0


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: Its name, unique in its kind.
        program: "run", "plot", "export", "train" or "bench".
        arguments: Its arguments. `{bundle}` and other things in stock are replaced by their paths.
        made: What makes its inputs in an empty folder, in which the program then runs.
        right: The right outcome.
        start: How it is started.
        during: What happens while it runs.
        first: Arguments of the same program, which has run there before; one or several times.
        beside: Arguments of the same program that has begun to write when this one starts. It must end well.
        needs: Commands of the system that it needs.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    made: tuple[Maker, ...] = ()
    right: Right = Right()
    start: Start = Start()
    during: Callable[[Process, Path], None] | None = None
    first: tuple[tuple[str, ...], ...] = ()
    beside: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


PARTS = (r"error: .*\S", r"why: .*\S", r"fix: .*\S")
"""The three parts of an error."""


def works(*new: str, rows: int | None = None, **more: object) -> Right:
    """It comes to its end and writes files; the first is a table of so many rows."""
    counted = {} if rows is None else {new[0]: rows}
    return Right((0,), new=new, rows=counted, **more)  # type: ignore[arg-type]


def refused(*says: str, **more: object) -> Right:
    """It is refused in words that name the cause, and nothing is written."""
    return Right(**{"codes": (1, 2), "says": says, **more})  # type: ignore[arg-type]


def misused(*says: str, **more: object) -> Right:
    """The command line is refused, by its grammar (2) or by its meaning (1)."""
    return Right((2, 1), says=says, **more)  # type: ignore[arg-type]
