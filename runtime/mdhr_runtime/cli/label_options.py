"""Options that `mdhr-run` and `mdhr-archive` have in common, by the sections of `--help`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from .. import defaults
from .console import F, Finite, Option
from .durations import frames_or_time
from .places import face, region

if TYPE_CHECKING:
    from ..faces.choice import Choice, Region
    from ..faces.options import FaceOptions


def option(section: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """An option that `--help` lists under the title of a section."""
    return click.option(*names, cls=Option, section=section, **settings)


def shared(options: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    """Give a command the options of a section, in their order."""
    return lambda command: reduce(lambda given, add: add(given), reversed(options), command)


LANDMARKS = (option("Results", "--landmarks", is_flag=True, help="Also write the five landmarks of every face."),)

FACES = (
    option(
        "Faces",
        "--min-face",
        type=click.IntRange(min=12),
        default=defaults.MIN_FACE,
        show_default=True,
        help="Side of the smallest face to look for, in pixels. Smaller takes longer.",
    ),
    option(
        "Faces",
        "--detect-every",
        metavar="FRAMES|TIME",
        type=frames_or_time(1),
        default=defaults.DETECT_EVERY,
        show_default=True,
        help="Look for new faces every so many frames (10) or seconds (0.5s); known faces are followed in between.",
    ),
    option(
        "Faces",
        "--max-gap",
        metavar="FRAMES|TIME",
        type=frames_or_time(0),
        default=defaults.MAX_GAP,
        show_default=True,
        help="Frames (30) or seconds (1s) that a face may be away and keep its id.",
    ),
    option(
        "Faces",
        "--identity",
        type=click.Choice(["embedding", "none"]),
        help="Recognise people by their faces (the column person), or tell faces apart by place and colours alone. "
        "What is known of a face stays in memory and ends with the run.  [default: embedding, if the bundle has its "
        "graph]",
    ),
    option(
        "Faces",
        "--face",
        metavar="all|largest|nearest:X,Y",
        type=face,
        default="all",
        show_default=True,
        help="Which faces are scored: all, the largest, or that nearest to a point of the picture (pixels, or "
        "fractions).",
    ),
    option(
        "Faces", "--max-faces", metavar="N", type=click.IntRange(min=1), help="Score the N largest or nearest only."
    ),
    option(
        "Faces",
        "--roi",
        metavar="X,Y,W,H",
        type=region,
        help="Score only faces whose centres are in this region of the picture (pixels, or fractions).",
    ),
    option(
        "Faces",
        "--min-quality",
        metavar="0…1",
        type=Finite(min=0, max=1),
        default=0.0,
        help="Leave the AUs' cells empty where the view of a face is poorer than this (the column quality).",
    ),
)
"""Which faces are found, followed and scored; see `face_options` for what becomes of them."""

SOURCES = (
    option("Sources", "--every", metavar="N", type=click.IntRange(min=1), default=1, help="Take one of N frames."),
    option(
        "Sources",
        "--fps",
        metavar="N",
        type=Finite(min=0, min_open=True, max=100_000),
        help="Take so many frames per second of a source that has more, at regular times. The model knows 25 to 30.",
    ),
    option(
        "Sources",
        "--rotate",
        type=click.Choice(["90", "180", "270"]),
        callback=lambda _, __, degrees: int(degrees or 0),
        help="Degrees to turn the pictures clockwise.",
    ),
)
"""Which frames are taken, and how they are turned."""

RUNNING = (
    option(
        "Running",
        "--provider",
        default="auto",
        show_default=True,
        help="What runs the model: tensorrt (the bundle's engines), cuda, ort-tensorrt, openvino or cpu; auto takes "
        "the fastest that is there and right, ort-tensorrt left aside, and says which.",
    ),
    option(
        "Running",
        "--precision",
        metavar="float32|float16|bfloat16|auto",
        help="What OpenVINO computes the model in, faces always in float32; auto takes the fastest that gives the "
        "right scores on this machine, which is tried at the first start with a bundle.  [default: the bundle's, and "
        "float32 in OpenVINO]",
    ),
    option(
        "Running",
        "--threads",
        metavar="N",
        help="Threads that the model takes on the CPU.  [default: MDHR_THREADS, or one per core that the process may "
        "use]",
    ),
)
"""What computes."""


def face_options(face: Choice, max_faces: int | None, roi: Region | None, **settings: Any) -> FaceOptions:
    """The choices of faces that the options of `FACES` state, with further attributes of `FaceOptions`."""
    from ..faces.options import FaceOptions

    return FaceOptions(**settings, choice=replace(face, most=max_faces or face.most, region=roi or face.region))
