"""Pictures of all kinds that people have: read as a viewer shows them, each page a frame, or told in words."""

from __future__ import annotations

import csv
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from ..case import Case, Maker, Right, Start, refused, works
from ..stock import Stock, image, picture, pictures, put, text

TO = ("--out", "au.csv")
Edit = Callable[[Image.Image], Image.Image]


def _as_it_is(photo: Image.Image) -> Image.Image:
    return photo


def _mode(mode: str) -> Edit:
    return lambda photo: photo.convert(mode)


def _numbers(dtype: type, factor: float) -> Edit:
    return lambda photo: Image.fromarray((np.asarray(photo.convert("L")) * factor).astype(dtype))


def _transparent(photo: Image.Image) -> Image.Image:
    photo.putalpha(Image.fromarray(np.tile(np.arange(240) > 9, (240, 1))))
    return photo


def _on_its_side(photo: Image.Image) -> Image.Image:
    return photo.transpose(Image.Transpose.ROTATE_90)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def _photo(name: str, kind: str, edit: Edit = _as_it_is, pages: int = 1, **options: object) -> tuple[str, Maker]:
    """A photo, or several in one file, that Pillow writes: the file's name, and what makes it."""

    def make(folder: Path, stock: Stock) -> None:
        if kind == "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        first, *others = (edit(Image.fromarray(image(step)[:, :, ::-1])) for step in range(pages))
        several = {"save_all": True, "append_images": others} if others else {}
        first.save(folder / name, kind, **several, **options)

    return name, make


def _deep(name: str, factor: int) -> tuple[str, Maker]:
    """A photo with 16 bits per colour, which Pillow does not write."""
    return name, picture(name, lambda: image(0).astype(np.uint16) * factor)


ORDINARY = {
    "a JPEG called .png": _photo("x.png", "JPEG"),
    "a JPEG called .mp4": _photo("x.mp4", "JPEG"),
    "a name without a suffix": _photo("x", "PNG"),
    "BMP": _photo("x.bmp", "BMP"),
    "GIF": _photo("x.gif", "GIF"),
    "WebP": _photo("x.webp", "WEBP"),
    "AVIF": _photo("x.avif", "AVIF"),
    "HEIC": _photo("x.heic", "HEIF"),
    "JFIF": _photo("x.jfif", "JPEG"),
    "CMYK": _photo("x.jpg", "JPEG", _mode("CMYK")),
    "a palette": _photo("x.png", "PNG", _mode("P")),
    "grey": _photo("x.png", "PNG", _mode("L")),
    "transparent parts": _photo("x.png", "PNG", _transparent),
    "previews behind it": _photo("x.jpg", "MPO", pages=3),
    "16 bits": _deep("x.png", 257),
    "floats up to 1": _photo("x.tif", "TIFF", _numbers(np.float32, 1 / 255)),
    **{
        f"orientation {number}": _photo("x.jpg", "JPEG", edit, exif=_exif(number))
        for number, edit in ((1, _as_it_is), (6, _on_its_side))
    },
}
"""Pictures of a face of which nothing is said."""

DEEP = {
    "12 bits": _deep("x.png", 16),
    "12 bits, TIFF": _deep("x.tif", 16),
    "10 bits, grey": _photo("x.png", "PNG", _numbers(np.uint16, 4.0)),
    "floats up to 255": _photo("x.tif", "TIFF", _numbers(np.float32, 1.0)),
}
"""Those whose range is a guess, which is told."""

ANIMATED = {
    "GIF": _photo("x.gif", "GIF", pages=4, duration=100),
    "WebP": _photo("x.webp", "WEBP", pages=4, duration=100),
    "PNG": _photo("x.png", "PNG", pages=4, duration=100),
    "AVIF": _photo("x.avif", "AVIF", pages=4, duration=100),
}
"""Four pictures of a face in one file, each shown for 100 ms."""


def _times(interval: float) -> Callable[[Path], str | None]:
    def seen(folder: Path) -> str | None:
        with (folder / "au.csv").open() as file:
            times = [float(row["timestamp"]) for row in csv.DictReader(file)]
        right = all(abs(time - step * interval) < 1e-3 for step, time in enumerate(times))
        return None if right else f"times are {times}"

    return seen


def _cut(folder: Path, stock: Stock) -> None:
    data = (folder / "whole.gif").read_bytes()
    (folder / "x.gif").write_bytes(data[: len(data) // 2])


LARGE = b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;"

WITHOUT_HEIC = Start(
    fresh=True, environment={"PYTHONPATH": os.pathsep.join(("{folder}/without", os.environ.get("PYTHONPATH", "")))}
)
"""Started where pillow-heif is not installed."""


CASES = [
    *(
        Case(
            name,
            "run",
            ("{bundle}", file, *TO),
            (make,),
            works("au.csv", rows=1, says=(r"\b1 with a face",), never=("warning",)),
        )
        for name, (file, make) in ORDINARY.items()
    ),
    *(
        Case(
            name,
            "run",
            ("{bundle}", file, *TO),
            (make,),
            works("au.csv", rows=1, says=(r"\b1 with a face", "more than 8 bits per colour")),
        )
        for name, (file, make) in DEEP.items()
    ),
    *(
        Case(
            f"animated {name}",
            "run",
            ("{bundle}", file, *TO),
            (make,),
            works("au.csv", rows=4, says=(r"\b4 with a face",), seen=_times(0.1)),
        )
        for name, (file, make) in ANIMATED.items()
    ),
    Case(
        "four pages",
        "run",
        ("{bundle}", "x.tif", *TO),
        (_photo("x.tif", "TIFF", pages=4)[1],),
        works("au.csv", rows=4, says=(r"\b4 with a face",), seen=_times(0.04)),
    ),
    Case(
        "a video called .jpg",
        "run",
        ("{bundle}", "x.jpg", *TO),
        (put("clip.avi", "x.jpg"),),
        works("au.csv", rows=9, says=("9 with a face",)),
    ),
    Case(
        "HEIC without what reads it",
        "run",
        ("{bundle}", "x.heic", *TO),
        (
            _photo("x.heic", "HEIF")[1],
            text("without/pillow_heif.py", "raise ModuleNotFoundError(\"No module named 'pillow_heif'\")"),
        ),
        refused("x.heic", r"pip install 'mdhr-edge\[heic\]'", maybe=("*.pyc", "*__pycache__")),
        WITHOUT_HEIC,
    ),
    Case(
        "a canvas of 60,000 × 60,000",
        "run",
        ("{bundle}", "x.gif", *TO),
        (text("x.gif", LARGE),),
        Right((0, 1), says=("x.gif", "3433 megapixels"), maybe=("au.csv",), memory=300),
    ),
    Case(
        "one that is cut short among others",
        "run",
        ("{bundle}", "x", *TO),
        (pictures("x", 3), put("photo.jpg", "x/1.jpg", lambda data: data[:-2000])),
        works("au.csv", rows=3, says=(r"1\.jpg cannot be read", "2 with a face")),
    ),
    Case(
        "an animation that is cut short",
        "run",
        ("{bundle}", "x.gif", *TO),
        (_photo("whole.gif", "GIF", pages=4)[1], _cut),
        works("au.csv", says=(r"x\.gif cannot be read", "[12] with a face")),
    ),
    Case(
        "hidden files beside them",
        "run",
        ("{bundle}", "x", *TO),
        (
            pictures("x", 3),
            *(text(f"x/{name}", "no picture") for name in ("._0.jpg", ".1.jpg", ".DS_Store", "notes.txt")),
        ),
        works("au.csv", rows=3, says=("3 with a face",), never=("warning",)),
    ),
    Case(
        "a hidden file by its name",
        "run",
        ("{bundle}", ".x.jpg", *TO),
        (put("photo.jpg", ".x.jpg"),),
        works("au.csv", rows=1, says=(r"\b1 with a face",)),
    ),
]
