"""Cutting the face out of the frames of one raw recording, as the runtime does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mdhr_runtime.faces import FoundFace
from mdhr_runtime.faces.alignment import align
from mdhr_runtime.faces.association import SAME_PLACE
from mdhr_runtime.faces.boxes import overlaps
from mdhr_runtime.faces.mtcnn import Mtcnn
from mdhr_runtime.faces.tracking import FaceTracker
from mdhr_runtime.files import STAGE, staged, told, write_text
from mdhr_runtime.records import RecordError, read_json

from ..datasets.base import Dataset
from ..datasets.raw import RawRecording

STATE_FOLDER = ".prepared"
"""Folder in a prepared dataset with a file per finished recording, so that a killed run can go on."""


@dataclass(frozen=True)
class Gaps:
    """The labelled frames of a recording that have no crop.

    Attributes:
        without_face: Numbers of the frames in which no upright face was found.
        without_image: Numbers of the frames that the raw dataset has labels for, and no image.
    """

    without_face: tuple[int, ...]
    without_image: tuple[int, ...]

    def kept(self, numbers: np.ndarray) -> np.ndarray:
        """Which of a recording's labelled frames (T,) have a crop: bool (T,)."""
        return ~np.isin(numbers, (*self.without_face, *self.without_image))


def crop_path(recording: RawRecording, number: int, dataset: Dataset, out: Path) -> Path:
    """Path of the crop of a frame."""
    return out / dataset.image_folder / dataset.crop_path(recording.subject, recording.name, number)


def finished(recording: RawRecording, dataset: Dataset, out: Path) -> Gaps | None:
    """The gaps that an earlier run found in a recording; None if it did not finish it, or a crop of it is missing."""
    try:
        gaps: Gaps = read_json(_state_file(recording, out), Gaps)
    except RecordError:
        return None
    numbers = recording.numbers[gaps.kept(recording.numbers)].tolist()
    return gaps if all(crop_path(recording, number, dataset, out).is_file() for number in numbers) else None


def crop_faces(
    recording: RawRecording, dataset: Dataset, out: Path, detector: Mtcnn, go_on: Callable[[], bool]
) -> Gaps | None:
    """Write the crops of a recording.

    Crops that exist are left as they are. The face is followed from the first frame on also when some of them do, so
    that a run that was interrupted gives what an unbroken one gives.

    Args:
        recording: What to cut out of.
        dataset: Where crops belong, and their geometry.
        out: Folder of the prepared dataset.
        detector: Finds faces.
        go_on: Called after every frame; says whether to go on.

    Returns:
        The frames without a crop; None if it was told to stop.

    Raises:
        DataError, VideoError: An image or the video is damaged.
        OutputError: A crop cannot be written.
    """
    missing = set(recording.numbers.tolist())
    without_face: list[int] = []
    fix = "Make room or choose another folder, and run the command again: it goes on where it stopped."
    with told(f"The crops of {recording.name} in {out}", fix=fix):
        _clear(recording, dataset, out)
        for number, face in _faces(recording, detector, dataset):
            missing.remove(number)
            path = crop_path(recording, number, dataset, out)
            if face is None:
                without_face.append(number)
            elif not path.exists():
                _write_image(path, face.crop)
            if not go_on():
                return None
    gaps = Gaps(tuple(without_face), tuple(sorted(missing)))
    write_text(_state_file(recording, out), json.dumps(asdict(gaps)))
    return gaps


def _faces(recording: RawRecording, detector: Mtcnn, dataset: Dataset) -> Iterator[tuple[int, FoundFace | None]]:
    """Follow the subject's face: where the labels say, else the largest one at first, then the same while in sight."""
    crop = dataset.layout.crop
    # What the network sees is the middle of the reference crop, in training as in the runtime.
    tracker = FaceTracker(detector, detector, partial(align, crop=replace(crop, input_size=crop.reference_size)))
    boxes = () if recording.boxes is None else zip(recording.numbers.tolist(), recording.boxes, strict=True)
    places = {number: box for number, box in boxes if np.isfinite(box).all()}
    followed, last = None, None
    for number, image in recording.images():
        if last is not None and number != last + 1:
            tracker.interrupt()
        last = number
        faces = tracker.find(image)
        if number in places:
            face = _nearest(faces, places[number])
        else:
            face = max(faces, key=lambda face: (face.face_id == followed, _area(face)), default=None)
        followed = followed if face is None else face.face_id
        yield number, face


def _nearest(faces: Sequence[FoundFace], box: np.ndarray) -> FoundFace | None:
    """The face that is in a box (4,); None if none is."""
    if not faces:
        return None
    found = overlaps(box[None], np.array([face.box for face in faces]))[0]
    return faces[int(found.argmax())] if found.max() >= SAME_PLACE else None


def _area(face: FoundFace) -> float:
    x1, y1, x2, y2 = face.box
    return (x2 - x1) * (y2 - y1)


def _clear(recording: RawRecording, dataset: Dataset, out: Path) -> None:
    """Make the folder of a recording's crops, and remove what a killed process left half-written there."""
    folder = crop_path(recording, 0, dataset, out).parent
    folder.mkdir(parents=True, exist_ok=True)
    for rest in folder.glob(f"{STAGE}*"):
        shutil.rmtree(rest)


def _write_image(path: Path, image: np.ndarray) -> None:
    """Write an RGB image under its name when it is complete."""
    _, content = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with staged(path) as stage:
        stage.write_bytes(content.tobytes())


def _state_file(recording: RawRecording, out: Path) -> Path:
    return out / STATE_FOLDER / f"{recording.name.replace('/', '_')}.json"
