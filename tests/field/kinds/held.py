"""What held in the trial, and must hold on."""

from __future__ import annotations

import csv
from pathlib import Path

from ..case import Case, Right, Start, refused, works
from ..stock import bundle, clip, picture, pictures, put, subfolder, text

TO = ("--out", "au.csv")


def _identical(folder: Path) -> str | None:
    return None if (folder / "a.csv").read_bytes() == (folder / "au.csv").read_bytes() else "two runs differ"


def _times(folder: Path) -> str | None:
    with (folder / "au.csv").open() as file:
        times = [float(row["timestamp"]) for row in csv.DictReader(file)]
    return None if all(abs(time - step / 25) < 1e-3 for step, time in enumerate(times)) else f"times are {times}"


def _sources(*names: str):
    def seen(folder: Path) -> str | None:
        with (folder / "au.csv").open() as file:
            found = {row["source"] for row in csv.DictReader(file)}
        return None if found == set(names) else f"sources are {sorted(found)}"

    return seen


CASES = [
    Case(
        "a clip becomes a table",
        "run",
        ("{bundle}", "clip.avi"),
        (put("clip.avi"),),
        works("clip*.csv", says=("9 with a face",)),
    ),
    Case("times are the file's", "run", ("{bundle}", "{clip}", *TO), (), works("au.csv", rows=9, seen=_times)),
    Case(
        "runs are alike to the bit",
        "run",
        ("{bundle}", "{clip}", *TO),
        (),
        works("au.csv", seen=_identical),
        first=(("{bundle}", "{clip}", "--out", "a.csv"),),
    ),
    Case(
        "all outputs at once",
        "run",
        (
            "{bundle}",
            "{clip}",
            "--out",
            "a.csv",
            "--out",
            "a.jsonl",
            "--out",
            "a.parquet",
            "--overlay",
            "a.mp4",
            "--out",
            "-",
        ),
        (),
        Right(
            new=("a.csv", "a.jsonl", "a.parquet", "a.mp4"), rows={"a.csv": 9, "a.jsonl": 9, "a.parquet": 9, "a.mp4": 9}
        ),
    ),
    Case(
        "two videos",
        "run",
        ("{bundle}", "{clip}", "b.avi", *TO),
        (clip("b.avi", 5),),
        works("au.csv", rows=14, seen=_sources("clip.avi", "b.avi")),
    ),
    Case(
        "two videos of one name",
        "run",
        ("{bundle}", "x/a.avi", "y/a.avi", *TO),
        (subfolder("x"), subfolder("y"), put("clip.avi", "x/a.avi"), put("clip.avi", "y/a.avi")),
        works("au.csv", rows=18),
    ),
    Case(
        "two overlays",
        "run",
        ("{bundle}", "{clip}", "b.avi", "--overlay", "o.mp4"),
        (clip("b.avi", 5),),
        Right(new=("o*clip*.mp4", "o*b*.mp4")),
    ),
    Case("a video of one frame", "run", ("{bundle}", "x.avi", *TO), (clip("x.avi", 1),), works("au.csv", rows=1)),
    Case("a picture", "run", ("{bundle}", "x.png", *TO), (picture("x.png"),), works("au.csv", rows=1)),
    Case("a folder of pictures", "run", ("{bundle}", "x", *TO), (pictures("x", 5),), works("au.csv", rows=5)),
    Case("a pattern of pictures", "run", ("{bundle}", "x/*.jpg", *TO), (pictures("x", 5),), works("au.csv", rows=5)),
    Case(
        "a pattern in quotes of others",
        "run",
        ("{bundle}", "x/[0-2].jpg", *TO),
        (pictures("x", 5),),
        works("au.csv", rows=3),
    ),
    Case(
        "an odd size",
        "run",
        ("{bundle}", "x.avi", *TO, "--overlay", "x.mp4"),
        (clip("x.avi", 4, 203),),
        works("au.csv", "x.mp4", rows=4),
    ),
    Case("provisional rows", "run", ("{bundle}", "{clip}", "--provisional", *TO), (), works("au.csv", rows=9)),
    Case(
        "crops",
        "run",
        ("{bundle}", "x.avi", "--faces", "crops", *TO),
        (clip("x.avi", 9, 224),),
        works("au.csv", rows=9),
    ),
    Case(
        "one bad video among good ones",
        "run",
        ("{bundle}", "{clip}", "x.avi", *TO),
        (text("x.avi", "no video"),),
        Right((1,), says=("x.avi",), maybe=("au.csv",)),
    ),
    Case("a live page", "run", ("{bundle}", "{clip}", "--serve", "0", *TO), (), works("au.csv", rows=9)),
    Case("no video", "run", ("{bundle}", "none.mp4"), (), refused("none.mp4", "exist|no file")),
    Case("no bundle", "run", ("none.mdhr", "{clip}"), (), refused("none.mdhr", "no bundle|no folder")),
    Case("no checkpoint", "export", ("--ckpt", "none.pt"), (), refused("none.pt", "no checkpoint|exist")),
    Case("no table", "plot", ("none.csv",), (), refused("none.csv")),
    Case(
        "half a video",
        "run",
        ("{bundle}", "x.avi", *TO),
        (put("long.avi", "x.avi", lambda data: data[: len(data) // 10]),),
        Right((1,), says=("x.avi", "breaks off|cut short|missing"), new=("au.csv",)),
    ),
    Case("a chart", "plot", ("{table}", "--out", "x.png"), (), works("x.png")),
    Case("a drawing", "plot", ("{lines}", "--out", "x.svg"), (), works("x.svg")),
    Case(
        "a bundle",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x.mdhr"),
        (),
        works("x.mdhr", "x.mdhr/*"),
        Start(seconds=120),
    ),
    Case(
        "a bundle over an older one",
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x.mdhr", "--no-verify"),
        (bundle("x.mdhr"),),
        Right(replaced=("x.mdhr", "x.mdhr/*")),
        Start(seconds=120),
    ),
    Case("a repository", "export", ("--bundle", "{bundle}", "--triton", "x"), (), works("x", "x/*")),
    Case(
        "a synthetic video",
        "train",
        ("synthetic-video", "x.mp4", "--seconds", "0.2", "--labels", "x.csv"),
        (),
        works("x.mp4", "x.csv"),
    ),
    *(
        Case(f"the version of {program}", program, ("--version",), (), works(says=("0.1",)))
        for program in ("run", "plot", "export", "train", "bench")
    ),
]
