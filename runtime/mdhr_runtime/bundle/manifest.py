"""The manifest: a bundle's description of itself. This file is the format's definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from ..contract import (
    ENCODER,
    FRAMES,
    FRAMES_DIM,
    NEW_STATE,
    NODES,
    PUBLISHED,
    SCORE,
    SCORES,
    STATE,
    STREAMS_DIM,
    TEMPORAL,
    VALID,
    OutputRecord,
    state_names,
)
from ..layout import Layout
from ..records import Count, Positive, Text

SCHEMA = 4
"""Version of the format. It rises when a reader of the old version would misread a new bundle. 2 added engines, 3 the
meaning of outputs, 4 what the network sees of a crop; all are optional in older bundles, which are still read."""

PORTABLE = "portable"
"""Stands in place of a GPU's name in the record of an engine that runs on many."""

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256 in hexadecimal."""

ElementType = Annotated[str, Meta(pattern=r"^(u?int(8|16|32|64)|float(16|32|64)|bool)\Z")]
Precision = Annotated[str, Meta(pattern=r"^float(16|32)\Z")]
Size = Annotated[int, Meta(ge=1, le=1 << 24)]
Duration = Annotated[int, Meta(ge=0, le=1 << 10)]
"""Frames."""


@dataclass(frozen=True)
class TensorRecord:
    """An input or output of a graph.

    Attributes:
        dtype: NumPy's name of the element type.
        shape: Sizes; a dynamic dimension has a name instead, such as "streams" or "frames".
    """

    dtype: ElementType
    shape: Annotated[tuple[Size | Text, ...], Meta(max_length=8)]

    @property
    def row(self) -> tuple[int, ...]:
        """The fixed sizes: what one frame, or one stream's state, takes."""
        return tuple(size for size in self.shape if isinstance(size, int))


@dataclass(frozen=True)
class GraphRecord:
    """A graph of the bundle.

    Attributes:
        file: Path within the bundle, with forward slashes.
        inputs: Inputs by name.
        outputs: Outputs by name.
    """

    file: Text
    inputs: Mapping[Text, TensorRecord]
    outputs: Mapping[Text, TensorRecord]


@dataclass(frozen=True)
class ParityRecord:
    """Difference between an exported graph and the PyTorch model, measured when it was exported.

    Attributes:
        form: The way in which it was run, for example "stream, 3 frames at a time".
        output: The output that was compared.
        largest: Largest absolute difference.
        mean: Mean absolute difference.
        largest_unflipped: Largest absolute difference on frames whose score no flipped argmax can have reached.
        flips: Regional argmaxes that differ.
        argmaxes: Regional argmaxes that were compared.
    """

    form: Text
    output: Text
    largest: float
    mean: float
    largest_unflipped: float
    flips: Count
    argmaxes: Count


@dataclass(frozen=True)
class EngineRecord:
    """A TensorRT engine of the bundle: a graph, built for one product, version and GPU.

    Attributes:
        graph: Name of the graph that it computes.
        file: Path within the bundle, with forward slashes.
        flavor: "tensorrt" or "tensorrt_rtx", the product that built it and alone can load it.
        version: The product's version.
        gpu: Name of the GPU that it was built for, or `PORTABLE`.
        compute_capability: The GPU's, such as "8.7"; those that it serves, for a portable engine.
        multiprocessors: The GPU's number of them, by which boards that share a name differ; 0 for a portable engine.
        precision: "float32" or "float16", the type that its graph computes in.
        layers: Numbers of layers of the network by the type of their first output, such as {"HALF": 134}.
        profiles: Optimisation profiles: per input with a dynamic shape its least, likeliest and largest shape.
        size: Bytes.
        build_seconds: Duration of the build.
        onnx_sha256: SHA-256 in hexadecimal of the ONNX file that it was built from.
        sha256: SHA-256 of the engine, which is not among the manifest's `files`: it is read only when it is loaded.
    """

    graph: Text
    file: Text
    flavor: Annotated[str, Meta(pattern=r"^tensorrt(_rtx)?\Z")]
    version: Text
    gpu: Text
    compute_capability: Text
    multiprocessors: Count
    precision: Precision
    layers: Mapping[Text, Count]
    profiles: tuple[Mapping[Text, tuple[tuple[Size, ...], ...]], ...]
    size: Count
    build_seconds: float
    onnx_sha256: Hash
    sha256: Hash


@dataclass(frozen=True)
class Manifest:
    """A bundle's description of itself.

    Attributes:
        layout: Action units, regions and crop geometry.
        backbone: timm's name of the backbone.
        radius: Radius k of the facial dynamics in frames; 0 if the model has none.
        lookahead: Frames by which a stream's final scores lag behind.
        clip_frames: Length of the training clips in frames.
        normalisation: Mean and standard deviation per colour that the encoder applies to RGB / 255; for information.
        precision: "float32" or "float16", the type that the graphs compute in.
        graphs: Graphs by name: "encoder", "temporal", the detector's "pnet", "rnet", "onet", and perhaps
            "embedder" and "clip".
        parity: Differences measured at export, and at the build of engines; empty if nothing was verified.
        versions: Versions of the software that made it: mdhr-edge, torch, timm, onnx, the packages of the
            published networks, and the ONNX operator set.
        files: SHA-256 in hexadecimal of every file but the manifest and the engines, by path within the bundle.
        engines: TensorRT engines that were built from the graphs, for any number of machines.
        outputs: Meaning of the numbers that the model gives per action unit, by the name of their tensor.
        schema: Version of the format.

    Raises:
        ValueError: Graphs contradict each other or the rest.
    """

    layout: Layout
    backbone: Text
    radius: Duration
    lookahead: Duration
    clip_frames: Positive
    normalisation: Mapping[Text, tuple[float, ...]]
    precision: Precision
    graphs: Mapping[Text, GraphRecord]
    parity: tuple[ParityRecord, ...]
    versions: Mapping[Text, Text]
    files: Mapping[Text, Hash]
    engines: tuple[EngineRecord, ...] = ()
    outputs: Mapping[Text, OutputRecord] = field(default_factory=lambda: {SCORES: SCORE})
    schema: Positive = SCHEMA

    def __post_init__(self) -> None:
        lacking = {ENCODER, TEMPORAL, *(engine.graph for engine in self.engines)} - self.graphs.keys()
        if lacking or SCORES not in self.outputs:
            raise ValueError(f"graphs or outputs lack {min(lacking, default=SCORES)!r}")
        for what, found, expected in self._told_twice():
            if found != expected:
                raise ValueError(f"{what} is {found}; it must be {expected} to fit the rest of the manifest")

    def _told_twice(self) -> Iterator[tuple[str, object, object]]:
        """What follows from other parts of the manifest: its name, as it is stated, and as it follows."""
        encoder, temporal = self.graphs[ENCODER], self.graphs[TEMPORAL]
        side = self.layout.crop.input_size
        frames = TensorRecord("uint8", (FRAMES_DIM, side, side, 3))
        yield "the encoder's input", encoder.inputs, {FRAMES: frames}
        for name, record in encoder.outputs.items():
            taken = TensorRecord(record.dtype, (STREAMS_DIM, *record.shape))
            yield f"the temporal graph's input {name!r}", temporal.inputs.get(name), taken
        kept = {name: temporal.inputs[STATE + name] for name in state_names(temporal.inputs)}
        for name, record in kept.items():
            yield f"the new state {name!r}", temporal.outputs.get(NEW_STATE + name), record
        scores = TensorRecord("float32", (STREAMS_DIM, FRAMES_DIM, len(self.layout.aus)))
        yield "the temporal graph's output", temporal.outputs.get(SCORES), scores
        # A stream keeps as many frames as its scores lag behind: those that the dynamics wait for, and half of the
        # temporal convolution's others.
        lengths = {name: record.row[0] if record.row else 0 for name, record in kept.items()}
        yield "the radius", self.radius, lengths.get(VALID, 0)
        yield "the lookahead", self.lookahead, self.radius + lengths.get(NODES, 0) // 2
        for name in PUBLISHED.keys() & self.graphs.keys():
            records = {**self.graphs[name].inputs, **self.graphs[name].outputs}
            tensors = {each: (record.dtype, *record.row) for each, record in records.items()}
            yield f"what {name} takes and gives", tensors, PUBLISHED[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
