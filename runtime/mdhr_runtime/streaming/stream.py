"""Streaming: one backbone pass per frame, final scores a fixed number of frames later."""

from __future__ import annotations

import numpy as np

from ..backends import DeviceGraph
from ..bundle import Manifest
from ..contract import ENCODER, FRAMES
from ..errors import FramesError
from .batch import StreamBatch


class Stream:
    """Scores the consecutive frames of one face while they come in: a `StreamBatch` of one.

    The scores of frame t depend on the frames t − lookahead … t + lookahead. All frames between the first push and
    `flush` count as one clip.

    Args:
        encoder: The graph that describes frames, one by one.
        temporal: The graph that relates them in time.
        manifest: Describes both.
    """

    def __init__(self, encoder: DeviceGraph, temporal: DeviceGraph, manifest: Manifest) -> None:
        self._batch = StreamBatch(encoder, temporal, manifest, slots=1)
        self._no_scores = np.empty((0, len(manifest.layout.aus)), np.float32)
        self._frame_shape = manifest.graphs[ENCODER].inputs[FRAMES].row
        self._slot = self._batch.open()

    def push(self, frames: np.ndarray) -> np.ndarray:
        """Add frames.

        Args:
            frames: (C, 224, 224, 3) uint8, RGB; C ≥ 0.

        Returns:
            (M, N) float32: scores of the frames that became final, M ≥ 0, in order and without a gap.

        Raises:
            FramesError: The frames have another shape or type. The stream is as before.
        """
        self._check(frames)
        most = self._batch.most_frames
        chunks = [frames[start : start + most] for start in range(0, len(frames), most)]
        return np.concatenate([self._no_scores, *(self._batch.push([self._slot], [chunk])[0] for chunk in chunks)])

    def flush(self) -> np.ndarray:
        """End the clip; the next push starts a new one.

        Returns:
            (M, N) float32: scores of the frames that were not final yet.
        """
        if not self._slot.begun:
            return self._no_scores
        (scores,) = self._batch.close([self._slot])
        self._slot = self._batch.open()
        return scores

    def _check(self, frames: np.ndarray) -> None:
        expected = f"(frames, {', '.join(map(str, self._frame_shape))}) uint8"
        if not isinstance(frames, np.ndarray):
            found = type(frames).__name__
        elif frames.dtype != np.uint8 or frames.shape[1:] != self._frame_shape:
            found = f"{frames.shape} {frames.dtype}"
        else:
            return
        raise FramesError(
            f"Frames must be a NumPy array {expected}, RGB.",
            f"These are {found}.",
            "Crop and align faces with mdhr_runtime.faces, convert BGR to RGB, and keep 8 bits per colour.",
        )
