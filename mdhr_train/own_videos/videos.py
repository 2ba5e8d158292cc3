"""The videos of a folder: which one a table means, and when its frames are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from mdhr_runtime.errors import ConfigError, DataError
from mdhr_runtime.sources import Video
from mdhr_runtime.sources.contents import SMALL_COPIES, VIDEO_SUFFIX
from mdhr_runtime.sources.images import is_hidden

PLAYER = re.compile(r"player #\d+:", re.IGNORECASE)
"""What BORIS writes before the name of a video."""


class Videos:
    """The videos of a folder at any depth, or one video.

    Args:
        root: The folder, or the video.

    Attributes:
        paths: The videos by their names: their paths below the folder.

    Raises:
        DataError: There is none.
    """

    def __init__(self, root: Path) -> None:
        if root.is_dir():
            files = sorted(path for path in root.rglob("*") if VIDEO_SUFFIX.fullmatch(path.suffix) and path.is_file())
        else:
            files, root = [root] if root.is_file() else [], root.parent
        below = {path.relative_to(root).as_posix(): path for path in files}
        self.paths = {
            name: path
            for name, path in below.items()
            if not any(map(is_hidden, map(Path, PurePosixPath(name).parts))) and path.suffix.lower() not in SMALL_COPIES
        }
        if not self.paths:
            raise DataError(
                f"There are no videos in {root}.",
                "No file there has a name such as clip.mp4, .mov, .avi, .mkv or .webm.",
                "Give the folder with the videos, or one video.",
            )
        self._by_stem: dict[str, list[str]] = {}
        for name in self.paths:
            self._by_stem.setdefault(PurePosixPath(name).stem.casefold(), []).append(name)
        self._times: dict[str, np.ndarray] = {}

    def times(self, name: str) -> np.ndarray:
        """When the frames of a video are shown: float64 (F,), in seconds since the first, which has the number 1.

        Raises:
            VideoError: It cannot be opened.
        """
        if name not in self._times:
            self._times[name] = np.array(Video(self.paths[name]).times())
        return self._times[name]

    def title(self, name: str) -> str:
        """A video's name without its suffix, unless another video is called so, too."""
        path = PurePosixPath(name)
        same = [one for one in self._by_stem[path.stem.casefold()] if PurePosixPath(one).parent == path.parent]
        return path.with_suffix("").as_posix() if len(same) == 1 else name

    def find(self, text: str, longer: bool = False) -> str | None:
        """Find the video that a cell of a table, or the name of its file, means.

        Args:
            text: The video's name, with or without folders and suffix.
            longer: Whether the name may go on behind a sign that is no letter or digit: `clip_labels` for `clip.mp4`.

        Returns:
            Its name; None if there is none.

        Raises:
            DataError: It may be more than one.
        """
        parts = PLAYER.sub("", text).replace("\\", "/").casefold().split("/")
        last = parts[-1]
        suffix = PurePosixPath(last).suffix if VIDEO_SUFFIX.fullmatch(PurePosixPath(last).suffix) else ""
        stem = last.removesuffix(suffix)
        stems = [stem]
        if longer:
            # Where a number follows, it is another video.
            stems += [stem[: sign.start()] for sign in reversed(list(re.finditer(r"[\W_]+(?!\d)", stem)))]
        ranks = {
            name: rank
            for name in next((self._by_stem[one] for one in stems if one in self._by_stem), [])
            if (rank := _rank(name.casefold(), parts[:-1], suffix)) is not None
        }
        found = [name for name, rank in ranks.items() if rank == max(ranks.values())]
        if len(found) > 1:
            raise DataError(
                f"Which video {text!r} means is not clear.",
                f"It may be {' or '.join(map(str, (self.paths[name] for name in found[:3])))}.",
                "Write the folder and the suffix of the video in the table, or lay the tables in folders of the same "
                "names as those of the videos.",
            )
        return found[0] if found else None


def _rank(name: str, folders: Sequence[str], suffix: str) -> tuple[int, bool] | None:
    """How well a video fits: the folders above it that are as written, and its suffix. None if a folder is another."""
    path = PurePosixPath(name)
    common = min(len(folders), len(path.parts) - 1)
    if [*folders[len(folders) - common :]] != [*path.parts[len(path.parts) - 1 - common : -1]]:
        return None
    return common, path.suffix == suffix


def subject_finder(pattern: str) -> Callable[[str], str]:
    """Make what tells the subject of a video by its name.

    Args:
        pattern: A regular expression with one group.

    Returns:
        A function that raises a DataError where the pattern does not match.

    Raises:
        ConfigError: It is none.
    """
    try:
        expression = re.compile(pattern)
        why = "" if expression.groups == 1 else f"It has {expression.groups} groups, and should have one."
    except re.error as error:
        why = f"It cannot be read: {error}."
    if why:
        fix = r"Put what names the person in brackets: --subjects '^([^/]+)/', or 'P(\d+)'."
        raise ConfigError(f"--subjects {pattern!r} finds no person.", why, fix)

    def subject(name: str) -> str:
        found = expression.search(name)
        if not (found and found[1]):
            what = f"The subject of {name} is not known."
            raise DataError(
                what, f"--subjects {pattern!r} finds none in it.", "Change it, or move the video elsewhere."
            )
        return found[1]

    return subject
