"""How many hours, machines and bytes a collection takes, reckoned from a result of `mdhr-bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

from msgspec import Meta

from ..errors import DataError
from ..records import Count, Positive, RecordError, from_plain, read_json

BYTES_PER_ROW = 100
"""Of a table, with 12 AUs: that of shared/media/WolfgangLanger_Pexels.mp4, with 472 rows."""

BYTES_PER_VIDEO = 12_400
"""Of the same video: what its table has besides rows (7,700), its summary of one face (4,086) and its record (650)."""

ENOUGH_FRAMES = 300
"""Frames of which a GPU's start-up is no large part any more."""

Seconds = Annotated[float, Meta(gt=0)]


class _Stage(TypedDict):
    name: str
    seconds: float


class _Pipeline(TypedDict):
    frames: Positive
    faces: Count
    seconds: Seconds
    stages: list[_Stage]


class _Rate(TypedDict):
    curve: str
    size: Positive
    frames_per_second: Seconds


class _Bench(TypedDict):
    """What is needed of a result of `mdhr-bench`."""

    environment: dict[str, dict[str, Any]]
    pipeline: list[_Pipeline]
    throughput: list[_Rate]


class Pace(NamedTuple):
    """Frames per second of a machine, or of one GPU, and the CPU cores that would keep that busy, if it was measured.

    The basis says in words what limits the rate, and how that was measured.
    """

    frames_per_second: float
    basis: str
    cores: float | None = None


def read_pace(path: Path, faces: float = 1.0) -> Pace:
    """The rate that follows from a result of `mdhr-bench`.

    On a CPU it is that of whole videos. Of a GPU it is that of the model, which many videos at once feed, as far as the
    machine's cores can decode them and find the faces: it takes the time inside these stages for that of a core, which
    is too much where they wait for the GPU.

    Args:
        path: The result.
        faces: Faces per frame.

    Raises:
        DataError: It cannot be read, or tells of no rate.
    """
    fix = "Give the JSON file that `mdhr-bench … --out FILE.json` wrote."
    try:
        bench: _Bench = read_json(path, _Bench)
        cores: int = from_plain(
            Positive, bench["environment"].get("cpu", {}).get("usable_cores"), "The number of cores"
        )
    except RecordError as error:
        raise DataError(f"{path} cannot be read as a benchmark's result.", str(error), fix) from error
    videos = bench["pipeline"]
    frames, scored = (sum(video[counted] for video in videos) for counted in ("frames", "faces"))
    if videos and "gpus" not in bench["environment"]:
        seconds = sum(video["seconds"] for video in videos)
        model = min(seconds, _inside(videos, "encoding", "temporal"))
        rate = frames / (seconds - model + model * faces * frames / max(1, scored))
        return Pace(rate, f"whole videos, measured over {frames} frames")
    streams = {rate["frames_per_second"]: rate["size"] for rate in bench["throughput"] if rate["curve"] == "streams"}
    if not streams:
        raise DataError(f"{path} tells of no rate.", "It has neither a pipeline nor a throughput of streams.", fix)
    rate, basis = max(streams) / faces, f"the model alone, {streams[max(streams)]} faces at once"
    if not videos:
        return Pace(rate, f"{basis}; whole videos, which take longer, were not measured there")
    needed = rate * _inside(videos, "decode", "detection", "alignment") / frames
    if needed > cores:
        few = ", too few to rely on" if frames < ENOUGH_FRAMES else ""
        rate, basis = rate * cores / needed, f"decoding and faces on {cores} cores, measured over {frames} frames{few}"
    return Pace(rate, basis, needed)


def _inside(videos: list[_Pipeline], *names: str) -> float:
    """Seconds inside stages, each of which has one thread."""
    return sum(stage["seconds"] for video in videos for stage in video["stages"] if stage["name"] in names)


def size_of_results(videos: int, frames: int, faces: float) -> int:
    """Bytes of the results of so many videos and frames, with so many faces per frame."""
    return round(frames * max(1.0, faces) * BYTES_PER_ROW) + videos * BYTES_PER_VIDEO
