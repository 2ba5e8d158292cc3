"""The contents of `config.pbtxt`, by which Triton serves a graph.

Field names and their meaning are those of Triton's `model_config.proto`. The schema's own Python package comes with
Triton's client and serves the tests; a bundle is handed over without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mdhr_runtime.bundle import GraphRecord, TensorRecord
from mdhr_runtime.contract import NEW_STATE, STATE, state_names

DTYPES = {  # NumPy's name → Triton's
    "uint8": "TYPE_UINT8",
    "int32": "TYPE_INT32",
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
}


class Word(str):
    """Value of an enumeration: text without quotes."""


Message = Mapping[str, Any]
"""A message: its fields by name. Values are text, `Word`s, truth values, numbers, messages, or lists of them."""


@dataclass(frozen=True)
class Limits:
    """The load that a server must be ready for.

    A TensorRT engine must have been built for at least as much.

    Attributes:
        frames: Frames per run of the encoder, from all clients together.
        streams: Streams per run of the temporal graph, and clips per run of the clip graph.
        sequences: Streams that are open at the same time. Further ones wait until one ends.
        idle_seconds: Seconds without a frame after which a stream is forgotten.
    """

    frames: int = 16
    streams: int = 16
    sequences: int = 64
    idle_seconds: float = 10.0


def model_config(
    name: str, graph: GraphRecord, backend: str, batch: int, limits: Limits, notes: Mapping[str, str]
) -> Message:
    """Describe a graph for Triton.

    Its first dimension, frames or streams, becomes Triton's batch. A graph with states is served as a sequence model
    whose states Triton keeps; any other one as a stateless model whose requests are batched as they come.

    Args:
        name: The model's name in the repository.
        graph: The graph's inputs and outputs.
        backend: Triton's name of the backend that runs it.
        batch: Largest batch.
        limits: The load that the server must be ready for.
        notes: Facts for clients, by name; they find them among the model's parameters.

    Returns:
        The configuration, for `to_text`.
    """
    scheduling: Message = {"dynamic_batching": {}}
    if state_names(graph.inputs):
        scheduling = {"sequence_batching": _sequences(graph, limits)}
    return {
        "name": name,
        "backend": backend,
        "max_batch_size": batch,
        "input": _tensors(graph.inputs, without=STATE),
        "output": _tensors(graph.outputs, without=NEW_STATE),
        **scheduling,
        "parameters": [{"key": key, "value": {"string_value": value}} for key, value in notes.items()],
    }


def _tensors(tensors: Mapping[str, TensorRecord], without: str) -> list[Message]:
    return [{"name": name, **_type(tensor)} for name, tensor in tensors.items() if not name.startswith(without)]


def _type(tensor: TensorRecord) -> Message:
    """Element type and sizes without the batch; -1 is a size that a request chooses."""
    return {
        "data_type": Word(DTYPES[tensor.dtype]),
        "dims": [-1 if isinstance(size, str) else size for size in tensor.shape[1:]],
    }


def _sequences(graph: GraphRecord, limits: Limits) -> Message:
    """States that Triton keeps for every sequence, from zeros on.

    No control input is asked for: zeros start a stream, and the graph's own `valid` tells padding from frames. The
    strategy "oldest" batches those streams that have frames waiting; "direct" would give every open stream a fixed
    slot in the batch, and compute the slots of streams without a frame for nothing.
    """
    return {
        "max_sequence_idle_microseconds": round(limits.idle_seconds * 1e6),
        "oldest": {"max_candidate_sequences": limits.sequences},
        # Triton pairs states by the alphabetical order of both names (triton-inference-server/server, issue 8586):
        # the same prefix before the same names keeps the two orders equal.
        "state": [
            {
                "input_name": STATE + name,
                "output_name": NEW_STATE + name,
                **_type(graph.inputs[STATE + name]),
                "initial_state": {"name": "zeros", **_type(graph.inputs[STATE + name]), "zero_data": True},
            }
            for name in state_names(graph.inputs)
        ],
    }


def to_text(message: Message) -> str:
    """Write a message in the text form of protocol buffers.

    Args:
        message: Its fields, in the order in which they are written.

    Returns:
        Lines, the last one ended too.
    """
    return "".join(f"{line}\n" for line in _lines(message))


def _lines(message: Message) -> Iterator[str]:
    for name, value in message.items():
        if isinstance(value, Mapping):
            yield from _block(name, value)
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for part in value:
                yield from _block(name, part)
        else:
            yield f"{name}: {_scalar(value)}"


def _block(name: str, message: Message) -> Iterator[str]:
    yield f"{name} {{"
    yield from (f"  {line}" for line in _lines(message))
    yield "}"


def _scalar(value: str | bool | int | list[int]) -> str:
    if isinstance(value, Word):
        return str(value)
    return json.dumps(value)  # writes strings, numbers, truth values and lists of numbers as the text form does
