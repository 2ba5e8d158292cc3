"""Videos of any codec that PyAV encodes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write(
    path: Path,
    images: Sequence[np.ndarray],
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    muxer: Mapping[str, str] | None = None,
    fps: int = 25,
    milliseconds: Sequence[int] | None = None,
) -> Path:
    """Encode images (H, W, 3), uint8 RGB, into a file whose suffix names the container.

    Args:
        path: The file.
        images: The pictures, all of one size.
        codec: FFmpeg's name of the encoder.
        options: The encoder's options.
        muxer: The container's options.
        fps: Pictures per second.
        milliseconds: When each picture is shown; None is regularly.
    """
    with own_priority(), av.open(str(path), "w", options=dict(muxer or {})) as container:
        stream = container.add_stream(codec, fps, options=dict(options or {}))
        stream.height, stream.width = images[0].shape[:2]
        if milliseconds is not None:
            stream.codec_context.time_base = Fraction(1, 1000 if codec == "libx264" else fps)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            if milliseconds is not None:
                frame.pts, frame.time_base = milliseconds[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@contextmanager
def own_priority() -> Iterator[None]:
    """Leave this thread's priority as it is.

    SVT-AV1, where root encodes with it, gives the thread that opens it real-time priority, for good: it and all that
    tests start later then come before everything else on the machine, and make what runs beside them wait for ever.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
