"""From a checkpoint to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePath

import numpy as np
import torch

from mdhr_runtime.backends.table import open_backend
from mdhr_runtime.bundle import (
    ENGINE_FILES,
    ENGINES,
    MANIFEST,
    VERIFICATION,
    Bundle,
    GraphRecord,
    Manifest,
    ParityRecord,
    file_hash,
    read_manifest,
    write_manifest,
)
from mdhr_runtime.contract import CLIP, DETECTOR, EMBEDDER, ENCODER, FRAMES, TEMPORAL
from mdhr_runtime.errors import BundleError, ExportError, OutputError
from mdhr_runtime.files import staged, told
from mdhr_runtime.streaming.parity import TOLERANCES, Labels, Reference, compare_clip
from mdhr_runtime.targets import Claim, refuse_foreign
from mdhr_train.checkpoints import load_checkpoint
from mdhr_train.datasets import BP4D
from mdhr_train.model import INPUT_SIZE, MDHR, normalise
from mdhr_train.model.backbone import MEAN, STD
from mdhr_train.synthetic.photo_clips import SyntheticClips
from mdhr_train.training.card import is_card, names_checkpoint
from mdhr_train.training.run_files import CARD

from . import Step
from .graphs import ClipGraph, EncoderGraph, TemporalGraph
from .tracing import OPSET, clip_spec, encoder_spec, temporal_spec, trace, trace_published
from .verify import VERIFY_FRAMES, check_parity, clip_from_video, write_reference

README = "README.md"
"""The model card in a bundle, under the name by which hubs show it."""

VERSIONED = ("mdhr-edge", "torch", "timm", "onnx", "onnxscript", "mtcnn")
VERSIONED_IDENTITY = ("face-recognition-models",)


@dataclass(frozen=True)
class Options:
    """Choices for an export.

    Attributes:
        precision: "float32" or "float16".
        clip_graph: Whether to add the clip graph.
        identity: Whether to add the embedder, by which the runtime recognises people.
        verify: Whether to compare the graphs with the PyTorch model.
        verify_data: A video to compare them on; by default a synthetic clip, which the bundle then carries.
    """

    precision: str = "float32"
    clip_graph: bool = False
    identity: bool = True
    verify: bool = True
    verify_data: Path | None = None


@dataclass(frozen=True)
class Exported:
    """Result of an export.

    Attributes:
        manifest: The bundle's manifest.
        reference: The clip that it was verified on, with PyTorch's labels; None if it was not.
        no_card: Why the model card beside the checkpoint was left out; None where it was not, or there is none.
    """

    manifest: Manifest
    reference: Reference | None
    no_card: str | None = None


def export_bundle(checkpoint: Path, out: Path, options: Options, step: Step, overwrite: bool = False) -> Exported:
    """Export a checkpoint as a bundle.

    The bundle appears under its name when it is complete; on any error what stood there stays.

    Args:
        checkpoint: A checkpoint of mdhr-train or of the authors' implementation.
        out: The bundle's folder; an older bundle of this name is replaced.
        options: The choices.
        step: Announces every step.
        overwrite: Whether an older bundle is replaced that was changed, and a file. Files of others in it stay safe.

    Raises:
        OutputError: `out` may not be written; see `Claim`.
        CheckpointError: The checkpoint cannot be used.
        ExportError: The bundle cannot be written, its graphs differ from the model by more than the tolerance, or the
            video to verify on shows no face.
        ProviderError: Verification needs ONNX Runtime, which is not installed.
    """
    inputs = [checkpoint, *([options.verify_data] if options.verify_data else [])]
    fix = (
        "Choose a folder that exists, can be written and has room (a bundle has about 400 MB). Nothing was left behind."
    )
    with (
        Claim(out, lambda path: _is_ours(path, overwrite), inputs=inputs, overwrite=overwrite),
        told(f"The bundle {out}", ExportError, fix),
        staged(out) as folder,
    ):
        folder.mkdir()
        with step(f"read {checkpoint}"):
            model = load_checkpoint(checkpoint).model
        exported = _fill(folder, model, options, step)
        return replace(exported, no_card=_add_card(folder, checkpoint))


def _is_ours(path: Path, changed: bool) -> bool:
    """Whether a path is a bundle with no other file in it, and unchanged; or, if it may be `changed`, as well if not.

    Raises:
        OutputError: It is a folder, and not.
    """
    if not path.is_dir():
        return False
    if not any(path.iterdir()):
        return True
    what = f"{path} is not overwritten."
    try:
        manifest = read_manifest(path)
    except BundleError as error:
        fix = "Choose another name with --out, or move the folder away."
        raise OutputError(what, f"It is there, and no bundle that can be read. {error.why}", fix) from error
    hashes = {**manifest.files, **{record.file: record.sha256 for record in manifest.engines}}
    ours = {MANIFEST, README, *hashes}
    refuse_foreign(path, lambda name: name in ours or PurePath(name).match(f"{ENGINES}/{ENGINE_FILES}"))
    fix = "Choose another name with --out, or have it replaced with --overwrite."
    if not changed and (path / README).is_file() and not is_card(path / README):
        raise OutputError(what, f"{README} in it is no card as mdhr-train writes it: somebody has edited it.", fix)
    for name, digest in hashes.items():
        if not changed and (path / name).is_file() and file_hash(path / name) != digest:
            raise OutputError(what, f"{name} in it was changed since it was exported.", fix)
    return True


def _add_card(folder: Path, checkpoint: Path) -> str | None:
    """Put the model card that lies beside a checkpoint into its bundle, or say why not.

    The manifest does not name it: users edit it, who add a licence for example, and the bundle is none the worse.
    """
    card = checkpoint.parent / CARD
    if not card.is_file():
        return None
    if not names_checkpoint(card, file_hash(checkpoint)):
        return f"{card} is left out: it does not name the SHA-256 of {checkpoint}, and so is of another checkpoint"
    shutil.copyfile(card, folder / README)
    return None


def _fill(folder: Path, model: MDHR, options: Options, step: Step) -> Exported:
    """Write a bundle's files into an empty folder."""
    # What is missing on this machine, the published networks' packages, is found before the long work.
    graphs = _convert_published(folder, options, step) | _trace_model(folder, model, options, step)
    with step("write the manifest"):
        manifest = write_manifest(folder, _manifest(model, graphs, options))
    if not options.verify:
        return Exported(manifest, None)
    with step(f"verify on {VERIFY_FRAMES} frames"):
        reference, parity = _verify(Bundle(folder, manifest), model, options)
        files = dict(manifest.files)
        if options.verify_data is None:  # what a user's video shows stays out of the bundle
            write_reference(folder, reference)
            files[VERIFICATION] = file_hash(folder / VERIFICATION)
        manifest = write_manifest(folder, replace(manifest, parity=tuple(parity)), files)
    return Exported(manifest, reference)


def _convert_published(folder: Path, options: Options, step: Step) -> dict[str, GraphRecord]:
    """Write the graphs that are the same in every bundle."""
    networks = {"face detector (MTCNN)": [f"detector/{name}.onnx" for name in DETECTOR]}
    if options.identity:
        networks["face recognition (dlib)"] = [f"identity/{EMBEDDER}.onnx"]
    records = {}
    for network, files in networks.items():
        with step(f"convert the {network}"):
            for file in files:
                path = folder / file
                path.parent.mkdir(exist_ok=True)
                records[path.stem] = GraphRecord(file, *trace_published(path.stem, path))
    return records


def _trace_model(folder: Path, model: MDHR, options: Options, step: Step) -> dict[str, GraphRecord]:
    """Write the graphs of the model."""
    dtype = getattr(torch, options.precision)
    encoder, temporal = EncoderGraph(model, dtype), TemporalGraph(model, dtype)
    specs = {ENCODER: encoder_spec(encoder, INPUT_SIZE), TEMPORAL: temporal_spec(temporal)}
    if options.clip_graph:
        specs[CLIP] = clip_spec(ClipGraph(encoder, temporal), INPUT_SIZE)
    records = {}
    for name, spec in specs.items():
        file = f"{name}.onnx"
        with step(f"trace {file}"):
            records[name] = GraphRecord(file, *trace(spec, folder / file))
    return records


def _manifest(model: MDHR, graphs: dict[str, GraphRecord], options: Options) -> Manifest:
    config = model.config
    packages = VERSIONED + (VERSIONED_IDENTITY if options.identity else ())
    return Manifest(
        layout=config.layout,
        backbone=config.backbone,
        radius=config.node_lookahead,
        lookahead=config.lookahead,
        clip_frames=config.clip_frames,
        normalisation={"mean": MEAN, "std": STD},
        precision=options.precision,
        graphs=graphs,
        parity=(),
        versions={name: version(name) for name in packages} | {"opset": str(OPSET)},
        files={},
    )


def _verify(bundle: Bundle, model: MDHR, options: Options) -> tuple[Reference, list[ParityRecord]]:
    """Compare the graphs with the model; returns the clip that they were compared on, and the differences."""
    video = options.verify_data
    frames = clip_from_video(bundle, video) if video else synthetic_clip(model)
    reference = Reference("PyTorch", frames, label_with_torch(model, frames))
    load = open_backend(bundle, "cpu").load
    records = compare_features(model, load(ENCODER)({FRAMES: frames}), frames)
    records += compare_clip("ONNX Runtime", load, bundle.manifest, frames, reference.labels)
    check_parity(records, TOLERANCES[options.precision])
    return reference, records


def synthetic_clip(model: MDHR) -> np.ndarray:
    """A realistic clip, (VERIFY_FRAMES, 224, 224, 3) uint8: the photograph of a face, made to move."""
    # Which AUs move does not matter here, so a layout that the synthetic face cannot act out is verified all the same.
    layout = replace(BP4D, crop=model.config.layout.crop)
    frames, _ = SyntheticClips(layout, clips=1, frames=VERIFY_FRAMES)[0]
    return frames


def label_with_torch(model: MDHR, frames: np.ndarray) -> Labels:
    """Label a clip (T, 224, 224, 3) uint8 with the network itself, in float32."""
    with torch.inference_mode():
        output = model(normalise(torch.from_numpy(frames))[None])
    # Where no edge depends on the regional argmaxes, they are no part of what is computed.
    logits = output.region_logits if model.config.activated else ()
    none = np.empty((len(frames), 0), np.int32)
    combinations = [x[0].argmax(dim=-1, keepdim=True).int().numpy() for x in logits]
    return Labels(output.scores[0].numpy(), np.concatenate([none, *combinations], axis=-1))


def compare_features(model: MDHR, found: Mapping[str, np.ndarray], frames: np.ndarray) -> list[ParityRecord]:
    """Measure how far features are from those that PyTorch computes.

    Args:
        model: The network, in float32.
        found: Outputs of an exported encoder.
        frames: (T, 224, 224, 3) uint8, what it was given.

    Returns:
        A record per output.
    """
    reference = EncoderGraph(model, torch.float32).eval()
    with torch.inference_mode():
        expected = dict(zip(reference.outputs, reference(torch.from_numpy(frames)), strict=True))
    differences = {name: np.abs(expected[name].numpy() - found[name]) for name in expected}
    return [
        ParityRecord(
            "ONNX Runtime: encoder", name, float(d.max()), float(d.mean()), float(d.max()), flips=0, argmaxes=0
        )
        for name, d in differences.items()
    ]
