"""Pipes, devices, folders and full or forbidden places, for each argument that is a path."""

from __future__ import annotations

import threading
from pathlib import Path

from ..case import Case, Right, Start, refused, works
from ..processes import Process
from ..stock import fifo, link, mode, pictures, put, subfolder, text

RUN = ("{bundle}", "{clip}", "--out")
SOON = Start(seconds=20)
POWERLESS = Start(powerless=True)

DEVICES = {"nothing": "/dev/null", "zeros": "/dev/zero", "a full device": "/dev/full", "random bytes": "/dev/urandom"}


def read_to_end(name: str):
    """Be the reader of a pipe."""

    def during(process: Process, folder: Path) -> None:
        threading.Thread(target=lambda: (folder / name).read_bytes(), daemon=True).start()

    return during


def read_a_little(name: str):
    """Be a reader that has soon seen enough."""

    def during(process: Process, folder: Path) -> None:
        with (folder / name).open("rb") as file:
            file.readline()

    return during


INPUTS = (  # what, program, arguments in which x stands for a path
    ("a video", "run", ("{bundle}", "x", "--out", "au.csv")),
    ("a picture", "run", ("{bundle}", "x.png", "--out", "au.csv")),
    ("a bundle", "run", ("x", "{clip}", "--out", "au.csv")),
    ("a table", "plot", ("x.csv", "--out", "chart.png")),
    ("lines", "plot", ("x.jsonl", "--out", "chart.png")),
    ("a Parquet", "plot", ("x.parquet", "--out", "chart.png")),
    ("a checkpoint", "export", ("--ckpt", "x", "--out", "y.mdhr")),
    ("a run", "train", ("report", "x", "--out", "page.html")),
    ("a configuration", "train", ("fit", "--config", "x.yaml", "--out", "y")),
    ("data", "train", ("eval", "--ckpt", "none.pt", "--data", "x")),
    ("a benchmark", "bench", ("compare", "x.json", "x.json")),
)


def _name(arguments: tuple[str, ...]) -> str:
    return next(each for each in arguments if each == "x" or each.startswith("x."))


def _unreadable(what: str, says: str = "") -> Right:
    """It is refused; but a picture, which may be one of many, is told and left out."""
    codes, words = ((0, 1), f"x.png|{says}") if what == "a picture" else ((1, 2), says)
    return Right(codes, says=(words,), maybe=("au.csv",))


def _forbidden(folder: str, *makers):
    """A folder in which nothing can be made."""
    return (*(makers or (subfolder(folder),)), mode(folder, 0o555))


FULL = 3000
"""Bytes of a file after which the disk is full."""

CASES = [
    # Inputs that are no files, may not be read, or lie in a folder that may not be entered
    *(
        Case(
            f"{what} is {name}",
            program,
            arguments,
            (link(_name(arguments), device),),
            _unreadable(what),
            SOON,
        )
        for what, program, arguments in INPUTS
        for name, device in list(DEVICES.items())[:2]
    ),
    *(
        Case(
            f"{what} may not be read",
            program,
            arguments,
            (text(_name(arguments), "content"), mode(_name(arguments), 0)),
            _unreadable(what, "permission|may not|denied|readable|is a file|no folder|is no"),
            POWERLESS,
        )
        for what, program, arguments in INPUTS
    ),
    *(
        Case(
            f"{what} is a link to itself",
            program,
            arguments,
            (link(_name(arguments), _name(arguments)),),
            _unreadable(what),
        )
        for what, program, arguments in INPUTS
    ),
    *(
        Case(
            f"{what} is a pipe without a writer",
            program,
            arguments,
            (fifo(_name(arguments)),),
            _unreadable(what),
            Start(seconds=15),
        )
        for what, program, arguments in INPUTS
        if what not in ("a video", "a table", "lines")
    ),
    Case(
        "a folder of pictures may not be read",
        "run",
        ("{bundle}", "x", "--out", "au.csv"),
        (pictures("x", 2), mode("x", 0)),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    Case(
        "a video in a folder that may not be entered",
        "run",
        ("{bundle}", "x/clip.avi", "--out", "au.csv"),
        (put("clip.avi", "x/clip.avi"), mode("x", 0)),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    Case(
        "one picture may not be read",
        "run",
        ("{bundle}", "x", "--out", "au.csv"),
        (pictures("x", 3), mode("x/1.jpg", 0)),
        Right((0, 1), says=("1.jpg",), new=("au.csv",)),
        POWERLESS,
    ),
    Case(
        "the first picture of an overlay cannot be read",
        "run",
        ("{bundle}", "x", "--overlay", "x.mp4"),
        (pictures("x", 3), text("x/0.jpg", "no picture")),
        Right((0, 1), says=("0.jpg",), new=("x.mp4",)),
    ),
    Case(
        "a folder of a bundle may not be read",
        "run",
        ("x.mdhr", "{clip}", "--out", "au.csv"),
        (put("bundle.mdhr", "x.mdhr"), mode("x.mdhr", 0)),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    # Outputs that are no files
    *(
        Case(
            f"{suffix} into {name}",
            "run",
            (*RUN, f"x.{suffix}"),
            (link(f"x.{suffix}", device),),
            Right(
                (0,) if name != "a full device" else (1,), says=("",) if name != "a full device" else ("space|full",)
            ),
        )
        for suffix in ("csv", "jsonl")
        for name, device in list(DEVICES.items())[:3]
    ),
    *(
        Case(
            f"{suffix} into a device",
            "run",
            ("{bundle}", "{clip}", "--overlay" if suffix == "mp4" else "--out", f"x.{suffix}"),
            (link(f"x.{suffix}", "/dev/null"),),
            Right((1,)),
        )
        for suffix in ("parquet", "mp4")
    ),
    *(
        Case(
            f"{suffix} into a folder",
            "run",
            ("{bundle}", "{clip}", "--overlay" if suffix == "mp4" else "--out", f"x.{suffix}"),
            (subfolder(f"x.{suffix}"),),
            refused("folder|directory|not overwritten"),
        )
        for suffix in ("csv", "jsonl", "parquet", "mp4")
    ),
    Case(
        "csv into a pipe with a reader", "run", (*RUN, "x.csv"), (fifo("x.csv"),), works(), during=read_to_end("x.csv")
    ),
    Case(
        "csv into a pipe whose reader goes",
        "run",
        ("{bundle}", "{long}", "--out", "x.csv"),
        (fifo("x.csv"),),
        Right((141,)),
        during=read_a_little("x.csv"),
    ),
    Case("a chart into a device", "plot", ("{table}", "--out", "x.png"), (link("x.png", "/dev/full"),), Right((1,))),
    Case(
        "a chart into a folder",
        "plot",
        ("{table}", "--out", "x.png"),
        (subfolder("x.png"),),
        refused("folder|directory|not overwritten"),
    ),
    Case("a chart into a pipe", "plot", ("{table}", "--out", "x.png"), (fifo("x.png"),), Right((0, 1)), SOON),
    Case(
        "a bundle into a device",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x"),
        (link("x", "/dev/null"),),
        refused(""),
    ),
    Case(
        "standard output is full", "run", (*RUN, "-"), (), Right((1,), says=("space|full",)), Start(stdout="/dev/full")
    ),
    Case(
        "standard output is full, of the summary",
        "run",
        (*RUN, "x.csv"),
        (),
        Right((0, 1), new=("x.csv",)),
        Start(stdout="/dev/full"),
    ),
    Case("help, and standard output is full", "run", ("--help",), (), Right((0, 1)), Start(stdout="/dev/full")),
    # Full disks
    *(
        Case(
            f"{suffix} on a full disk",
            "run",
            ("{bundle}", "{long}", "--out", f"x.{suffix}"),
            (),
            Right((1,), says=("space|full|large",), maybe=(f"x.{suffix}",)),
            Start(file_size=FULL),
        )
        for suffix in ("csv", "jsonl", "parquet")
    ),
    Case(
        "mp4 on a full disk",
        "run",
        ("{bundle}", "{long}", "--overlay", "x.mp4"),
        (),
        Right((1,), says=("space|full|large|written",), maybe=("x.mp4", "x.*partial.mp4")),
        Start(file_size=20_000),
    ),
    Case(
        "an older Parquet survives a full disk",
        "run",
        (*RUN, "x.parquet"),
        (put("columns.parquet", "x.parquet"),),
        Right((1,), says=("space|full|large",)),
        Start(file_size=FULL),
    ),
    Case(
        "a chart on a full disk",
        "plot",
        ("{table}", "--out", "x.png"),
        (put("chart.png", "x.png"),),
        Right((1,), says=("space|full|large",)),
        Start(file_size=FULL),
    ),
    Case(
        "a bundle on a full disk",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x.mdhr"),
        (put("bundle.mdhr", "x.mdhr"),),
        Right((1,), says=("space|full|large|written",)),
        Start(file_size=100_000),
    ),
    Case(
        "a repository on a full disk",
        "export",
        ("--bundle", "{bundle}", "--triton", "x"),
        (),
        Right((1,), says=("space|full|large|written",)),
        Start(file_size=100_000),
    ),
    # Folders that may not be written
    *(
        Case(
            f"{suffix} in a folder that may not be written",
            "run",
            ("{bundle}", "{clip}", "--overlay" if suffix == "mp4" else "--out", f"x/y.{suffix}"),
            _forbidden("x"),
            refused("permission|may not|denied|readable|writable"),
            POWERLESS,
        )
        for suffix in ("csv", "jsonl", "parquet", "mp4")
    ),
    *(
        Case(
            f"{suffix} that may not be written",
            "run",
            ("{bundle}", "{clip}", "--out", f"x.{suffix}"),
            (put(thing, f"x.{suffix}"), mode(f"x.{suffix}", 0o444)),
            refused("permission|may not|denied|readable|writable"),
            POWERLESS,
        )
        for suffix, thing in (("csv", "table.csv"), ("jsonl", "lines.jsonl"))
    ),
    Case(
        "a chart in a folder that may not be written",
        "plot",
        ("{table}", "--out", "x/y.png"),
        _forbidden("x"),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    Case(
        "a bundle in a folder that may not be written",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x/y"),
        _forbidden("x"),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    Case(
        "a repository in a folder that may not be written",
        "export",
        ("--bundle", "{bundle}", "--triton", "x/y"),
        _forbidden("x"),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    Case(
        "labels in a folder that may not be written",
        "train",
        ("synthetic-video", "x/y.mp4", "--seconds", "0.2"),
        _forbidden("x"),
        refused("permission|may not|denied|readable|writable"),
        POWERLESS,
    ),
    # Folders that are not there
    *(
        Case(
            f"{suffix} in no folder",
            "run",
            ("{bundle}", "{clip}", "--overlay" if suffix == "mp4" else "--out", f"none/y.{suffix}"),
            (),
            refused("none"),
        )
        for suffix in ("csv", "jsonl", "parquet", "mp4")
    ),
    Case("a chart in no folder", "plot", ("{table}", "--out", "none/y.png"), (), refused("none")),
    Case("a bundle in no folder", "export", ("--ckpt", "{checkpoint}", "--out", "none/y"), (), refused("none")),
    Case("a table below a file", "run", (*RUN, "x/y.csv"), (text("x"),), refused("x/y.csv|x")),
]
