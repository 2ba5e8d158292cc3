"""Many streams at once: their frames go through the encoder together, and their states through the temporal graph.

A graph must not write where it reads, so every block of streams has two buffers for its states. A run of the temporal
graph reads a stream's state from one of them and writes the new state into the other; the next run goes the other way:

    slot of the block     0      1      2      3
    buffer 0           | s(t) | s(t) | s(t) |      |    ── read ──┐
                                                          temporal graph ── scores
    buffer 1           |s(t+1)|s(t+1)|s(t+1)|      |    ◄─ write ─┘

`StreamSlot.buffer` is the index of the buffer that holds a stream's state. Neighbouring slots with the same index and
as many frames form a contiguous group, and take one run: slots 0 to 2 here. The buffer that does not hold a stream's
state is scratch space in the meantime: looking ahead writes states there that nobody reads.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..backends import Buffer, DeviceGraph, TensorView
from ..bundle import Manifest
from ..contract import (
    ENCODER,
    FRAMES,
    FRAMES_DIM,
    NEW_STATE,
    SCORES,
    STATE,
    STREAMS_DIM,
    TEMPORAL,
    VALID,
    state_names,
)

CHUNK = 16
"""Frames per run of the graphs at most, so that many need no more memory than few."""

SLOTS = 8
"""Streams whose states are side by side, and so the most that go through the temporal graph in one run."""


class StateBlock:
    """Two buffers for the states of some streams.

    Args:
        number: Its position among the blocks.
        slots: Number of streams.
        temporal: The graph whose states they are.
        manifest: Describes its tensors.

    Attributes:
        number: Its position among the blocks.
        free: Indices of the slots that no stream has, in order.
    """

    def __init__(self, number: int, slots: int, temporal: DeviceGraph, manifest: Manifest) -> None:
        self.number = number
        self.free = list(range(slots))
        self._buffers = [_state_buffers(slots, temporal, manifest) for _ in range(2)]

    def states(self, prefix: str, buffer: int, first: int, count: int) -> dict[str, TensorView]:
        """The states of neighbouring slots in one of the buffers, by the names that the graph has for them."""
        return {prefix + name: memory.view(first, count) for name, memory in self._buffers[buffer].items()}


@dataclass(eq=False)
class StreamSlot:
    """One stream of a batch: where its state is, and how far it has come.

    Attributes:
        block: The buffers of its state.
        index: Its position in them.
        seen: Frames that it has been given, and invalid ones at its end.
        buffer: Index of the buffer that holds its state; None before its first frame, when the state is zeros.
        newest: Scores (N,) of its newest frame if they are final at once, in a model without lookahead; else None.
    """

    block: StateBlock
    index: int
    seen: int = 0
    buffer: int | None = None
    newest: np.ndarray | None = None

    @property
    def begun(self) -> bool:
        """Whether a frame has come."""
        return self.buffer is not None

    def advance(self, scores: np.ndarray, lookahead: int) -> np.ndarray:
        """Count the frames of a run, and choose those of its scores that belong to frames.

        Row i of the scores is that of frame seen + i − lookahead. Those before the first frame are the zero padding's.

        Args:
            scores: (T, N), of the last T frames, or of as many invalid ones.
            lookahead: Frames by which final scores lag behind.
        """
        padding = max(0, lookahead - self.seen)
        self.seen += len(scores)
        return scores[padding:]


@dataclass
class _Group:
    """Neighbouring slots that go through the temporal graph in one run, all with as many frames.

    Attributes:
        frames: Frames of each.
        slots: Neighbours in one block, whose states are in the same buffer.
        positions: Position of each slot in what the caller asked for.
        row: Row of their first feature.
    """

    frames: int
    slots: list[StreamSlot] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    row: int = 0

    @property
    def first(self) -> StreamSlot:
        """The first slot."""
        return self.slots[0]

    @property
    def rows(self) -> int:
        """Number of features."""
        return self.frames * len(self.slots)

    def takes(self, slot: StreamSlot, frames: int) -> bool:
        """Whether a slot can join at the end."""
        last = self.slots[-1]
        neighbours = slot.block is last.block and slot.index == last.index + 1
        return neighbours and slot.buffer == last.buffer and frames == self.frames


class StreamBatch:
    """Scores many faces at once, each as a `Stream` of its own would.

    Features and states are written where the next graph reads them: nothing is copied, and on a GPU nothing but frames
    and scores crosses to the host. Streams in neighbouring slots that have come equally far, as the faces of a camera
    and the files of a batch do, take one run of the temporal graph; those of cameras that are out of step take one
    each.

    Not safe to use from several threads.

    Args:
        encoder: The graph that describes frames, one by one.
        temporal: The graph that relates them in time.
        manifest: Describes both.
        slots: Streams whose states are allocated at once; there may be more.

    Attributes:
        most_frames: The most frames that a stream takes in one push.
    """

    def __init__(self, encoder: DeviceGraph, temporal: DeviceGraph, manifest: Manifest, slots: int = SLOTS) -> None:
        self._encoder = encoder
        self._temporal = temporal
        self._manifest = manifest
        self._lookahead = manifest.lookahead
        self._no_scores = np.empty((0, len(manifest.layout.aus)), np.float32)
        valid = manifest.graphs[TEMPORAL].inputs.get(VALID)
        self._valid_dtype = None if valid is None else np.dtype(valid.dtype)
        self._slots = min(slots, temporal.limits.get(STREAMS_DIM, slots))
        self._chunk = min(CHUNK, encoder.limits.get(FRAMES_DIM, CHUNK))
        self.most_frames = min(self._chunk, temporal.limits.get(FRAMES_DIM, CHUNK))
        self._frames = np.empty((self._chunk, *manifest.graphs[ENCODER].inputs[FRAMES].row), np.uint8)
        self._features = self._feature_buffers(self._chunk)
        # A model without lookahead owes no scores at a stream's end, and is never given anything but frames.
        self._no_features = self._feature_buffers(self._slots * self._lookahead, zeros=True) if self._lookahead else {}
        self._no_states = _state_buffers(self._slots, temporal, manifest, zeros=True)
        self._blocks: list[StateBlock] = []

    @property
    def streams(self) -> int:
        """Number of streams that have begun and not ended."""
        return sum(self._slots - len(block.free) for block in self._blocks)

    def open(self) -> StreamSlot:
        """Begin a stream."""
        block = next((block for block in self._blocks if block.free), None)
        if block is None:
            block = StateBlock(len(self._blocks), self._slots, self._temporal, self._manifest)
            self._blocks.append(block)
        return StreamSlot(block, block.free.pop(0))

    def push(self, slots: Sequence[StreamSlot], crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Add frames to streams.

        Args:
            slots: Different streams.
            crops: For each of them, uint8 (T, 224, 224, 3), RGB, with 1 ≤ T ≤ `most_frames`.

        Returns:
            For each stream, float32 (M, N): scores of the frames that became final, in order.
        """
        scores = [self._no_scores] * len(slots)
        # A new stream writes into the buffer that its block's other streams write now, and so stays in step with them.
        written = {slot.block: 1 - slot.buffer for slot in slots if slot.buffer is not None}
        groups = _contiguous_groups(slots, [len(frames) for frames in crops], self._chunk)
        for micro_batch in _micro_batches(groups, self._chunk):
            self._encode([crops[position] for group in micro_batch for position in group.positions])
            for group in micro_batch:
                before = group.first.buffer
                target = written.get(group.first.block, 0) if before is None else 1 - before
                found = self._relate(group, self._features, valid=1, target=target)
                for position, slot, values in zip(group.positions, group.slots, found, strict=True):
                    slot.buffer = target
                    if not self._lookahead:
                        slot.newest = values[-1]
                    scores[position] = slot.advance(values, self._lookahead)
        return scores

    def provisional(self, slots: Sequence[StreamSlot]) -> np.ndarray:
        """Score the newest frame of streams as if it was their last. The streams are as before.

        Args:
            slots: Different streams, each of which has frames.

        Returns:
            float32 (B, N).
        """
        scores = np.empty((len(slots), self._no_scores.shape[1]), np.float32)
        for position, slot in enumerate(slots):
            if slot.newest is not None:
                scores[position] = slot.newest
        for group, found in self._as_if_ended(slots):
            scores[group.positions] = found[:, -1]
        return scores

    def close(self, slots: Sequence[StreamSlot]) -> list[np.ndarray]:
        """End streams; their memory is free for others.

        Args:
            slots: Different streams, each of which has frames.

        Returns:
            For each stream, float32 (M, N): scores of the frames that were not final yet.
        """
        scores = [self._no_scores] * len(slots)
        for group, found in self._as_if_ended(slots):
            for position, slot, values in zip(group.positions, group.slots, found, strict=True):
                scores[position] = slot.advance(values, self._lookahead)
        for slot in slots:
            insort(slot.block.free, slot.index)
        return scores

    def _encode(self, crops: Sequence[np.ndarray]) -> None:
        """Describe frames; their features fill the first rows of the buffers."""
        count = 0
        for frames in crops:
            self._frames[count : count + len(frames)] = frames
            count += len(frames)
        outputs = {name: buffer.view(0, count) for name, buffer in self._features.items()}
        self._encoder.run({FRAMES: self._frames[:count]}, outputs)

    def _as_if_ended(self, slots: Sequence[StreamSlot]) -> Iterator[tuple[_Group, np.ndarray]]:
        """Scores (B, lookahead, N) of the frames that are not final, as if each stream's newest was its last."""
        if not self._lookahead:
            return
        for group in _contiguous_groups(slots, [self._lookahead] * len(slots), self._slots * self._lookahead):
            target = 0 if group.first.buffer else 1  # the buffer that does not hold the state
            yield group, self._relate(group, self._no_features, valid=0, target=target)

    def _relate(self, group: _Group, features: Mapping[str, Buffer], *, valid: int, target: int) -> np.ndarray:
        """Run the temporal graph.

        Args:
            group: The streams.
            features: Features of their frames, from the group's row on.
            valid: Whether they are those of frames (1) or of padding (0).
            target: Index of the buffer that takes the new states.

        Returns:
            float32 (B, T, N): the run's scores.
        """
        block, slot, count = group.first.block, group.first.index, len(group.slots)
        inputs: dict[str, np.ndarray | TensorView] = {
            name: buffer.view(group.row, count, group.frames) for name, buffer in features.items()
        }
        if self._valid_dtype is not None:
            inputs[VALID] = np.full((count, group.frames), valid, self._valid_dtype)
        if group.first.buffer is None:
            inputs |= {STATE + name: buffer.view(0, count) for name, buffer in self._no_states.items()}
        else:
            inputs |= block.states(STATE, group.first.buffer, slot, count)
        scores = np.empty((count, group.frames, self._no_scores.shape[1]), np.float32)
        self._temporal.run(inputs, {SCORES: scores, **block.states(NEW_STATE, target, slot, count)})
        return scores

    def _feature_buffers(self, rows: int, *, zeros: bool = False) -> dict[str, Buffer]:
        records = self._manifest.graphs[TEMPORAL].inputs
        return {
            name: self._temporal.allocate(rows, records[name].row, records[name].dtype, zeros=zeros)
            for name in self._manifest.graphs[ENCODER].outputs
        }


def _state_buffers(slots: int, temporal: DeviceGraph, manifest: Manifest, *, zeros: bool = False) -> dict[str, Buffer]:
    """Allocate memory for the states of some streams, by their names without a prefix."""
    records = manifest.graphs[TEMPORAL].inputs
    return {
        name: temporal.allocate(slots, records[STATE + name].row, records[STATE + name].dtype, zeros=zeros)
        for name in state_names(records)
    }


def _contiguous_groups(slots: Sequence[StreamSlot], frames: Sequence[int], most_rows: int) -> Iterator[_Group]:
    """Arrange slots into as few groups as possible.

    Args:
        slots: Different streams.
        frames: Number of frames of each.
        most_rows: Most features of a group.
    """
    group = None
    for position in sorted(range(len(slots)), key=lambda each: (slots[each].block.number, slots[each].index)):
        slot, count = slots[position], frames[position]
        if group is None or group.rows + count > most_rows or not group.takes(slot, count):
            if group is not None:
                yield group
            group = _Group(count)
        group.slots.append(slot)
        group.positions.append(position)
    if group is not None:
        yield group


def _micro_batches(groups: Iterable[_Group], most_rows: int) -> Iterator[list[_Group]]:
    """Gather groups whose frames go through the encoder at once, and give them their rows.

    Args:
        groups: In order.
        most_rows: Most frames of a micro-batch.
    """
    micro_batch: list[_Group] = []
    row = 0
    for group in groups:
        if row + group.rows > most_rows:
            yield micro_batch
            micro_batch, row = [], 0
        group.row = row
        row += group.rows
        micro_batch.append(group)
    if micro_batch:
        yield micro_batch
