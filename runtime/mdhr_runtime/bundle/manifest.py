"""The manifest: a bundle's description of itself. This file is the format's definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..contract import SCORE, SCORES, OutputRecord
from ..layout import Layout
from ..records import from_plain

SCHEMA = 3
"""Version of the format. It rises when a reader of the old version would misread a new bundle. 2 added engines, 3 the
meaning of outputs; both are optional in older bundles, which are still read."""

PORTABLE = "portable"
"""Stands in place of a GPU's name in the record of an engine that runs on many."""


@dataclass(frozen=True)
class TensorRecord:
    """An input or output of a graph.

    Attributes:
        dtype: NumPy's name of the element type.
        shape: Sizes; a dynamic dimension has a name instead, such as "streams" or "frames".
    """

    dtype: str
    shape: tuple[int | str, ...]

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

    file: str
    inputs: Mapping[str, TensorRecord]
    outputs: Mapping[str, TensorRecord]


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

    form: str
    output: str
    largest: float
    mean: float
    largest_unflipped: float
    flips: int
    argmaxes: int


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

    graph: str
    file: str
    flavor: str
    version: str
    gpu: str
    compute_capability: str
    multiprocessors: int
    precision: str
    layers: Mapping[str, int]
    profiles: tuple[Mapping[str, tuple[tuple[int, ...], ...]], ...]
    size: int
    build_seconds: float
    onnx_sha256: str
    sha256: str


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
        graphs: Graphs by name: "encoder", "temporal", the detector's "pnet", "rnet", "onet", and perhaps "clip".
        parity: Differences measured at export, and at the build of engines; empty if nothing was verified.
        versions: Versions of the software that made it: mdhr-edge, torch, timm, onnx, and the ONNX operator set.
        files: SHA-256 in hexadecimal of every file but the manifest and the engines, by path within the bundle.
        engines: TensorRT engines that were built from the graphs, for any number of machines.
        outputs: Meaning of the numbers that the model gives per action unit, by the name of their tensor.
        schema: Version of the format.
    """

    layout: Layout
    backbone: str
    radius: int
    lookahead: int
    clip_frames: int
    normalisation: Mapping[str, tuple[float, ...]]
    precision: str
    graphs: Mapping[str, GraphRecord]
    parity: tuple[ParityRecord, ...]
    versions: Mapping[str, str]
    files: Mapping[str, str]
    engines: tuple[EngineRecord, ...] = ()
    outputs: Mapping[str, OutputRecord] = field(default_factory=lambda: {SCORES: SCORE})
    schema: int = SCHEMA

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Manifest:
        """Inverse of `to_dict`; accepts lists where the manifest has tuples.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: The data does not describe a bundle.
        """
        known = dict(data)
        known["layout"] = Layout.from_dict(data["layout"])
        known["normalisation"] = {name: tuple(values) for name, values in data["normalisation"].items()}
        known["graphs"] = {name: _graph(record) for name, record in data["graphs"].items()}
        known["parity"] = tuple(ParityRecord(**record) for record in data["parity"])
        known["engines"] = tuple(_engine(record) for record in data.get("engines", ()))
        if "outputs" in data:  # all models of older schemas give the published one's
            known["outputs"] = from_plain(dict[str, OutputRecord], data["outputs"], "outputs")
            if SCORES not in known["outputs"]:
                raise ValueError(f"outputs lacks {SCORES!r}")
        return cls(**known)


def _engine(data: Mapping[str, Any]) -> EngineRecord:
    profiles = tuple(
        {name: tuple(map(tuple, shapes)) for name, shapes in profile.items()} for profile in data["profiles"]
    )
    return EngineRecord(**{**data, "profiles": profiles})


def _graph(data: Mapping[str, Any]) -> GraphRecord:
    def tensors(records: Mapping[str, Any]) -> dict[str, TensorRecord]:
        return {name: TensorRecord(record["dtype"], tuple(record["shape"])) for name, record in records.items()}

    return GraphRecord(data["file"], tensors(data["inputs"]), tensors(data["outputs"]))
