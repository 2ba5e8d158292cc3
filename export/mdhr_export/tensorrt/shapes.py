"""The sizes that an engine is built for, as optimisation profiles."""

from __future__ import annotations

from collections.abc import Mapping

from mdhr_runtime.bundle import GraphRecord, Manifest
from mdhr_runtime.contract import CLIP, ENCODER, FRAMES_DIM, STREAMS_DIM, TEMPORAL
from mdhr_runtime.errors import ConfigError

from ..verify import VERIFY_FRAMES

Profile = Mapping[str, tuple[tuple[int, ...], ...]]
"""Per input with a dynamic shape: its least, likeliest and largest shape."""


def profiles_of(name: str, manifest: Manifest, max_batch: int, max_frames: int) -> tuple[Profile, ...]:
    """Optimisation profiles of a graph.

    The first is for one camera: exactly one frame of one stream (of the clip graph, one clip), a fixed shape that
    TensorRT can tune for. The second takes every size up to the largest.

    Args:
        name: The graph's name.
        manifest: The bundle's description of it.
        max_batch: Streams at once.
        max_frames: Frames of a stream at once.

    Raises:
        ConfigError: The sizes are too small for the end of a stream.
    """
    if max_frames < manifest.lookahead:
        raise ConfigError(
            f"--max-frames {max_frames} is too small.",
            f"The end of a stream takes {manifest.lookahead} frames, the lookahead, in one run.",
            f"Use --max-frames {manifest.lookahead} or more.",
        )
    clip = manifest.clip_frames
    one, likeliest, largest = {  # each streams, frames
        ENCODER: ((1, 1), (1, max_batch), (1, max(max_batch, max_frames))),
        # Cameras come with one frame each; a single stream that comes in larger steps is a file.
        TEMPORAL: ((1, 1), (max_batch, 1 if max_batch > 1 else max_frames), (max_batch, max_frames)),
        # The clip that engines are verified on must fit too.
        CLIP: ((1, clip), (max_batch, clip), (max_batch, max(clip, max_frames, VERIFY_FRAMES))),
    }[name]
    least = (1, 1)
    record = manifest.graphs[name]
    return _profile(record, one, one, one), _profile(record, least, likeliest, largest)


def _profile(record: GraphRecord, *bounds: tuple[int, int]) -> Profile:
    """Shapes of the inputs for each number of streams and frames."""
    sizes = [{STREAMS_DIM: streams, FRAMES_DIM: frames} for streams, frames in bounds]
    return {
        name: tuple(tuple(of[size] if isinstance(size, str) else size for size in tensor.shape) for of in sizes)
        for name, tensor in record.inputs.items()
        if any(isinstance(size, str) for size in tensor.shape)
    }
