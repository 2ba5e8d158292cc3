"""Streaming: one backbone pass per frame, final scores a fixed number of frames later."""

from __future__ import annotations

import numpy as np

from .backends import Graph
from .bundle import Manifest
from .errors import FramesError

CHUNK = 16
"""Frames per run of the graphs at most, so that a long push needs no more memory than a short one."""

VALID = "valid"
"""Input of the temporal graph, if it has a state: 1 for frames, 0 for padding."""

STATE = "state_"
NEW_STATE = "new_state_"


class Progress:
    """How far a stream has come: which of the temporal graph's scores belong to frames.

    After `seen` frames, row i of the graph's next scores is that of frame seen + i − lookahead. Those before the first
    frame are the zero padding's.

    Args:
        lookahead: Frames by which final scores lag behind.
    """

    def __init__(self, lookahead: int) -> None:
        self._lookahead = lookahead
        self._seen = 0

    def advance(self, frames: int) -> int:
        """Count new frames, or the lookahead's invalid ones, and return how many of their first rows are padding's."""
        padding = min(max(0, self._lookahead - self._seen), frames)
        self._seen += frames
        return padding


class Stream:
    """Scores the consecutive frames of one face while they come in.

    The scores of frame t depend on the frames t − lookahead … t + lookahead. All frames between the first push and
    `flush` count as one clip.

    Args:
        encoder: The graph that describes frames, one by one.
        temporal: The graph that relates them in time.
        manifest: What the bundle says of both.
    """

    def __init__(self, encoder: Graph, temporal: Graph, manifest: Manifest) -> None:
        self._encoder = encoder
        self._temporal = temporal
        self._inputs = manifest.graphs["temporal"].inputs
        self._features = tuple(manifest.graphs["encoder"].outputs)
        self._aus = len(manifest.layout.aus)
        self._frame_shape = tuple(manifest.graphs["encoder"].inputs["frames"].shape[1:])
        self._lookahead = manifest.lookahead
        self._restart()

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
        chunks = [frames[start : start + CHUNK] for start in range(0, len(frames), CHUNK)]
        scores = [self._step(self._encoder({"frames": np.ascontiguousarray(chunk)}), 1) for chunk in chunks]
        return np.concatenate(scores) if scores else np.empty((0, self._aus), np.float32)

    def flush(self) -> np.ndarray:
        """End the clip; the next push starts a new one.

        Returns:
            (M, N) float32: scores of the frames that were not final yet.
        """
        scores = np.empty((0, self._aus), np.float32)
        if self._lookahead:
            scores = self._step({name: self._zeros(name, self._lookahead) for name in self._features}, 0)
        self._restart()
        return scores

    def _restart(self) -> None:
        self._state = {name: self._zeros(name) for name in self._inputs if name.startswith(STATE)}
        self._progress = Progress(self._lookahead)

    def _step(self, features: dict[str, np.ndarray], valid: int) -> np.ndarray:
        """Run the temporal graph over per-frame features (T, …); returns the scores that became final."""
        count = len(features[self._features[0]])
        feed = {name: features[name][None] for name in self._features}
        if VALID in self._inputs:
            feed[VALID] = np.full((1, count), valid, self._inputs[VALID].dtype)
        outputs = self._temporal(feed | self._state)
        self._state = {STATE + name.removeprefix(NEW_STATE): x for name, x in outputs.items() if NEW_STATE in name}
        return outputs["scores"][0, self._progress.advance(count) :]

    def _zeros(self, name: str, frames: int | None = None) -> np.ndarray:
        """Zeros for an input of the temporal graph: one stream's states, or per-frame features without streams."""
        record = self._inputs[name]
        if frames is None:
            return np.zeros((1, *record.shape[1:]), record.dtype)
        return np.zeros((frames, *record.shape[2:]), record.dtype)

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
