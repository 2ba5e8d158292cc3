"""From a decoded picture to what a player shows: RGB with square pixels, upright, without comb and in ordinary colours.

FFmpeg's filters do the work. Everything that they need to know comes with each picture, since streams change: its size
and format, matrix and range of its colours, whether it is made of two fields, and how it is to be turned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

import av
import numpy as np
from av.video.frame import VideoFrame

from ..defaults import MOST_PIXELS
from ..orientation import matrix_orientation, upright

T = TypeVar("T")

NEARLY_SQUARE = 0.02
"""Pixels whose sides differ by less are square: that is the rounding of an encoder, and scaling costs sharpness."""
FLATTEST = 8
"""Ratio of the sides of a pixel that nobody means."""
UNSPECIFIED = 2
"""Of the colours' matrix, where a stream does not name it."""
BT709 = 1
HIGH_DEFINITION = 720
"""Height in pixels from which on players take BT.709 for the matrix of the colours, and BT.601 below."""
HDR = (16, 18)
"""Transfer characteristics PQ and HLG: their white is brighter than what a screen shows as white."""
TO_SDR = ":out_transfer=iec61966-2-1:out_primaries=bt709:intent=relative_colorimetric"
"""Keeps all that is no brighter than white; highlights become white. The other intents darken faces."""
UNSAFE = frozenset({"yaf32be", "yaf32le"})
"""Formats on which FFmpeg 8.1 aborts the process."""


class ConversionError(Exception):
    """Pictures that cannot be converted.

    Attributes:
        labels: What belongs to them.
    """

    def __init__(self, labels: Sequence[Any]) -> None:
        super().__init__(f"{len(labels)} pictures")
        self.labels = labels


class _Form(NamedTuple):
    """All that a chain of filters depends on."""

    width: int
    height: int
    pixels: str
    aspect: Fraction
    matrix: int
    range: int
    transfer: int
    primaries: int
    interlaced: bool


class Converter(Generic[T]):
    """Converts the pictures of a stream, in order. Some come out only after the next has gone in."""

    def __init__(self) -> None:
        self._form: _Form | None = None
        self._graph: av.filter.Graph | None = None
        self._inside: deque[tuple[T, int]] = deque()  # labels and orientations of the pictures that are in the filters
        self._interlaced = False
        self._count = 0

    def push(self, frame: VideoFrame, aspect: Fraction | None, label: T) -> Iterator[tuple[T, np.ndarray]]:
        """Take a picture in.

        Args:
            frame: The picture.
            aspect: Width of its pixels divided by their height, or None if the stream does not say.
            label: What comes out beside it.

        Yields:
            Labels, and images uint8 (H, W, 3), RGB.

        Raises:
            ConversionError: It cannot be converted. It is lost, with all that had not come out.
        """
        self._interlaced |= frame.interlaced_frame
        form = _Form(
            frame.width,
            frame.height,
            frame.format.name,
            aspect if aspect and 1 / FLATTEST <= aspect <= FLATTEST else Fraction(1),
            frame.colorspace,
            frame.color_range,
            frame.color_trc,
            frame.color_primaries,
            self._interlaced,
        )
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
        turned = 1 if matrix is None else matrix_orientation(np.frombuffer(matrix, np.int32)[:5].tolist())
        self._inside.append((label, turned))
        if form != self._form:
            yield from self.flush()
            self._form = form
        try:
            self._graph = self._graph or _graph(form)
            frame.pts, frame.time_base = self._count, Fraction(1, 1000)  # what filters require, and nobody reads
            self._count += 1
            self._graph.vpush(frame)
        except (av.FFmpegError, ValueError) as error:
            raise self._failure() from error
        yield from self._pull()

    def flush(self) -> Iterator[tuple[T, np.ndarray]]:
        """Give what has not come out. What follows is no continuation of what was.

        Raises:
            ConversionError: See `push`.
        """
        if self._graph is not None and self._inside:
            self._graph.vpush(None)
            yield from self._pull()
        self._graph = None

    def _pull(self) -> Iterator[tuple[T, np.ndarray]]:
        while self._inside and self._graph is not None:
            try:
                converted = self._graph.vpull()
            except (BlockingIOError, EOFError):  # it wants another picture first
                return
            except (av.FFmpegError, ValueError) as error:
                raise self._failure() from error
            label, turned = self._inside.popleft()
            yield label, upright(converted.to_ndarray(), turned)

    def _failure(self) -> ConversionError:
        labels = [label for label, _ in self._inside]
        self._graph = None
        self._inside.clear()
        return ConversionError(labels)


def _graph(form: _Form) -> av.filter.Graph:
    width = max(round(form.width * form.aspect), 1)
    if form.pixels in UNSAFE or width * form.height > MOST_PIXELS:
        raise ValueError(f"{form.pixels} of {width}×{form.height} pixels")
    scale = "flags=bicubic"
    if abs(form.aspect - 1) >= NEARLY_SQUARE:
        scale += f":w={width}:h={form.height}"
    if form.matrix == UNSPECIFIED and form.height >= HIGH_DEFINITION:
        scale += ":in_color_matrix=bt709"
    if form.transfer in HDR:
        scale += TO_SDR
    graph = av.filter.Graph()
    graph.threads = 1  # the other cores are the model's
    picture = f"video_size={form.width}x{form.height}:pix_fmt={form.pixels}:time_base=1/1000"
    chain = [
        graph.add("buffer", f"{picture}:colorspace={form.matrix}:range={form.range}"),
        *([graph.add("bwdif", "mode=send_frame:deint=interlaced")] if form.interlaced else []),
        graph.add("scale", scale),
        graph.add("format", "pix_fmts=rgb24"),
        graph.add("buffersink"),
    ]
    for one, following in pairwise(chain):
        one.link_to(following)
    graph.configure()
    return graph
