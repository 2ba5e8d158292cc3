"""Tiny raw datasets, filmed with the synthetic face."""

import os
import signal
from dataclasses import dataclass
from functools import cache
from itertools import islice

import cv2
import numpy as np

from mdhr_runtime.layout import CropGeometry, Layout, Region
from mdhr_train.datasets import BP4D, DISFA
from mdhr_train.datasets.base import Dataset, parts_of
from mdhr_train.datasets.raw import RawRecording
from mdhr_train.synthetic.behaviour import random_intensities
from mdhr_train.synthetic.photo_clips import film_photo
from mdhr_train.synthetic.photo_warp import FaceWarper, astronaut

BP4D_SUBJECTS = ("F001", "M011", "F007")  # one of each part
DISFA_SUBJECTS = ("SN002", "SN013", "SN003")


@cache
def faces(count):
    """uint8 (count, H, W, 3), RGB: a face that moves; the first images do not depend on the count."""
    rng = np.random.default_rng(0)
    warper = FaceWarper(astronaut().trimmed(4), BP4D.aus)
    intensities = random_intensities(BP4D.aus, 64, rng)
    # Sides in even numbers, which video codecs need.
    return np.stack([image[:298, :346] for image, _ in islice(film_photo(warper, intensities, rng), count)])


def write_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def write_video(path, images):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20, images[0].shape[1::-1])
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()


def write_bp4d_labels(raw, subject, task, numbers, labels, header=None):
    """Labels as BP4D writes them, with a column (AU 5) that is not asked for."""
    path = raw / "AUCoding" / "AU_OCC" / f"{subject}_{task}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header or ",".join(map(str, (0, 5, *BP4D.aus)))]
    lines += [",".join(map(str, (number, 9, *row))) for number, row in zip(numbers, labels.tolist(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_bp4d(raw, frames=6):
    """A raw BP4D with one task of one subject per part, frames numbered from 31; every AU comes and goes."""
    labels = np.zeros((frames, 12), int)
    labels[1::2] = 1
    for subject in BP4D_SUBJECTS:
        write_bp4d_labels(raw, subject, "T1", range(31, 31 + frames), labels)
        for number, image in enumerate(faces(frames), 31):
            write_image(raw / "2D+3D" / subject / "T1" / f"{number:04d}.jpg", image)
    return raw


def write_disfa_labels(raw, subject, intensities):
    """Labels as DISFA writes them, from intensities (T, 8)."""
    folder = raw / "ActionUnit_Labels" / subject
    folder.mkdir(parents=True, exist_ok=True)
    for au, column in zip(DISFA.aus, np.asarray(intensities).T, strict=True):
        lines = [f"{frame},{intensity}\n" for frame, intensity in enumerate(column.tolist(), 1)]
        (folder / f"{subject}_au{au}.txt").write_text("".join(lines))
    return folder


def write_disfa(raw, frames=4):
    """A raw DISFA with one subject per part, as videos."""
    for subject in DISFA_SUBJECTS:
        write_disfa_labels(raw, subject, np.tile(np.arange(frames)[:, None] % 4, 8))
        write_video(raw / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi", faces(frames))
    return raw


@dataclass(frozen=True, eq=False)
class Deadly(RawRecording):
    """A recording whose reading kills the process, as the system does when memory runs out."""

    def images(self):
        os.kill(os.getpid(), signal.SIGKILL)
        yield from super().images()


def read_smiles(raw):
    """The reader of a dataset of folders with numbered images, and a label file in each: a line per frame."""
    return [
        RawRecording(folder.name, folder.name, folder, 0, np.arange(3), np.loadtxt(folder / "labels.txt", np.int8))
        for folder in sorted(raw.iterdir())
    ]


SMILES = Dataset(
    name="smiles",
    layout=Layout(
        name="SMILES",
        aus=(6, 12),
        regions=(Region("mid", (6,), (2, 5)), Region("low", (12,), (4, 7))),
        region_projection=False,
        crop=CropGeometry(left_eye=(0.35, 0.3), right_eye=(0.65, 0.3), mouth=(0.5, 0.7), rotate=True),
    ),
    image_folder="crops",
    recording_name="{subject}",
    crop_name="{subject}/{number}.png",
    crop_pattern=r"(?P<recording>(?P<subject>\w+))/(?P<number>\d+)\.png",
    path_list="{split}_{fold}_paths.txt",
    label_list="{split}_{fold}_labels.txt",
    combination_list="{split}_{fold}_combinations.txt",
    weight_list="weights_{fold}.txt",
    parts=parts_of("anna", "ben", "carla"),
)
