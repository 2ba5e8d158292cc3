"""Memory that is bounded, or whose want is told."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from ..case import Case, Right, Start, works
from ..stock import LONG, Stock, image, picture, pictures, put

MIB = 1024


def _blank_png(name: str, side: int):
    """A PNG of many pixels and few bytes."""

    def make(folder: Path, stock: Stock) -> None:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        row = bytes(1 + 3 * side)
        packer = zlib.compressobj(1)
        data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        parts = (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
        (folder / name).write_bytes(b"".join(parts))

    return make


def _large(name: str, width: int, height: int):
    return picture(name, lambda: np.tile(image(0), (height // 240 + 1, width // 240 + 1, 1))[:height, :width])


FACES = tuple(f"x/{number}.jpg" for number in range(60))

CASES = [
    Case(
        "a picture of 20,000 × 20,000",
        "run",
        ("{bundle}", "x.png", "--out", "au.csv"),
        (_blank_png("x.png", 20_000),),
        Right((0, 1), says=("x.png", "large|pixels|size"), maybe=("au.csv",), memory=900),
    ),
    Case(
        "a picture of 60,000 × 60,000",
        "run",
        ("{bundle}", "x.png", "--out", "au.csv"),
        (
            lambda folder, stock: (folder / "x.png").write_bytes(
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0) + bytes(4)
            ),
        ),
        Right((0, 1), says=("x.png",), maybe=("au.csv",), memory=400),
    ),
    Case(
        "a huge picture among others",
        "run",
        ("{bundle}", "x", "--out", "au.csv"),
        (pictures("x", 3), _blank_png("x/9.png", 20_000)),
        Right((0, 1), says=("9.png",), new=("au.csv",), memory=900),
    ),
    Case(
        "pictures one by one are one sequence",
        "run",
        ("{bundle}", *FACES, "--out", "au.csv"),
        (pictures("x", 60),),
        works(
            "au.csv",
            rows=60,
            memory=500,
            seen=lambda folder: (
                None
                if len({line.rsplit(",", 1)[1] for line in (folder / "au.csv").read_text().splitlines()[1:]}) == 1
                else "every picture is a source of its own"
            ),
        ),
    ),
    Case(
        "large pictures one by one",
        "run",
        ("{bundle}", *(f"x/{number}.jpg" for number in range(24)), "--out", "au.csv", "--min-face", "200"),
        (pictures("x", 24, scale=8),),
        works("au.csv", memory=700),
    ),
    # The first run with a bundle tries ONNX Runtime and OpenVINO, and has both loaded: 404 MiB came.
    Case("a clip", "run", ("{bundle}", "{clip}", "--out", "au.csv"), (), works("au.csv", rows=9, memory=450)),
    Case("a long clip", "run", ("{bundle}", "{long}", "--out", "au.csv"), (), works("au.csv", rows=LONG, memory=450)),
    Case(
        "an overlay of a large picture",
        "run",
        ("{bundle}", "x.png", "--overlay", "x.mp4", "--min-face", "300"),
        (_large("x.png", 3840, 2160),),
        works("x.mp4", memory=900),
    ),
    Case(
        "a long table",
        "plot",
        ("x.csv", "--out", "x.png"),
        (put("table.csv", "x.csv", lambda data: data + b"".join(data.split(b"\n", 1)[1] for _ in range(3000))),),
        Right((0, 1), maybe=("x.png",), memory=600),
    ),
    *(
        Case(
            f"{limit} MiB for a run",
            "run",
            ("{bundle}", "{clip}", "--out", "au.csv"),
            (),
            Right((0, 1), maybe=("au.csv",), never=("not installed",)),
            Start(memory=limit),
        )
        for limit in (10, 40, 1200)  # in between, libraries end the process by themselves, now here, now there
    ),
    *(
        Case(
            f"{limit} MiB for a chart",
            "plot",
            ("{table}", "--out", "x.png"),
            (),
            Right((0, 1), maybe=("x.png",), never=("not installed",)),
            Start(memory=limit),
        )
        for limit in (5, 20, 60, 150)
    ),
    Case(
        "10 MiB for an export",  # with some more, PyTorch's exporter ends now with our words and now with its traceback
        "export",
        ("--ckpt", "{checkpoint}", "--out", "x.mdhr"),
        (),
        Right((1,), never=("not installed", "truncated")),
        Start(memory=10),
    ),
    *(
        Case(
            f"{limit} MiB afresh",
            "run",
            ("{bundle}", "{clip}", "--out", "au.csv"),
            (),
            Right((0, 1), maybe=("au.csv",), never=("not installed",)),
            Start(fresh=True, memory=limit),
        )
        for limit in (200, 400, 700)
    ),
]
