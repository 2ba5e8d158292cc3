"""Clips of recordings: random ones with augmentation to train on, consecutive ones to score on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from torch.utils.data import Dataset

from mdhr_runtime.errors import DataError
from mdhr_runtime.faces.alignment import network_view
from mdhr_runtime.layout import CropGeometry

from ..labels import known
from .recordings import Recording

IGNORED = -1
"""Label in clips of what counts in no loss and no score: padding, and what is unknown."""

CROP_SIZE, INPUT_SIZE = CropGeometry.reference_size, CropGeometry.input_size
"""Sides in pixels of the crops of a prepared dataset, and of what the network sees of them."""

MARGIN = CROP_SIZE - INPUT_SIZE

JITTER = 0.4
"""Largest change of brightness, contrast and saturation, as a fraction."""

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601

END_MARKERS = {".jpg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}


class Clip(NamedTuple):
    """Consecutive frames of one recording.

    Attributes:
        frames: uint8 (T, 224, 224, 3), RGB.
        labels: int8 (T, N): 1, 0, or `IGNORED`; float32 where labels are soft.
        position: The clip's index in its dataset.
    """

    frames: np.ndarray
    labels: np.ndarray
    position: int


class TrainingClips(Dataset[Clip]):
    """One random clip of every recording, and another one in every epoch.

    A clip depends on the seed, the epoch and its index alone. It does not reach across a gap in the frames' numbers
    where the recording leaves a choice; of a recording without a long enough stretch, the rest is padding.

    With context, a clip shows frames around those that it is about, so that these see what they will see in a stream.
    The others are `IGNORED`, but for those at the edge of a run: a stream begins and ends there, too.

    Args:
        recordings: What to draw from.
        frames: Frames that a clip is about.
        seed: Seed of all that is random.
        context: Frames on either side that it shows besides; its length T is `frames + 2 * context`.
    """

    def __init__(self, recordings: Sequence[Recording], frames: int = 16, seed: int = 0, context: int = 0) -> None:
        self._recordings = tuple(recordings)
        self._frames, self._seed, self._context = frames, seed, context
        self._runs = [_runs_to_draw_from(recording, frames + 2 * context) for recording in self._recordings]
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._recordings)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is meant from now on, by this process; see `mdhr_train.training.data.GuardedByKey`."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> Clip:
        """Draw a clip."""
        recording = self._recordings[index]
        (shown, counted), rng = self._draw(index)
        frames = Augmentation.random(rng).apply(read_whole(recording.paths[shown]))
        labels = np.full_like(recording.labels[shown], IGNORED)
        inside = slice(counted.start - shown.start, counted.stop - shown.start)
        labels[inside] = recording.labels[counted]
        return _clip(frames, labels, self._frames + 2 * self._context, index)

    def describe(self, index: int) -> str:
        """The origin of a clip in this epoch: its recording and first frame."""
        return _describe(self._recordings[index], self._draw(index)[0][0])

    def _draw(self, index: int) -> tuple[tuple[slice, slice], np.random.Generator]:
        """Draw the frames that a clip shows, and those that count; the generator is left for the augmentation."""
        rng = np.random.default_rng((self._seed, self._epoch, range(len(self))[index]))
        # Places are counted and not listed: an hour of video has 90,000.
        whole = self._frames + 2 * self._context
        ends = np.cumsum([_length(run) - self._frames + 1 if _length(run) >= whole else 1 for run in self._runs[index]])
        place = int(rng.integers(ends[-1]))
        chosen = int(np.searchsorted(ends, place, "right"))
        run = self._runs[index][chosen]
        return _chosen(run, place - int(ends[chosen - 1] if chosen else 0), self._frames, self._context), rng


class ScoringClips(Dataset[Clip]):
    """Consecutive clips that show every frame once, broken where the recording or its frames' numbers break.

    The last clip before a break is padded by repeating its last frame; padding is labelled `IGNORED`.

    Args:
        recordings: What to score.
        frames: Length T of a clip.
        crop: What the network sees of the crops.

    Attributes:
        subjects: Who is seen in each clip.
    """

    def __init__(self, recordings: Sequence[Recording], frames: int, crop: CropGeometry) -> None:
        self._frames, self._crop = frames, crop
        self._clips = [
            (recording, slice(start, min(start + frames, run.stop)))
            for recording in recordings
            for run in runs(recording)
            for start in range(run.start, run.stop, frames)
        ]
        self.subjects = tuple(recording.subject for recording, _ in self._clips)

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        """Load a clip."""
        recording, chosen = self._clips[index]
        return _clip(read_crops(recording.paths[chosen], self._crop), recording.labels[chosen], self._frames, index)

    def describe(self, index: int) -> str:
        """The origin of a clip: its recording and first frame."""
        return _describe(*self._clips[index])


def runs(recording: Recording) -> Iterator[slice]:
    """The stretches of a recording whose frames follow each other without a gap.

    Args:
        recording: With at least one frame.

    Yields:
        Slices of the recording's frames; together they are all of them.
    """
    breaks = np.flatnonzero(np.diff(recording.numbers) != 1) + 1
    edges = [0, *breaks.tolist(), len(recording)]
    yield from map(slice, edges[:-1], edges[1:])


def read_crops(paths: Sequence[Path], crop: CropGeometry) -> np.ndarray:
    """Read what the network sees of crops: uint8 (T, 224, 224, 3), RGB.

    Raises:
        DataError: An image is missing, damaged, or of another size.
    """
    return np.stack([network_view(_read(path), crop) for path in paths])


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training clip, the same for all its frames.

    Attributes:
        corner: Row and column of the upper left pixel of the 224×224 that are kept.
        flip: Whether left and right are exchanged.
        brightness: Factor.
        contrast: Factor of the distance from the clip's mean grey.
        saturation: Factor of the distance from each pixel's grey.
    """

    corner: tuple[int, int]
    flip: bool
    brightness: float
    contrast: float
    saturation: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Augmentation:
        """Draw an augmentation."""
        row, column = rng.integers(0, MARGIN + 1, 2).tolist()
        return cls((row, column), bool(rng.integers(2)), *rng.uniform(1 - JITTER, 1 + JITTER, 3).tolist())

    def apply(self, crops: np.ndarray) -> np.ndarray:
        """Change crops.

        The published implementation changes brightness, then contrast, then saturation, and clips in between. Here
        they are one affine map of a pixel's colours, rounded and clipped once, which takes a fraction of the time.

        Args:
            crops: uint8 (T, 256, 256, 3), RGB.

        Returns:
            uint8 (T, 224, 224, 3).
        """
        frames = cut(crops, self.corner)
        grey = self.brightness * (frames.mean(axis=(0, 1, 2)) @ LUMINANCE)
        colours = self.saturation * np.eye(3) + (1 - self.saturation) * LUMINANCE
        affine = np.column_stack([self.brightness * self.contrast * colours, np.full(3, (1 - self.contrast) * grey)])
        tall = np.ascontiguousarray(frames[:, :, ::-1] if self.flip else frames).reshape(-1, INPUT_SIZE, 3)
        return cv2.transform(tall, affine).reshape(frames.shape)


def cut(crops: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    """Cut uint8 (T, 224, 224, 3) out of crops (T, 256, 256, 3), from a row and a column on."""
    row, column = corner
    return crops[:, row : row + INPUT_SIZE, column : column + INPUT_SIZE]


def read_whole(paths: Sequence[Path]) -> np.ndarray:
    """Read crops: uint8 (T, 256, 256, 3), RGB.

    Raises:
        DataError: An image is missing, damaged, or of another size.
    """
    return np.stack([_read(path) for path in paths])


def _clip(frames: np.ndarray, labels: np.ndarray, length: int, index: int) -> Clip:
    """Pad frames and labels to a clip."""
    labels = np.where(known(labels), labels, IGNORED).astype(labels.dtype)
    missing = (0, length - len(frames))
    return Clip(
        np.pad(frames, (missing, (0, 0), (0, 0), (0, 0)), mode="edge"),
        np.pad(labels, (missing, (0, 0)), constant_values=IGNORED),
        index,
    )


def _length(run: slice) -> int:
    return int(run.stop - run.start)


def _runs_to_draw_from(recording: Recording, length: int) -> list[slice]:
    """The runs that hold a whole clip; if none does, the longest run."""
    found = list(runs(recording))
    return [run for run in found if _length(run) >= length] or [max(found, key=_length)]


def _chosen(run: slice, place: int, frames: int, context: int) -> tuple[slice, slice]:
    """The frames that a clip shows, and those of them that count: all that see what they see in a stream.

    Args:
        run: A run; of one that holds no whole clip, all is shown and counts.
        place: Where in it the frames begin that the clip is about; each place is as likely.
        frames: Their number.
        context: Frames on either side that are shown besides.
    """
    length = frames + 2 * context
    if _length(run) < length:
        return run, run
    first = min(max(run.start + place - context, run.start), run.stop - length)
    stop = first + length
    begins, ends = (0 if first == run.start else context), (0 if stop == run.stop else context)
    return slice(first, stop), slice(first + begins, stop - ends)


def _describe(recording: Recording, chosen: slice) -> str:
    return f"{recording.name} from frame {recording.numbers[chosen.start]}"


def _read(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The image {path} cannot be read.", str(error), "Copy it again, or prepare again.") from error
    # Decoders fill up what a cut-off file lacks with grey, and say nothing: only its end marker tells.
    whole = END_MARKERS.get(path.suffix, b"") in content[-64:]
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content and whole else None
    if image is None:
        raise DataError(
            f"The image {path} is damaged.",
            f"Its {len(content)} bytes are no complete {path.suffix[1:].upper()} image.",
            "Copy it again, or remove it and run mdhr-train prepare again.",
        )
    if image.shape[:2] != (CROP_SIZE, CROP_SIZE):
        height, width = image.shape[:2]
        raise DataError(
            f"The image {path} is no crop of a prepared dataset.",
            f"It has {width}×{height} pixels, not {CROP_SIZE}×{CROP_SIZE}.",
            "Prepare the dataset with mdhr-train prepare.",
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
