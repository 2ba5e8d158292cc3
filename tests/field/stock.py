"""The inputs of the cases: what all use, made once, and makers of what one case needs in its own folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from .case import Maker

SHARED = Path(__file__).resolve().parents[3] / "shared"

FRAMES, LONG = 9, 300
"""Frames of the clip, and of the long clip. A face is in every one."""


@dataclass(frozen=True)
class Stock:
    """What all cases use: the path of each is `folder / name`, which arguments call `{name}`."""

    folder: Path

    @property
    def names(self) -> dict[str, str]:
        """Paths by what arguments call them."""
        return {path.name.partition(".")[0]: str(path) for path in self.folder.iterdir()}


def fill(folder: Path, bundle: Path, checkpoint: Path) -> Stock:
    """Make what needs no program of ours: clips, a photo, and links to a bundle and a checkpoint."""
    folder.mkdir()
    shutil.copytree(bundle, folder / "bundle.mdhr")
    shutil.copy(checkpoint, folder / "checkpoint.pt")
    write_clip(folder / "clip.avi", FRAMES)
    write_clip(folder / "long.avi", LONG)
    write_film(folder / "call.avi", map(call, range(5)))
    cv2.imwrite(str(folder / "photo.jpg"), image(0))
    return Stock(folder)


def image(step: int) -> np.ndarray:
    """uint8 (240, 240, 3) BGR: the face of a photo that scikit-image carries, moved a little."""
    return np.ascontiguousarray(np.roll(_portrait(), round(6 * np.sin(step / 4)), axis=1))


@cache
def _portrait() -> np.ndarray:
    from skimage import data

    return data.astronaut()[:240, 100:340, ::-1]


CALL = ((0, 0, 240), (260, 20, 180), (40, 260, 160), (260, 250, 120))
"""Where the face is in a picture of the call, the largest first: left, upper, and side in pixels."""


def call(step: int) -> np.ndarray:
    """uint8 (420, 480, 3) BGR: the moving face four times, as in a video call."""
    return scene((420, 480), *((image(step), *place) for place in CALL))


def scene(size: tuple[int, int], *parts: tuple[np.ndarray, int, int, int]) -> np.ndarray:
    """A picture of height and width in which square others are: each with its left, its upper, and its side."""
    canvas = np.full((*size, 3), (96, 104, 110), np.uint8)
    for part, left, upper, side in parts:
        canvas[upper : upper + side, left : left + side] = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)
    return canvas


def write_film(path: Path, images: Iterable[np.ndarray]) -> None:
    """Write a video of pictures (BGR), as Motion JPEG."""
    first, *others = images
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, first.shape[1::-1])
    for each in (first, *others):
        writer.write(each)
    writer.release()


def write_clip(path: Path, frames: int, size: int = 240) -> None:
    """Write a video of the moving face, as Motion JPEG."""
    write_film(path, (cv2.resize(image(step), (size, size)) for step in range(frames)))


# Makers. A name may hold any byte, as Python's file names do.


def put(thing: str, name: str | None = None, edit: Callable[[bytes], bytes] = bytes) -> Maker:
    """Copy a file or folder in stock, perhaps under another name, a file perhaps with edited bytes."""

    def make(folder: Path, stock: Stock) -> None:
        source, target = stock.folder / thing, folder / (name or thing)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=os.link)
        else:
            target.write_bytes(edit(source.read_bytes()))

    return make


def text(name: str, content: str | bytes = "mine\n") -> Maker:
    """A file with this content."""

    def make(folder: Path, stock: Stock) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def link(name: str, target: str, hard: bool = False) -> Maker:
    """A link to a path, which may be of something in stock."""

    def make(folder: Path, stock: Stock) -> None:
        path = target.format(**stock.names)
        if hard:
            os.link(folder / path, folder / name)
        else:
            os.symlink(path, folder / name)

    return make


def fifo(name: str) -> Maker:
    """A pipe with a name, at whose other end is nobody."""
    return lambda folder, stock: os.mkfifo(folder / name)


def subfolder(name: str) -> Maker:
    """An empty folder."""
    return lambda folder, stock: (folder / name).mkdir(parents=True)


def mode(name: str, bits: int) -> Maker:
    """Change the mode of what an earlier maker made."""
    return lambda folder, stock: (folder / name).chmod(bits)


def pictures(name: str, count: int, suffix: str = ".jpg", scale: int = 1) -> Maker:
    """A folder of numbered pictures of the moving face."""

    def make(folder: Path, stock: Stock) -> None:
        (folder / name).mkdir(parents=True)
        for step in range(count):
            scaled = cv2.resize(image(step), None, fx=scale, fy=scale)
            (folder / name / f"{step}{suffix}").write_bytes(cv2.imencode(suffix, scaled)[1].tobytes())

    return make


def picture(name: str, pixels: Callable[[], np.ndarray] = lambda: image(0)) -> Maker:
    """A picture with these pixels (BGR)."""

    def make(folder: Path, stock: Stock) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, pixels())[1].tobytes())

    return make


def clip(name: str, frames: int = FRAMES, size: int = 240) -> Maker:
    """A clip of its own length or size."""
    return lambda folder, stock: write_clip(folder / name, frames, size)


def film(name: str, draw: Callable[[int], np.ndarray], frames: int = 3) -> Maker:
    """A video whose pictures (BGR) are drawn by their number."""
    return lambda folder, stock: write_film(folder / name, map(draw, range(frames)))


def ffmpeg(name: str, words: str, of: str = "{clip}", before: str = "") -> Maker:
    """What FFmpeg makes of something in stock or in the case's folder.

    Args:
        name: The file that it makes.
        words: Options of it.
        of: Its input.
        before: Options of its input.
    """

    def make(folder: Path, stock: Stock) -> None:
        given = [*before.split(), "-i", of.format(**stock.names)]
        command = ["ffmpeg", "-v", "error", "-y", *given, *words.format(**stock.names).split(), str(folder / name)]
        subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL)

    return make


def shared(name: str) -> Maker:
    """What `cases/make.py`, in the folder shared/ beside the repository, makes as `name`; once in a session."""

    def make(folder: Path, stock: Stock) -> None:
        script, made = SHARED / "cases/make.py", stock.folder.parent / "shared" / name
        if not script.is_file():
            pytest.skip("needs cases/ and media/ in the folder shared/ beside the repository")
        if not made.is_dir():
            subprocess.run([sys.executable, script, made, name], check=True, stdin=subprocess.DEVNULL)
        shutil.copytree(made, folder, copy_function=os.link, dirs_exist_ok=True)

    return make


def media(thing: str, name: str) -> Maker:
    """One of the real videos in the folder shared/ beside the repository."""

    def make(folder: Path, stock: Stock) -> None:
        if not (SHARED / "media").is_dir():
            pytest.skip("needs media/ in the folder shared/ beside the repository")
        (folder / name).symlink_to(SHARED / "media" / thing)

    return make


def bundle(
    name: str = "broken.mdhr",
    edit: Callable[[Any], Any] = lambda manifest: manifest,
    manifest_text: str | bytes | None = None,
) -> Maker:
    """A bundle whose manifest is edited: as JSON, or replaced by a text. Its other files are links."""

    def make(folder: Path, stock: Stock) -> None:
        shutil.copytree(stock.folder / "bundle.mdhr", folder / name, copy_function=os.link)
        path = folder / name / "manifest.json"
        manifest = json.loads(path.read_text())
        path.unlink()  # or the stock's would change with it
        changed = manifest_text if manifest_text is not None else json.dumps(edit(manifest) or manifest)
        path.write_bytes(changed.encode() if isinstance(changed, str) else changed)

    return make
