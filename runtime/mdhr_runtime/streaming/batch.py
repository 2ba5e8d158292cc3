"""Many streams at once: their frames go through the encoder together, and their states through the temporal graph."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..backends import Buffer, Graph, Region
from ..bundle import Manifest
from ..contract import ENCODER, FRAMES, FRAMES_DIM, NEW_STATE, SCORES, STATE, STREAMS_DIM, TEMPORAL, VALID

CHUNK = 16
"""Frames per run of the graphs at most, so that many need no more memory than few."""

SLOTS = 8
"""Streams whose states lie side by side, and so the most that go through the temporal graph in one run."""


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


class Block:
    """Memory for the states of some streams, twice: every run reads one copy and writes the other.

    Args:
        number: Its place among the blocks.
        slots: Number of streams.
        temporal: The graph whose states they are.
        manifest: What the bundle says of it.

    Attributes:
        number: Its place among the blocks.
        free: Slots that no stream has, in order.
    """

    def __init__(self, number: int, slots: int, temporal: Graph, manifest: Manifest) -> None:
        self.number = number
        records = {
            name.removeprefix(STATE): record
            for name, record in manifest.graphs[TEMPORAL].inputs.items()
            if name.startswith(STATE)
        }
        self._copies = [
            {name: temporal.allocate(slots, record.shape[1:], record.dtype) for name, record in records.items()}
            for _ in range(2)
        ]
        self.free = list(range(slots))

    def states(self, prefix: str, side: int, slot: int, count: int) -> dict[str, Region]:
        """The states of neighbouring slots in one of the copies, by the names that the graph has for them."""
        return {prefix + name: buffer.region(slot, count) for name, buffer in self._copies[side].items()}


@dataclass(eq=False)
class Lane:
    """One stream of a batch: its place, and how far it has come.

    Attributes:
        block: Where its state lies.
        slot: Its place there.
        progress: Which scores belong to frames.
        side: Which copy holds its state; None before its first frame, when the state is zeros.
        newest: Scores (N,) of its newest frame if they are final at once, in a model without lookahead; else None.
    """

    block: Block
    slot: int
    progress: Progress
    side: int | None = None
    newest: np.ndarray | None = None


@dataclass
class Run:
    """Neighbouring lanes that go through the temporal graph at once, all with as many frames.

    Attributes:
        frames: Frames of each.
        lanes: Neighbours in one block, whose states are in the same copy.
        places: Position of each lane in what the caller asked for.
        row: Row of their first feature.
    """

    frames: int
    lanes: list[Lane] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    row: int = 0

    @property
    def rows(self) -> int:
        """Number of features."""
        return self.frames * len(self.lanes)

    def takes(self, lane: Lane, frames: int) -> bool:
        """Whether a lane can join at the end."""
        last = self.lanes[-1]
        neighbours = lane.block is last.block and lane.slot == last.slot + 1
        return neighbours and lane.side == last.side and frames == self.frames


class StreamBatch:
    """Scores many faces at once, each as a `Stream` of its own would.

    Features and states are written where the next graph reads them: nothing is copied, and on a GPU nothing but frames
    and scores crosses to the host. A lane's state lies in one of two copies in turns. Lanes that lie side by side and
    have come equally far, as the faces of a camera and the files of a batch do, take one run of the temporal graph;
    those of cameras that are out of step take one each.

    Not safe to use from several threads.

    Args:
        encoder: The graph that describes frames, one by one.
        temporal: The graph that relates them in time.
        manifest: What the bundle says of both.
        slots: Streams whose states are allocated at once; there may be more.

    Attributes:
        most_frames: The most frames that a stream takes in one push.
    """

    def __init__(self, encoder: Graph, temporal: Graph, manifest: Manifest, slots: int = SLOTS) -> None:
        self._encoder, self._temporal, self._manifest = encoder, temporal, manifest
        self._lookahead = manifest.lookahead
        self._aus = len(manifest.layout.aus)
        valid = manifest.graphs[TEMPORAL].inputs.get(VALID)
        self._valid = None if valid is None else np.dtype(valid.dtype)
        self._slots = min(slots, temporal.limits.get(STREAMS_DIM, slots))
        self._chunk = min(CHUNK, encoder.limits.get(FRAMES_DIM, CHUNK))
        self.most_frames = min(self._chunk, temporal.limits.get(FRAMES_DIM, CHUNK))
        self._frames = np.empty((self._chunk, *manifest.graphs[ENCODER].inputs[FRAMES].shape[1:]), np.uint8)
        self._blocks: list[Block] = []
        self._features = self._feature_buffers(self._chunk)
        # A model without lookahead owes no scores at a stream's end, and is never given anything but frames.
        self._no_features = self._feature_buffers(self._slots * self._lookahead, zeros=True) if self._lookahead else {}
        self._no_states = {
            name: temporal.allocate(self._slots, record.shape[1:], record.dtype, zeros=True)
            for name, record in manifest.graphs[TEMPORAL].inputs.items()
            if name.startswith(STATE)
        }

    @property
    def lanes(self) -> int:
        """Number of streams that have begun and not ended."""
        return sum(self._slots - len(block.free) for block in self._blocks)

    def open(self) -> Lane:
        """Begin a stream."""
        block = next((block for block in self._blocks if block.free), None)
        if block is None:
            block = Block(len(self._blocks), self._slots, self._temporal, self._manifest)
            self._blocks.append(block)
        return Lane(block, block.free.pop(0), Progress(self._lookahead))

    def push(self, lanes: Sequence[Lane], crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Add frames to streams.

        Args:
            lanes: Different streams.
            crops: For each of them, uint8 (T, 224, 224, 3), RGB, with 1 ≤ T ≤ `most_frames`.

        Returns:
            For each stream, float32 (M, N): scores of the frames that became final, in order.
        """
        scores = [np.empty((0, self._aus), np.float32)] * len(lanes)
        # Beginners write the copy that the others of their block write now, and so stay in step with them.
        to = {lane.block: 1 - lane.side for lane in lanes if lane.side is not None}
        for wave in _waves(_runs(lanes, [len(frames) for frames in crops], self._chunk), self._chunk):
            self._encode([crops[place] for run in wave for place in run.places])
            for run in wave:
                for place, values in zip(run.places, self._advance(run, to), strict=True):
                    scores[place] = values
        return scores

    def provisional(self, lanes: Sequence[Lane]) -> np.ndarray:
        """Score the newest frame of streams as if it was their last. The streams are as before.

        Args:
            lanes: Different streams, each of which has frames.

        Returns:
            float32 (B, N).
        """
        scores = np.empty((len(lanes), self._aus), np.float32)
        for place, lane in enumerate(lanes):
            if lane.newest is not None:
                scores[place] = lane.newest
        for run, ends in self._ended(lanes):
            scores[run.places] = ends[:, -1]
        return scores

    def close(self, lanes: Sequence[Lane]) -> list[np.ndarray]:
        """End streams; their memory is free for others.

        Args:
            lanes: Different streams, each of which has frames.

        Returns:
            For each stream, float32 (M, N): scores of the frames that were not final yet.
        """
        scores = [np.empty((0, self._aus), np.float32)] * len(lanes)
        for run, ends in self._ended(lanes):
            for place, lane, values in zip(run.places, run.lanes, ends, strict=True):
                scores[place] = values[lane.progress.advance(self._lookahead) :]
        for lane in lanes:
            insort(lane.block.free, lane.slot)
        return scores

    def _encode(self, crops: Sequence[np.ndarray]) -> None:
        """Describe frames; their features fill the first rows of the buffers."""
        count = 0
        for frames in crops:
            self._frames[count : count + len(frames)] = frames
            count += len(frames)
        outputs = {name: buffer.region(0, count) for name, buffer in self._features.items()}
        self._encoder.run({FRAMES: self._frames[:count]}, outputs)

    def _advance(self, run: Run, to: Mapping[Block, int]) -> list[np.ndarray]:
        """Take the features of a run into its lanes' states; return the scores that became final, per lane."""
        first = run.lanes[0]
        side = to.get(first.block, 0) if first.side is None else 1 - first.side
        scores = self._relate(run, self._features, 1, side)
        for lane, values in zip(run.lanes, scores, strict=True):
            lane.side = side
            if not self._lookahead:
                lane.newest = values[-1]
        return [values[lane.progress.advance(run.frames) :] for lane, values in zip(run.lanes, scores, strict=True)]

    def _ended(self, lanes: Sequence[Lane]) -> Iterator[tuple[Run, np.ndarray]]:
        """Scores (B, lookahead, N) of the frames that are not final, as if each lane's newest was its last."""
        if not self._lookahead:
            return
        for run in _runs(lanes, [self._lookahead] * len(lanes), self._slots * self._lookahead):
            # The copy that does not hold the state may be overwritten: the next step's is going to be written there.
            yield run, self._relate(run, self._no_features, 0, 1 - run.lanes[0].side)

    def _relate(self, run: Run, features: Mapping[str, Buffer], valid: int, side: int) -> np.ndarray:
        """Run the temporal graph; return its scores (B, T, N)."""
        first, count = run.lanes[0], len(run.lanes)
        inputs: dict[str, np.ndarray | Region] = {
            name: buffer.region(run.row, count, run.frames) for name, buffer in features.items()
        }
        if self._valid is not None:
            inputs[VALID] = np.full((count, run.frames), valid, self._valid)
        if first.side is None:
            inputs |= {name: buffer.region(0, count) for name, buffer in self._no_states.items()}
        else:
            inputs |= first.block.states(STATE, first.side, first.slot, count)
        scores = np.empty((count, run.frames, self._aus), np.float32)
        self._temporal.run(inputs, {SCORES: scores} | first.block.states(NEW_STATE, side, first.slot, count))
        return scores

    def _feature_buffers(self, rows: int, *, zeros: bool = False) -> dict[str, Buffer]:
        records = self._manifest.graphs[TEMPORAL].inputs
        return {
            name: self._temporal.allocate(rows, records[name].shape[2:], records[name].dtype, zeros=zeros)
            for name in self._manifest.graphs[ENCODER].outputs
        }


def _runs(lanes: Sequence[Lane], frames: Sequence[int], most_rows: int) -> Iterator[Run]:
    """Arrange lanes into as few runs as possible.

    Args:
        lanes: Different streams.
        frames: Number of frames of each.
        most_rows: Most features of a run.
    """
    run = None
    for place in sorted(range(len(lanes)), key=lambda place: (lanes[place].block.number, lanes[place].slot)):
        lane, count = lanes[place], frames[place]
        if run is None or run.rows + count > most_rows or not run.takes(lane, count):
            if run is not None:
                yield run
            run = Run(count)
        run.lanes.append(lane)
        run.places.append(place)
    if run is not None:
        yield run


def _waves(runs: Iterable[Run], most_rows: int) -> Iterator[list[Run]]:
    """Gather runs whose frames go through the encoder at once, and give them their rows.

    Args:
        runs: In order.
        most_rows: Most frames of a wave.
    """
    wave: list[Run] = []
    row = 0
    for run in runs:
        if row + run.rows > most_rows:
            yield wave
            wave, row = [], 0
        run.row = row
        row += run.rows
        wave.append(run)
    if wave:
        yield wave
