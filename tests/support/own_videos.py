"""A rendered dataset as people have theirs: a video of each recording, and a table of events coded by hand.

    python tests/support/own_videos.py videos RENDERED OUT
    python tests/support/own_videos.py native RENDERED PREPARED OUT

The first writes OUT/F001_T1.mp4 … and OUT/events.csv from what `mdhr-train synthesize RENDERED` has drawn. The second
writes what `mdhr-train prepare table` should have made of them in PREPARED, without a detour: the crops as they were
drawn, with their own labels, in the same folds.
"""

import csv
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np

from mdhr_train.data.clips import read_whole
from mdhr_train.data.lists import read_fold, write_lists
from mdhr_train.datasets import DATASETS
from mdhr_train.datasets.base import RENDERED
from mdhr_train.datasets.description import read_description, write_description

BP4D = DATASETS["bp4d"]
FPS = 25
BORDER = (96, 96, 128, 128)
"""Pixels above, below, left and right of a crop: the detector looks for faces in a room, not for crops."""


def recordings_of(root):
    """All recordings of a rendered dataset: each is in the test part of one fold."""
    return [recording for fold in BP4D.folds for recording in read_fold(root, BP4D, fold).test]


def name_of(recording):
    return recording.name.replace("/", "_")


def write_videos(root, out):
    """Write a video per recording, and the events of all of them."""
    out.mkdir(parents=True)
    with (out / "events.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("video", "start", "end", "code"))
        for recording in recordings_of(root):
            write_video(out / f"{name_of(recording)}.mp4", read_whole(recording.paths))
            for au, labels in zip(BP4D.layout.au_names, recording.labels.T, strict=True):
                edges = np.flatnonzero(np.diff(np.concatenate([[0], labels == 1, [0]]).astype(int)))
                for start, end in edges.reshape(-1, 2).tolist():
                    table.writerow((name_of(recording), f"{start / FPS:.3f}", f"{end / FPS:.3f}", au))


def write_video(path, crops):
    """Write crops (T, 256, 256, 3), RGB, as H.264 with a border around them."""
    images = [cv2.copyMakeBorder(crop, *BORDER, cv2.BORDER_REPLICATE) for crop in crops]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "16"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_native(root, prepared, out):
    """Write the drawn crops and their labels in the folds of a dataset that was prepared from their videos."""
    dataset = read_description(prepared)
    recordings = []
    for recording in recordings_of(root):
        name = f"{recording.subject}/{name_of(recording)}"
        numbers = np.arange(1, len(recording) + 1)
        paths = [out / dataset.image_folder / dataset.crop_path(recording.subject, name, n) for n in numbers.tolist()]
        paths[0].parent.mkdir(parents=True)
        for old, new in zip(recording.paths, paths, strict=True):
            shutil.copyfile(old, new)
        recordings.append(replace(recording, name=name, paths=tuple(paths), numbers=numbers))
    write_lists(out, dataset, recordings)
    write_description(out, dataset)
    shutil.copyfile(root / RENDERED, out / RENDERED)


if __name__ == "__main__":
    what, *folders = sys.argv[1:]
    {"videos": write_videos, "native": write_native}[what](*map(Path, folders))
