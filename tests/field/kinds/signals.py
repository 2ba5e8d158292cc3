"""Signals at any moment: the right status, whole files, true words, and a second one that ends at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from ..case import Case, Right, Start, works
from ..processes import Process
from ..stock import fifo, pictures, put

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
ALL = (INT, TERM, HUP)

FALSE = ("not installed", "no module")
"""What a program must not say when it is stopped while it imports."""

During = Callable[[Process, Path], None]


def after(seconds: float, *numbers: int) -> During:
    """Send signals after a time, a tenth of a second apart."""

    def during(process: Process, folder: Path) -> None:
        process.wait(seconds)
        for number in numbers:
            process.send(number)
            time.sleep(0.1)

    return during


def written(pattern: str, size: int, *numbers: int) -> During:
    """Send signals as soon as a file of this name has so many bytes, or the program has ended."""

    def during(process: Process, folder: Path) -> None:
        for _ in range(3000):
            if any(path.stat().st_size >= size for path in folder.glob(pattern)) or process.wait(0.01):
                break
        for number in numbers:
            process.send(number)
            time.sleep(0.1)

    return during


def stopped(number: int, **more: object) -> Right:
    """It ends with the signal's status; whatever is named in its words is there."""
    return Right(**{"codes": (128 + number,), "never": FALSE, "says": ("stopped",), **more})  # type: ignore[arg-type]


def whole_lines(name: str) -> Callable[[Path], str | None]:
    """Look whether a table ends with a whole line, all of one length."""

    def seen(folder: Path) -> str | None:
        data = (folder / name).read_bytes()
        columns = {line.count(b",") for line in data.splitlines()}
        return None if data.endswith(b"\n") and (len(columns) == 1 or name.endswith("jsonl")) else "torn lines"

    return seen


def _early(number: int, milliseconds: int, program: str, *arguments: str) -> Case:
    codes = (128 + number, 0) if program == "plot" else (128 + number,)  # a chart may be ready by then
    right = Right(codes, never=FALSE, maybe=("*",))
    name = f"{program}, {number.name} after {milliseconds} ms"  # type: ignore[attr-defined]
    return Case(name, program, arguments, (), right, Start(fresh=True), after(milliseconds / 1000, number))


LOCK = ".mdhr-*.lock"
"""A file that a program which is ended at once may leave."""

RUN = ("{bundle}", "{long}")
EXPORT = ("--ckpt", "{checkpoint}", "--out", "x.mdhr")
OUTPUTS = ("--out", "x.csv"), ("--out", "x.jsonl"), ("--out", "x.parquet"), ("--overlay", "x.mp4")
GROWING = {"x.csv": 2000, "x.jsonl": 2000, "x.parquet": 0, "x.mp4": 1}
"""Bytes that each file has when the run is well on its way, under its own name or its partial one."""


def _midway(option: str, name: str, number: signal.Signals) -> Case:
    stem, suffix = name.split(".")
    seen = whole_lines(name) if suffix in ("csv", "jsonl") else None
    right = stopped(number, new=(name,), seen=seen)
    during = written(f"*{stem}*", GROWING[name], number)
    if suffix == "parquet":  # it has no bytes before its first group of rows

        def during(process: Process, folder: Path) -> None:
            written("*x*", 0)(process, folder)
            after(0.7, number)(process, folder)

    return Case(f"{suffix}, {number.name}", "run", (*RUN, option, name), (), right, during=during)


CASES = [
    *(_early(number, moment, "run", *RUN, "--out", "x.csv") for number in ALL for moment in (50, 150, 400, 1000)),
    *(_early(number, moment, "plot", "{table}", "--out", "x.png") for number in ALL for moment in (50, 300)),
    *(_early(number, 100, "export", *EXPORT) for number in ALL),
    _early(TERM, 1500, "export", *EXPORT),
    *(_early(number, 500, "train", "synthetic-video", "x.mp4", "--seconds", "30") for number in ALL),
    *(_early(number, 800, "bench", "{bundle}") for number in ALL),
    *(_midway(option, name, number) for option, name in OUTPUTS for number in ALL),
    *(
        Case(
            f"export, {number.name} after {moment} s",
            "export",
            EXPORT,
            (),
            Right((128 + number,), never=FALSE),
            during=after(moment, number),
        )
        for number, moment in ((INT, 0.1), (TERM, 1.0), (HUP, 2.0))
    ),
    *(
        Case(
            f"a bundle stays, {number.name}",
            "export",
            EXPORT,
            (put("bundle.mdhr", "x.mdhr"),),
            Right((128 + number,), never=FALSE),
            during=after(1.0, number),
        )
        for number in ALL
    ),
    Case(
        "twice in a run",
        "run",
        (*RUN, "--out", "x.csv"),
        (),
        Right((130,), new=("x.csv",), maybe=(LOCK,)),
        Start(seconds=15),
        written("x.csv", 500, INT, INT),
    ),
    Case(
        "TERM, then INT",
        "run",
        (*RUN, "--out", "x.csv"),
        (),
        Right((130, 143), new=("x.csv",), maybe=(LOCK,)),
        Start(seconds=15),
        written("x.csv", 500, TERM, INT),
    ),
    Case(
        "twice in an export",
        "export",
        EXPORT,
        (),
        Right((130,), maybe=(LOCK, ".*")),
        Start(seconds=15),
        after(0.8, INT, INT),
    ),
    Case(
        "three times",
        "run",
        (*RUN, "--out", "x.csv"),
        (),
        Right((130,), new=("x.csv",), maybe=(LOCK,)),
        Start(seconds=15),
        written("x.csv", 500, INT, INT, INT),
    ),
    Case(
        "nohup",
        "run",
        ("{bundle}", "{clip}", "--out", "x.csv"),
        (),
        works("x.csv", rows=9),
        Start(ignored=(HUP,)),
        after(0.05, HUP),
    ),
    Case(
        "in the background, Ctrl-C is not meant",
        "run",
        ("{bundle}", "{clip}", "--out", "x.csv"),
        (),
        works("x.csv", rows=9),
        Start(ignored=(INT,)),
        after(0.05, INT),
    ),
    *(
        Case(
            f"a video of a pipe without a writer, {number.name}",
            "run",
            ("{bundle}", "x.avi", "--out", "x.csv"),
            (fifo("x.avi"),),
            Right((128 + number, 1), maybe=("x.csv",)),
            Start(seconds=15),
            after(0.7, number),
        )
        for number in ALL
    ),
    Case(
        "a webcam that is not there",
        "run",
        ("{bundle}", "9", "--timeout", "30", "--out", "x.csv"),
        (),
        Right((130, 1), maybe=("x.csv",)),
        Start(seconds=25),
        after(1.0, INT),
    ),
    Case(
        "a camera that does not answer",
        "run",
        ("{bundle}", "rtsp://127.0.0.1:1/x", "--timeout", "30", "--out", "x.csv"),
        (),
        Right((130, 1), maybe=("x.csv",)),
        Start(seconds=25),
        after(1.0, INT),
    ),
    Case(
        "a table of before is not called this run's",
        "run",
        (*RUN, "--out", "x.csv"),
        (put("table.csv", "x.csv"),),
        Right((130,), never=("are in x.csv", "rows: x.csv"), replaced=("x.csv",)),
        Start(fresh=True),
        after(0.2, INT),
    ),
    Case(
        "a run of pictures",
        "run",
        ("{bundle}", "x", "--out", "x.csv"),
        (pictures("x", 120),),
        stopped(INT, new=("x.csv",), seen=whole_lines("x.csv")),
        during=written("x.csv", 1000, INT),
    ),
    Case("with a page", "run", (*RUN, "--serve", "0"), (), stopped(INT), Start(seconds=20), after(1.5, INT)),
]
