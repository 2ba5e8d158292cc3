"""Messages that fit their cause: each input is recognised for what it is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np

from ..case import Case, Right, Start, misused, refused, works
from ..stock import Stock, fifo, image, picture, pictures, put, subfolder, text

RUN = ("{bundle}",)
TO = ("--out", "au.csv")

HTML = "<!DOCTYPE html><html><body>Sign in</body></html>"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 353534\n"


def _ffmpeg(name: str, *words: str):
    """A file that FFmpeg makes of the clip."""

    def make(folder: Path, stock: Stock) -> None:
        import subprocess

        command = ["ffmpeg", "-v", "error", "-y", "-i", str(stock.folder / "clip.avi"), *words, str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    return make


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "mine")
    return file.getvalue()


def _turned(quarter: int):
    return lambda: np.ascontiguousarray(np.rot90(image(0), quarter))


def _small() -> np.ndarray:
    return cv2.copyMakeBorder(cv2.resize(image(0), (60, 60)), 100, 100, 100, 100, cv2.BORDER_REPLICATE)


GIVEN = (  # name, content, what is said of it as a video, what is not
    ("a web page", HTML, "web page|HTML", "damaged or cut"),
    ("a pointer of Git LFS", POINTER, "LFS", "damaged or cut"),
    ("an empty file", "", "empty", "damaged"),
    ("a zip", _zip(), "zip", "damaged"),
    ("a text", "frame 1\n", "text|no video|not a video", "breaks off"),
    ("a PDF", b"%PDF-1.7\n", "PDF|no video|not a video", "breaks off"),
    ("zeros", bytes(9999), "x.mp4", "no frames"),
)

WITHOUT = ("{bundle}", "x.png", *TO)
LESS = "lower (it|--min-face)|--min-face lower"

OVERLAYS = ("x.csv", "ws://127.0.0.1:0/a", "x", "x.avi", "a:b.csv", "", "-", "x.jsonl", "mqtt://127.0.0.1/a")
OUTS = ("x.mp4", "x", "x.txt", "x.xlsx", "", "ws://127.0.0.1:0/a", "x/y/", "x.csv.gz", "live://0", "x.")
PUBLISHED = ("x.csv", "127.0.0.1:1883", "http://127.0.0.1/a", "", "ws://", "mqtt://", "-")

HELP = (
    ("run", ()),
    ("plot", ()),
    ("export", ()),
    ("train", ()),
    ("train", ("fit",)),
    ("train", ("prepare",)),
    ("bench", ()),
    ("bench", ("compare",)),
)

CASES = [
    *(
        Case(
            f"a video that is {name}",
            "run",
            (*RUN, "x.mp4", *TO),
            (text("x.mp4", content),),
            refused(says, never=(never,)),
        )
        for name, content, says, never in GIVEN
    ),
    *(
        Case(
            f"a bundle that is {name}",
            "run",
            ("x.mdhr", "{clip}", *TO),
            (text("x.mdhr", content),),
            refused(says, never=("folder has this name",)),
        )
        for name, content, says, _ in GIVEN[:4]
    ),
    *(
        Case(
            f"a table that is {name}",
            "plot",
            ("x.csv",),
            (text("x.csv", content),),
            refused(says),
        )
        for name, content, says, _ in GIVEN[:4]
    ),
    *(
        Case(
            f"an overlay into {target!r}",
            "run",
            (*RUN, "{clip}", "--overlay", target),
            (),
            misused("overlay|mp4|video"),
        )
        for target in OVERLAYS
    ),
    *(Case(f"rows into {target!r}", "run", (*RUN, "{clip}", "--out", target), (), misused("")) for target in OUTS),
    *(
        Case(f"rows to {target!r}", "run", (*RUN, "{clip}", "--publish", target), (), misused("publish|address"))
        for target in PUBLISHED
    ),
    *(
        Case(
            f"-h of {' '.join((program, *command))}",
            program,
            (*command, "-h"),
            (),
            works(says=("usage", "options|results|data")),
        )
        for program, command in HELP
    ),
    *(
        Case(f"--help of {' '.join((program, *command))}", program, (*command, "--help"), (), works(says=("usage",)))
        for program, command in HELP
    ),
    Case("overlay with a colon", "run", (*RUN, "{clip}", "--overlay", "a:b.mp4"), (), works("a:b.mp4")),
    # No face, and why
    Case(
        "no face: black",
        "run",
        WITHOUT,
        (picture("x.png", lambda: np.zeros((240, 240, 3), np.uint8)),),
        works("au.csv", says=("warning", "dark|black"), never=(LESS,)),
    ),
    Case(
        "no face: white",
        "run",
        WITHOUT,
        (picture("x.png", lambda: np.full((240, 240, 3), 255, np.uint8)),),
        works("au.csv", says=("warning",), never=(LESS,)),
    ),
    Case(
        "no face: upside down",
        "run",
        WITHOUT,
        (picture("x.png", _turned(2)),),
        works("au.csv", says=("warning", "upside down|turn|rotat|upright")),
    ),
    Case(
        "no face: on its side",
        "run",
        WITHOUT,
        (picture("x.png", _turned(1)),),
        works("au.csv", says=("warning", "side|turn|rotat|upright")),
    ),
    Case(
        "no face: too small",
        "run",
        (*WITHOUT, "--min-face", "60"),
        (picture("x.png", _small),),
        works("au.csv", says=("warning", "min-face")),
    ),
    Case(
        "crops that are black",
        "run",
        (*WITHOUT, "--faces", "crops"),
        (picture("x.png", lambda: np.zeros((224, 224, 3), np.uint8)),),
        works("au.csv", never=("min-face",)),
    ),
    Case(
        "crops of another size",
        "run",
        (*WITHOUT, "--faces", "crops"),
        (picture("x.png"),),
        Right((1,), says=("224",), never=("min-face",), maybe=("au.csv",)),
    ),
    Case(
        "an unreadable picture alone",
        "run",
        WITHOUT,
        (text("x.png", "no picture"),),
        Right((0, 1), says=("x.png", "read|picture|image"), never=(LESS,), maybe=("au.csv",)),
    ),
    Case(
        "a picture that is cut short",
        "run",
        WITHOUT,
        (put("photo.jpg", "x.png", lambda data: data[:2000]),),
        Right((0, 1), says=("x.png",), maybe=("au.csv",)),
    ),
    # Arguments out of place
    Case("arguments swapped", "run", ("{clip}", "{bundle}", *TO), (), refused("order|swap|exchang|first")),
    Case("two bundles", "run", ("{bundle}", "{bundle}", *TO), (), refused("bundle")),
    Case(
        "a bundle only",
        "run",
        ("{bundle}",),
        (),
        misused("source", codes=(2,)) if False else Right((2,), says=("SOURCE|missing",)),
    ),
    *(
        Case(
            f"{what} of videos",
            "run",
            (*RUN, address, *TO),
            (put("clip.avi", "x/a.avi"), put("clip.avi", "x/b.avi")),
            works("au.csv", rows=18, says=("a.avi", "b.avi")),
        )
        for what, address in (("a folder", "x"), ("a pattern", "x/*.avi"))
    ),
    Case(
        "a folder of videos and pictures",
        "run",
        (*RUN, "x", *TO),
        (pictures("x", 3), put("clip.avi", "x/a.avi")),
        works("au.csv", rows=12, says=("2 sources|a.avi",)),
    ),
    Case(
        "a folder of videos, one of which is empty",
        "run",
        (*RUN, "x", *TO),
        (put("clip.avi", "x/a.avi"), text("x/b.avi", "")),
        refused("x/b.avi", "empty"),
    ),
    Case(
        "a hundred videos",
        "run",
        (*RUN, "x", "--every", "9", "--out", "y/"),
        tuple(put("clip.avi", f"x/{number}.avi") for number in range(100)),
        works("y*", says=("100 rows in 100 tables",)),
    ),
    Case("an empty folder", "run", (*RUN, "x", *TO), (subfolder("x"),), refused("empty")),
    Case("a folder of texts", "run", (*RUN, "x", *TO), (text("x/a.txt"),), refused("neither videos nor images")),
    Case("a folder of folders", "run", (*RUN, "x", *TO), (pictures("x/y", 2),), refused("images", "not searched")),
    Case(
        "FFmpeg's numbers",
        "run",
        (*RUN, "x/%d.jpg", *TO),
        (pictures("x", 3),),
        Right((0, 1), says=("",), never=("damaged",), maybe=("au.csv",), seen=lambda folder: None),
    ),
    Case(
        "FFmpeg's numbers are explained",
        "run",
        (*RUN, "x/%03d.jpg", *TO),
        (pictures("x", 3),),
        Right((0, 1), says=(r"\*|pattern|folder|frames",), maybe=("au.csv",)),
    ),
    Case("standard input", "run", (*RUN, "-", *TO), (), refused("standard input|pipe|stdin|-")),
    Case(
        "a pattern without files",
        "run",
        (*RUN, "x/*.jpg", *TO),
        (subfolder("x"),),
        refused("no images|no file|fits|match"),
    ),
    Case("a photo called a video", "run", (*RUN, "x.mp4", *TO), (put("photo.jpg", "x.mp4"),), works("au.csv", rows=1)),
    Case("a video called a photo", "run", (*RUN, "x.png", *TO), (put("clip.avi", "x.png"),), works("au.csv", rows=9)),
    Case("a pipe in place of a video", "run", (*RUN, "x.mp4", *TO), (fifo("x.mp4"),), refused("pipe")),
    Case("a device in place of a video", "run", (*RUN, "/dev/null", *TO), (), refused("device")),
    Case("a file of another host", "run", (*RUN, "file://host/x.mp4", *TO), (), refused("no file")),
    Case("a part", "run", (*RUN, "{clip}", "--start", "0:00.1", "--end", "0.2", *TO), (), works("au.csv", rows=2)),
    Case(
        "an end before the start",
        "run",
        (*RUN, "{clip}", "--start", "9", "--end", "8", *TO),
        (),
        misused("8 s"),
    ),
    Case(
        "a part behind the end",
        "run",
        (*RUN, "{clip}", "--start", "9", *TO),
        (),
        Right((1,), says=("clip.avi", "no frames from 9 to"), maybe=("au.csv",)),
    ),
    Case(
        "too few frames per second",
        "run",
        (*RUN, "{clip}", "--fps", "5", *TO),
        (),
        works("au.csv", says=("warning", "frames per second", "trained")),
    ),
    Case("a table in place of a video", "run", (*RUN, "{table}", *TO), (), refused("table|no video|text")),
    Case("a checkpoint in place of a video", "run", (*RUN, "{checkpoint}", *TO), (), refused("checkpoint|no video")),
    Case(
        "a sound in place of a video",
        "run",
        (*RUN, "x.mp4", *TO),
        (_ffmpeg("x.mp4", "-f", "lavfi", "-i", "sine=d=1", "-map", "1:a"),),
        refused("sound|no picture|no frames|no video|audio"),
        needs=("ffmpeg",),
    ),
    Case("a bundle in place of a table", "plot", ("{bundle}",), (), refused("folder|bundle|name")),
    Case("a video in place of a table", "plot", ("{clip}",), (), refused("video|suffix")),
    Case(
        "a provider that does not exist", "run", (*RUN, "{clip}", "--provider", "gpu", *TO), (), misused("gpu", "cpu")
    ),
    Case("cuda without a GPU", "run", (*RUN, "{clip}", "--provider", "cuda", *TO), (), misused("cuda")),
    Case("a page's port that is none", "run", (*RUN, "{clip}", "--serve", "page"), (), misused("port")),
    Case("a page's port that is too large", "run", (*RUN, "{clip}", "--serve", "99999"), (), misused("port")),
    Case("no such face", "plot", ("{table}", "--face", "7", "--out", "x.png"), (), refused("face 7", "face 0")),
    Case(
        "no such source",
        "plot",
        ("{table}", "--source", "other.avi", "--out", "x.png"),
        (),
        refused("other.avi", "clip.avi"),
    ),
    Case("a chart as PDF", "plot", ("{table}", "--out", "x.pdf"), (), refused("png")),
    Case("neither checkpoint nor bundle", "export", (), (), misused("--ckpt")),
    Case(
        "checkpoint and bundle",
        "export",
        ("--ckpt", "{checkpoint}", "--bundle", "{bundle}"),
        (),
        misused("--bundle|--ckpt"),
    ),
    Case("a bundle and nothing to do", "export", ("--bundle", "{bundle}"), (), misused("--trt")),
    Case("a run that is none", "train", ("report", "x"), (subfolder("x"),), refused("run", "summary|x")),
    Case("a run that does not exist", "train", ("report", "x"), (), refused("x")),
    Case("data that does not exist", "train", ("fit", "--data", "none", "--out", "x"), (), refused("none")),
    Case(
        "a configuration that is no YAML",
        "train",
        ("fit", "--config", "x.yaml", "--out", "x"),
        (text("x.yaml", "a: [1, 2"),),
        refused("x.yaml"),
    ),
    Case(
        "a configuration of nonsense",
        "train",
        ("fit", "--config", "x.yaml", "--out", "x"),
        (text("x.yaml", "schedule: red\n"),),
        refused("schedule"),
    ),
    Case(
        "a configuration that runs code",
        "train",
        ("fit", "--config", "x.yaml", "--out", "x"),
        (text("x.yaml", "a: !!python/object/apply:os.system ['touch harmed']\n"),),
        refused("x.yaml"),
    ),
    Case("a dataset that is none", "train", ("prepare", "other", "x", "y"), (), misused("other", "bp4d")),
    Case("no raw data", "train", ("prepare", "bp4d", "none", "y"), (), refused("none", maybe=("y",))),
    Case(
        "a setting that does not exist",
        "train",
        ("fit", "--data", "none", "--set", "colour=red"),
        (),
        refused("colour"),
    ),
    Case(
        "a benchmark of nonsense",
        "bench",
        ("compare", "a.json", "b.json"),
        (text("a.json", "[]"), text("b.json", "{}")),
        refused("a.json"),
    ),
    Case("a benchmark that does not exist", "bench", ("compare", "a.json", "b.json"), (), refused("a.json")),
    Case("an unknown option", "run", (*RUN, "{clip}", "--outt", "x.csv"), (), Right((2,), says=("--out",))),
    Case("log level debug", "run", (*RUN, "{clip}", "--log-level", "debug", *TO), (), works("au.csv", rows=9)),
    *(
        Case(f"{option} {value}", "run", (*RUN, "{clip}", option, value, *TO), (), Right((2, 1)))
        for option, value in (
            ("--min-face", "0"),
            ("--min-face", "-5"),
            ("--min-face", "big"),
            ("--min-face", "nan"),
            ("--detect-every", "0"),
            ("--max-gap", "-1"),
            ("--image-fps", "0"),
            ("--image-fps", "nan"),
            ("--image-fps", "inf"),
            ("--image-fps", "1e-320"),
            ("--start", "-1"),
            ("--start", "1:60"),
            ("--end", "0"),
            ("--end", "nan"),
            ("--every", "0"),
            ("--fps", "0"),
            ("--fps", "nan"),
            ("--rotate", "45"),
            ("--max-gap", "1m"),
            ("--max-gap", "-1s"),
            ("--detect-every", "0.5"),
            ("--timeout", "nan"),
            ("--timeout", "inf"),
            ("--timeout", "1e300"),
            ("--timeout", "-1"),
            ("--faces", "both"),
            ("--threads", "0"),
            ("--threads", "many"),
            ("--threads", "99999"),
        )
    ),
    *(
        Case(
            f"{program}, MDHR_THREADS={value}",
            program,
            arguments,
            (),
            refused("MDHR_THREADS", "1 to 1024"),
            Start(fresh=True, environment={"MDHR_THREADS": value}),
        )
        for value in ("0", "two", "-1")
        for program, arguments in (
            ("run", (*RUN, "{clip}", *TO)),
            ("bench", ("{bundle}", "--out", "x.json")),
            ("train", ("synthesize", "faces")),
        )
    ),
    *(
        Case(f"a camera, --timeout {value}", "run", (*RUN, "http://127.0.0.1:1/x", "--timeout", value), (), misused(""))
        for value in ("nan", "inf", "1e300")
    ),
    *(
        Case(
            f"{option} {value} is large and harmless",
            "run",
            (*RUN, "{clip}", option, value, *TO),
            (),
            Right((0, 1, 2), maybe=("au.csv",)),
        )
        for option, value in (
            ("--min-face", "99999999999"),
            ("--detect-every", "99999999999999999999"),
            ("--max-gap", "99999999999999999999"),
            ("--max-gap", "999999999s"),
            ("--every", "99999999999999999999"),
            ("--end", "9" * 400),
        )
    ),
]
