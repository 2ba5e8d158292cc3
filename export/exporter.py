"""From a checkpoint to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from mdhr_runtime.bundle import MANIFEST, Bundle, Manifest, ParityRecord, write_manifest
from mdhr_runtime.errors import ExportError
from mdhr_runtime.files import staged
from mdhr_train.checkpoints import Checkpoint, load_checkpoint
from mdhr_train.data.synthetic import SyntheticClips
from mdhr_train.layouts import BP4D
from mdhr_train.model import INPUT_SIZE, MDHR
from mdhr_train.model.frames import MEAN, STD

from .detector import write_detector
from .graphs import ClipGraph, EncoderGraph, TemporalGraph
from .parity import TOLERANCES, Tolerance, exceeds, measure_parity
from .tracing import OPSET, clip_spec, encoder_spec, graph_record, temporal_spec, trace

VERSIONED = ("mdhr-edge", "torch", "timm", "onnx", "onnxscript", "mtcnn")

VERIFY_FRAMES = 24
"""Length of the clip that an export is verified on: longer than the 15 frames that a score depends on."""

Step = Callable[[str], AbstractContextManager[None]]
"""Announces a step of the work and, as a context manager, its end."""


@dataclass(frozen=True)
class Options:
    """How to export.

    Attributes:
        precision: "float32" or "float16".
        clip_graph: Whether to add the clip graph.
        verify: Whether to compare the graphs with the PyTorch model.
    """

    precision: str = "float32"
    clip_graph: bool = False
    verify: bool = True


def export_bundle(checkpoint: Path, out: Path, options: Options, step: Step) -> Manifest:
    """Export a checkpoint as a bundle.

    The bundle appears under its name when it is complete; on any error what stood there stays.

    Args:
        checkpoint: A checkpoint of mdhr-train or of the authors' implementation.
        out: The bundle's folder; an older bundle of this name is replaced.
        options: How to export.
        step: Is told of every step.

    Returns:
        The manifest that was written.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        ExportError: The bundle cannot be written, or its graphs differ from the model by more than the tolerance.
        ProviderError: Verification needs ONNX Runtime, which is not installed.
    """
    _check_target(out)
    try:
        with staged(out) as folder:
            folder.mkdir()
            with step(f"read {checkpoint}"):
                source = load_checkpoint(checkpoint)
            return _fill(folder, source, options, step)
    except OSError as error:
        raise ExportError(
            f"The bundle {out} could not be written.",
            str(error),
            "Choose a folder that exists, can be written and has room (a bundle has about 400 MB). "
            "Nothing was left behind.",
        ) from error


def check_parity(records: list[ParityRecord], tolerance: Tolerance) -> None:
    """Refuse graphs that do not compute what the model computes.

    Raises:
        ExportError: A record is above the tolerance.
    """
    failed = [record for record in records if exceeds(record, tolerance)]
    if failed:
        raise ExportError(
            "The exported graphs differ from the PyTorch model.",
            "; ".join(
                f"{record.form}: scores by up to {record.largest_unflipped:.1e} (at most {tolerance.largest:.0e}), "
                f"{record.flips} of {record.argmaxes} regional argmaxes (at most {tolerance.flips:.0%})"
                for record in failed
            ),
            "Nothing was written. Export in float32, or with --no-verify to look at the graphs.",
        )


def _check_target(out: Path) -> None:
    if out.exists() and not (out / MANIFEST).is_file():
        raise ExportError(
            f"{out} was not overwritten.",
            "It exists and is not a bundle.",
            "Choose another name with --out, or remove it.",
        )


def _fill(folder: Path, source: Checkpoint, options: Options, step: Step) -> Manifest:
    """Write a bundle's files into an empty folder."""
    model = source.model
    paths = _write_graphs(folder, model, options, step)
    with step("convert the face detector (MTCNN)"):
        (folder / "detector").mkdir()
        paths |= write_detector(folder / "detector")
    manifest = _manifest(folder, model, paths, options)
    if options.verify:
        with step(f"verify on {VERIFY_FRAMES} frames"):
            records = measure_parity(model, Bundle(folder, manifest), verification_clip(model))
        check_parity(records, TOLERANCES[options.precision])
        manifest = replace(manifest, parity=tuple(records))
    with step("write the manifest"):
        write_manifest(folder, manifest)
    return manifest


def _write_graphs(folder: Path, model: MDHR, options: Options, step: Step) -> dict[str, Path]:
    dtype = getattr(torch, options.precision)
    encoder, temporal = EncoderGraph(model, dtype), TemporalGraph(model, dtype)
    specs = {"encoder": encoder_spec(encoder, INPUT_SIZE), "temporal": temporal_spec(temporal)}
    if options.clip_graph:
        specs["clip"] = clip_spec(ClipGraph(encoder, temporal), INPUT_SIZE)
    paths = {name: folder / f"{name}.onnx" for name in specs}
    for name, spec in specs.items():
        with step(f"trace {paths[name].name}"):
            trace(spec, paths[name])
    return paths


def _manifest(folder: Path, model: MDHR, paths: dict[str, Path], options: Options) -> Manifest:
    config = model.config
    return Manifest(
        layout=config.layout,
        backbone=config.backbone,
        radius=config.reach,
        lookahead=config.lookahead,
        clip_frames=config.clip_frames,
        normalisation={"mean": MEAN, "std": STD},
        precision=options.precision,
        graphs={name: graph_record(path, folder) for name, path in paths.items()},
        parity=(),
        versions={name: version(name) for name in VERSIONED} | {"opset": str(OPSET)},
        files={},
    )


def verification_clip(model: MDHR) -> np.ndarray:
    """A realistic clip, (VERIFY_FRAMES, 224, 224, 3) uint8: the photograph of a face, made to move."""
    # Which AUs move does not matter here, so a layout that the synthetic face cannot act out is verified all the same.
    layout = replace(BP4D, crop=model.config.layout.crop)
    frames, _ = SyntheticClips(layout, clips=1, frames=VERIFY_FRAMES)[0]
    return frames
