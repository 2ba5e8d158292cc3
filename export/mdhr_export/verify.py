"""The clip that graphs and engines are verified on, its right labels, and the refusal of what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mdhr_runtime.backends.table import open_backend
from mdhr_runtime.bundle import VERIFICATION, Bundle, ParityRecord
from mdhr_runtime.contract import COMBINATIONS, FRAMES, SCORES
from mdhr_runtime.errors import ExportError
from mdhr_runtime.pipeline.analysis import make_face_providers
from mdhr_runtime.sources import open_source
from mdhr_runtime.streaming.model import Model
from mdhr_runtime.streaming.parity import Reference, Tolerance, bundled_reference, exceeds, excess, label_with_graphs

VERIFY_FRAMES = 24
"""Length of the clip in frames: longer than the 15 frames that a score depends on."""


def write_reference(folder: Path, reference: Reference) -> None:
    """Put a reference into a bundle's folder.

    Raises:
        OSError: The file cannot be written.
    """
    labels = reference.labels
    arrays: dict[str, Any] = {FRAMES: reference.frames, SCORES: labels.scores, COMBINATIONS: labels.combinations}
    with (folder / VERIFICATION).open("wb") as file:
        np.savez_compressed(file, **arrays)


def find_reference(bundle: Bundle, video: Path | None) -> Reference:
    """Choose what a bundle's engines are verified on.

    Args:
        bundle: The bundle.
        video: A video, whose labels are then those of the bundle's graphs in ONNX Runtime; None for the clip that the
            bundle carries.

    Raises:
        VideoError: The video cannot be read.
        ExportError: It shows no face for a second, or the bundle carries no clip.
    """
    if video is not None:
        return _labelled_by_onnx(bundle, clip_from_video(bundle, video))
    reference = bundled_reference(bundle)
    if reference is None:
        raise ExportError(
            "The engines cannot be verified.",
            f"The bundle {bundle.path} carries no clip: it was exported with --no-verify or --verify-data.",
            "Give a video that shows a face, --verify-data VIDEO, or --no-verify.",
        )
    return reference


def _labelled_by_onnx(bundle: Bundle, frames: np.ndarray) -> Reference:
    """Label a clip with the bundle's graphs in ONNX Runtime on the CPU."""
    _, labels = next(label_with_graphs(open_backend(bundle, "cpu").load, bundle.manifest, frames))
    return Reference("ONNX Runtime", frames, labels)


def clip_from_video(bundle: Bundle, video: Path) -> np.ndarray:
    """The first `VERIFY_FRAMES` aligned faces of one person in consecutive frames of a video.

    Args:
        bundle: Its detector finds the faces, and its layout says how they are cropped.
        video: The user's own.

    Returns:
        (VERIFY_FRAMES, 224, 224, 3) uint8, RGB.

    Raises:
        VideoError: The video cannot be read.
        ExportError: It shows no face for so long.
    """
    crops: list[np.ndarray] = []
    for crop in _first_face(bundle, video):
        crops = [*crops, crop] if crop is not None else []
        if len(crops) == VERIFY_FRAMES:
            return np.stack(crops)
    raise ExportError(
        f"{video} cannot be used to verify.",
        f"No face was found in {VERIFY_FRAMES} consecutive frames of it.",
        "Give a video that shows a face for a second, or leave --verify-data out.",
    )


def _first_face(bundle: Bundle, video: Path) -> Iterator[np.ndarray | None]:
    """Crops of the face with the lowest number; None where it is lost or another takes its place."""
    source = open_source(video)
    finder = make_face_providers(Model(bundle, open_backend(bundle, "cpu")))(source)
    current = None
    for frame in source:
        faces = finder.find(frame.image) if frame is not None else []
        if not faces:
            current = None
            yield None
            continue
        face = min(faces, key=lambda found: found.face_id)
        if face.face_id != current or not face.continues:
            current = face.face_id
            yield None
        yield face.crop


def check_parity(records: Sequence[ParityRecord], tolerance: Tolerance) -> None:
    """Refuse graphs that do not compute what the model computes.

    Raises:
        ExportError: A record is above the tolerance, or no number.
    """
    endless = [record.form for record in records if not np.isfinite(record.largest)]
    if endless:
        raise ExportError(
            "The exported graphs give outputs that are no numbers.",
            f"There is NaN or infinity, of the graphs or of PyTorch, in {', '.join(endless)}.",
            "Nothing was written. Check the weights of the checkpoint; float16 may overflow where float32 does not.",
        )
    failed = [record for record in records if exceeds(record, tolerance)]
    if failed:
        raise ExportError(
            "The exported graphs differ from the PyTorch model.",
            "; ".join(excess(record, tolerance) for record in failed) + ".",
            "Nothing was written. Export in float32, or with --no-verify to look at the graphs.",
        )
