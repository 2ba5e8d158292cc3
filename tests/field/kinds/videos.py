"""Videos of all kinds that people bring: every frame has a row, upright and in its own time, or is told in words."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from ..case import Case, Maker, Right, refused
from ..processes import Process
from ..stock import FRAMES, Stock, ffmpeg, image, media, shared, text

RUN, TO = ("{bundle}",), ("--out", "au.csv")
FFMPEG = ("ffmpeg", "ffprobe")
WHOLE = ("breaks off", "damaged", "cut short", "lost")
"""What is not said of a video of which nothing is missing."""
LOST = r"lost|damaged"
BOX = ("x", "y", "w", "h")

Rows = list[dict[str, str]]
Look = Callable[[Rows], str | None]
"""A look at the rows of one source: says what is wrong."""


# What is right.


def _rows(path: Path, source: str | None = None) -> Rows:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if source in (None, row["source"])]


def _numbers(rows: Rows, *columns: str) -> np.ndarray:
    return np.array([[float(row[column] or "nan") for column in columns] for row in rows])


def _table(*looks: Look, source: str | None = None) -> Callable[[Path], str | None]:
    """Look at the rows of a source, or of the only one, in au.csv."""

    def seen(folder: Path) -> str | None:
        rows = _rows(folder / "au.csv", source)
        return next(filter(None, (look(rows) for look in looks)), None)

    return seen


def _faces(least: int, most: int | None = None) -> Look:
    def look(rows: Rows) -> str | None:
        found = sum(row["success"] == "1" for row in rows)
        return None if least <= found <= (most or len(rows)) else f"{found} rows of {len(rows)} have a face"

    return look


def _ids(count: int) -> Look:
    def look(rows: Rows) -> str | None:
        found = {row["face_id"] for row in rows if row["success"] == "1"}
        return None if len(found) == count else f"the ids are {sorted(found)}"

    return look


def _times(expected: Sequence[float]) -> Look:
    def look(rows: Rows) -> str | None:
        found = _numbers(rows, "timestamp")[:, 0]
        good = len(found) == len(expected) and np.abs(found - expected).max() < 2e-3
        return None if good else f"times are {found.tolist()}"

    return look


def _steady(rate: float, count: int) -> Look:
    return _times(np.arange(count) / rate)


def _growing(rows: Rows) -> str | None:
    found = _numbers(rows, "timestamp")[:, 0]
    return None if found[0] >= 0 and (np.diff(found) > 0).all() else f"times are {found.tolist()}"


def _missing(*frames: int) -> Look:
    """These frames have no row, and all others up to the last have one."""

    def look(rows: Rows) -> str | None:
        numbers = {int(row["frame"]) for row in rows}
        found = sorted(set(range(1, max(numbers) + 1)) - numbers)
        return None if found == sorted(frames) else f"frames {found} are missing"

    return look


def _at_least(frames: int) -> Look:
    return lambda rows: None if len(rows) >= frames else f"{len(rows)} rows"


def _box(x: float, y: float, width: float, height: float, near: float = 8) -> Look:
    """The mean box of the face, in pixels."""

    def look(rows: Rows) -> str | None:
        found = np.nanmean(_numbers(rows, *BOX), axis=0)
        return (
            None if np.abs(found - (x, y, width, height)).max() < near else f"the face is at {found.round().tolist()}"
        )

    return look


def _right(rows: int | None, *looks: Look, source: str | None = None, **more: object) -> Right:
    """All of a video is read: a table of so many rows, and no word of damage."""
    settings = {"never": WHOLE, "rows": {} if rows is None else {"au.csv": rows}, **more}
    return Right(new=("au.csv",), seen=_table(*looks, source=source), **settings)  # type: ignore[arg-type]


def _told(*says: str, looks: Sequence[Look] = (), **more: object) -> Right:
    """A video of which some is missing: the rest has rows, and it is told."""
    return Right(says=says, new=("au.csv",), seen=_table(*looks), **more)  # type: ignore[arg-type]


def _ends(least: int, most: int = FRAMES) -> Right:
    """A video that breaks off: what comes before has rows."""
    return Right((1,), says=("breaks off",), new=("au.csv",), seen=_table(_at_least(least), _growing))


def _same(one: str, other: str, columns: Sequence[str], near: float, mirrored: float | None = None):
    """Columns of two tables are alike on average, the second's boxes perhaps mirrored in a picture of this width."""

    def seen(folder: Path) -> str | None:
        first, second = (_numbers(_rows(folder / name), *columns, "x", "w") for name in (one, other))
        if len(first) != len(second):
            return f"{len(first)} and {len(second)} rows"
        if mirrored:
            first[:, columns.index("x")] = mirrored - first[:, -2] - first[:, -1]
        apart = np.nanmean(np.abs(first - second)[:, : len(columns)], axis=0)
        return None if apart.max() < near else f"{columns} differ by {apart.round(3).tolist()}"

    return seen


def _parts(folder: Path) -> str | None:
    """The scores are those of the parts alone."""
    whole, *parts = ([list(row.values())[9:-2] for row in _rows(folder / f"{name}.csv")] for name in ("au", "a", "b"))
    return None if whole == [*chain(*parts)] else "what is before the gap has to do with what is behind it"


def _all(*seen: Callable[[Path], str | None]) -> Callable[[Path], str | None]:
    return lambda folder: next(filter(None, (look(folder) for look in seen)), None)


SOURCE = media("single_face.mp4", "source.mp4")
FIRST = ((*RUN, "source.mp4", "--out", "source.csv"),)
FACE = _box(218, 76, 146, 212)
"""Where the face of single_face.mp4 is."""


# What the cases are made of.


def _packets(path: Path) -> list[tuple[int, int]]:
    """Offset and size of every packet of the picture."""
    show = ["-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "json"]
    found = subprocess.run(["ffprobe", "-v", "error", *show, path], capture_output=True, check=True).stdout
    return [(int(packet["pos"]), int(packet["size"])) for packet in json.loads(found)["packets"]]


def _damage(name: str, *packets: int) -> Maker:
    """Overwrite packets with zeros."""

    def make(folder: Path, stock: Stock) -> None:
        data = bytearray((folder / name).read_bytes())
        for position, size in (_packets(folder / name)[number] for number in packets):
            data[position : position + size] = bytes(size)
        (folder / name).write_bytes(data)

    return make


def _timed(name: str, times: str, of: str = "{clip}") -> Maker:
    """A Matroska file with other times, which expressions of FFmpeg's `setts` give."""

    def make(folder: Path, stock: Stock) -> None:
        ffmpeg("timed.mkv", "-c copy", of)(folder, stock)
        ffmpeg(name, f"-c copy -bsf:v setts={times}", "timed.mkv")(folder, stock)
        (folder / "timed.mkv").unlink()

    return make


def _cut(name: str, share: float) -> Maker:
    """Keep the first part of a file."""

    def make(folder: Path, stock: Stock) -> None:
        os.truncate(folder / name, int(share * (folder / name).stat().st_size))

    return make


def _without_start(name: str, packet: int) -> Maker:
    """Remove what comes before a packet, as one who switches on in the middle has it."""

    def make(folder: Path, stock: Stock) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[_packets(folder / name)[packet][0] :])

    return make


def _renamed(old: str, new: str) -> Maker:
    return lambda folder, stock: (folder / old).rename(folder / new)


def _removed(name: str) -> Maker:
    return lambda folder, stock: (folder / name).unlink()


def _joined(name: str, *parts: str) -> Maker:
    """What other files hold, one after the other."""

    def make(folder: Path, stock: Stock) -> None:
        (folder / name).write_bytes(b"".join((folder / part).read_bytes() for part in parts))

    return make


def _sensor(folder: Path, stock: Stock) -> None:
    """A video as a sensor has it, behind a mosaic of colours."""
    pixels = [image(step) for step in range(FRAMES)]
    for picture in pixels:
        picture[1::2, 1::2, 2] = picture[1::2, 1::2, 0]  # blue; then red and green where each is
        picture[0::2, 1::2, 2] = picture[0::2, 1::2, 1]
        picture[1::2, 0::2, 2] = picture[1::2, 0::2, 1]
    form = ["-f", "rawvideo", "-pix_fmt", "bayer_rggb8", "-s", "240x240", "-r", "25"]
    command = ["ffmpeg", "-v", "error", *form, "-i", "-", "-c", "copy", folder / "x.nut"]
    subprocess.run(command, input=b"".join(each[..., 2].tobytes() for each in pixels), check=True)


def _grow(name: str, share: float) -> Callable[[Process, Path], None]:
    """Write the rest of a file while it is read, as a recorder does."""

    def during(process: Process, folder: Path) -> None:
        data = (folder / "whole").read_bytes()
        begun = int(share * len(data))
        with (folder / name).open("ab", buffering=0) as file:
            for part in np.array_split(np.frombuffer(data[begun:], np.uint8), 20):
                file.write(part.tobytes())
                if process.wait(0.02):
                    return

    return during


H264 = "-c:v libx264 -preset ultrafast"
GROUPS = f"-frames:v 60 {H264} -g 12 -keyint_min 12 -sc_threshold 0 -bf 0"
"""Five groups of twelve pictures, which begin with frames 1, 13, 25, 37 and 49."""

KINDS: Mapping[str, tuple[str, str]] = {
    "H.264, MP4": ("x.mp4", H264),
    "H.264, fragmented MP4": ("x.mp4", f"{H264} -g 4 -movflags +frag_keyframe+empty_moov"),
    "H.264, transport stream": ("x.ts", H264),
    "H.264, Flash": ("x.flv", H264),
    "H.264 with reordered pictures, MOV": ("x.mov", "-c:v libx264 -bf 3 -b_strategy 0"),
    "H.264 in AVI": ("x.avi", H264),
    "HEVC, MP4": ("x.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=error -tag:v hvc1"),
    "HEVC, transport stream": ("x.ts", "-c:v libx265 -preset ultrafast -x265-params log-level=error"),
    "AV1, MP4": ("x.mp4", "-c:v libsvtav1 -preset 12"),
    "AV1, WebM": ("x.webm", "-c:v libaom-av1 -cpu-used 8 -usage realtime"),
    "VP8": ("x.webm", "-c:v libvpx -deadline realtime -b:v 1M"),
    "VP9": ("x.webm", "-c:v libvpx-vp9 -deadline realtime -b:v 1M"),
    "MPEG-1": ("x.mpg", "-c:v mpeg1video -q:v 3"),
    "MPEG-2, programme stream": ("x.vob", "-c:v mpeg2video -q:v 3 -bf 2"),
    "MPEG-2, transport stream": ("x.m2ts", "-c:v mpeg2video -q:v 3 -bf 2"),
    "MPEG-4 part 2, AVI": ("x.avi", "-c:v mpeg4 -q:v 3 -bf 2"),
    "Windows Media": ("x.wmv", "-c:v wmv2 -q:v 3"),
    "Theora": ("x.ogv", "-c:v libtheora -q:v 8"),
    "DNxHR, MXF": ("x.mxf", "-c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p -s 256x240"),
    "Motion JPEG, MOV": ("x.mov", "-c:v mjpeg -q:v 3"),
    "Motion JPEG 2000": ("x.mov", "-c:v jpeg2000"),
    "HuffYUV": ("x.avi", "-c:v huffyuv -pix_fmt yuv422p"),
    "Cinepak": ("x.avi", "-c:v cinepak"),
    "4:4:4": ("x.mp4", f"{H264} -pix_fmt yuv444p"),
    "4:2:2 with ten bits, ProRes": ("x.mov", "-c:v prores_ks -pix_fmt yuv422p10le"),
    "alpha, ProRes": ("x.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
    "alpha, VP9": ("x.webm", "-c:v libvpx-vp9 -deadline realtime -pix_fmt yuva420p"),
    "alpha, FFV1": ("x.mkv", "-c:v ffv1 -pix_fmt bgra"),
    "grey": ("x.mp4", f"{H264} -pix_fmt gray"),
    "grey with sixteen bits": ("x.mkv", "-c:v ffv1 -pix_fmt gray16le"),
    "twelve bits, HEVC": ("x.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p12le"),
    "sixteen bits of RGB": ("x.mkv", "-c:v ffv1 -pix_fmt rgb48le"),
    "planes of RGB, H.264": ("x.mp4", "-c:v libx264rgb -preset ultrafast"),
    "4:1:0": ("x.mkv", "-c:v ffv1 -pix_fmt yuv410p"),
    "the whole range": ("x.mp4", f"{H264} -pix_fmt yuvj420p"),
    "XYZ of cinemas": ("x.mov", "-c:v jpeg2000 -pix_fmt xyz12le"),
    "raw 4:2:2": ("x.avi", "-c:v rawvideo -pix_fmt yuyv422"),
    "raw RGB": ("x.nut", "-c:v rawvideo -pix_fmt rgb24"),
    "a palette": ("x.nut", "-c:v rawvideo -pix_fmt pal8"),
    "HDR, PQ": (
        "x.mov",
        "-vf zscale=min=709:pin=709:tin=709:rin=full:p=2020:t=smpte2084:m=2020_ncl:r=limited:npl=203 "
        "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params "
        "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -tag:v hvc1",
    ),
    "H.264 without a container": ("x.h264", H264),
    "HEVC without a container": ("x.hevc", "-c:v libx265 -preset ultrafast -x265-params log-level=error"),
    "Motion JPEG without a container": ("x.mjpeg", "-c:v mjpeg"),
    "a playlist": ("x.m3u8", f"{H264} -g 3 -hls_time 0.12 -hls_list_size 0"),
    "times that begin after eight hours, Matroska": ("x.mkv", f"{H264} -output_ts_offset 28800"),
    "times that begin after eight hours, MP4": ("x.mp4", f"{H264} -output_ts_offset 28800"),
    "times that begin after eight hours, transport stream": ("x.ts", f"{H264} -output_ts_offset 28800"),
}
"""File and FFmpeg's options: nine frames with a face, 25 a second."""

CUT: Mapping[str, tuple[str, str]] = {
    "MP4": ("x.mp4", f"{GROUPS} -movflags +faststart"),
    "MOV": ("x.mov", "-frames:v 60 -c:v mjpeg -movflags +faststart"),
    "fragmented MP4": ("x.mp4", f"{GROUPS} -movflags +frag_keyframe+empty_moov"),
    "AVI": ("x.avi", "-frames:v 60 -c:v mpeg4"),
    "Matroska": ("x.mkv", GROUPS),
    "WebM": ("x.webm", "-frames:v 60 -c:v libvpx -deadline realtime -g 12"),
}
"""Containers that say how long they are."""

DAMAGED: Mapping[str, tuple[str, str, int]] = {
    "H.264, Matroska": ("x.mkv", GROUPS, 30),
    "H.264, transport stream": ("x.ts", GROUPS, 30),
    "HEVC, MP4": (
        "x.mp4",
        "-frames:v 60 -c:v libx265 -preset ultrafast -x265-params "
        "log-level=error:keyint=12:min-keyint=12:scenecut=0:bframes=0 -tag:v hvc1",
        40,
    ),
    "MPEG-4 part 2, AVI": ("x.avi", "-frames:v 60 -c:v mpeg4 -g 12", 30),
    "VP9, WebM": ("x.webm", "-frames:v 60 -c:v libvpx-vp9 -deadline realtime -g 12", 30),
    "MPEG-2, transport stream": ("x.ts", "-frames:v 60 -c:v mpeg2video -g 12 -q:v 3", 30),
}
"""File, FFmpeg's options, and the least number of rows when two of its five groups are damaged."""

NAMES = {
    "a time": "12:30:00.mp4",
    "percent signs": "100%_%d_%20.mp4",
    "a dash": "-x.mp4",
    "Latin-1": os.fsdecode(b"M\xfcller.mp4"),
    "a protocol of FFmpeg": "concat:a|b.mp4",
    "a scheme": "file:x.mp4",
    "a query": "x.mp4?t=1#2",
    "another suffix": "x.avi",
    "no suffix": "x",
}

TURNED = (("left", "transpose=2", 90), ("right", "transpose=1", 270), ("over", "hflip,vflip", 180))
"""How the picture lies, what turned it, and what is to be said to turn it back."""

CASES = [
    # What ../shared/cases/make.py makes.
    Case(
        "interlaced",
        "run",
        (*RUN, "interlaced.mp4", *TO),
        (shared("interlaced"),),
        _right(36, _faces(36), _ids(1), _steady(15, 36), FACE),
        needs=FFMPEG,
    ),
    Case(
        "anamorphic",
        "run",
        (*RUN, "anamorphic.mp4", *TO),
        (shared("anamorphic"), SOURCE),
        _right(72, _faces(72), _ids(1), _steady(30, 72), FACE),
        needs=FFMPEG,
    ),
    Case(
        "av1",
        "run",
        (*RUN, "av1.mp4", *TO),
        (shared("av1"),),
        _right(72, _faces(72), _ids(1), _steady(30, 72), FACE),
        needs=FFMPEG,
    ),
    *(
        Case(
            name,
            "run",
            (*RUN, f"{name}.mkv", *TO),
            (shared(name),),
            _right(72, _faces(72), _ids(1), _steady(30, 72), FACE),
            needs=FFMPEG,
        )
        for name in ("late_picture", "long_sound", "late_start")
    ),
    Case(
        "picture_gap",
        "run",
        (*RUN, "picture_gap.mkv", *TO),
        (shared("picture_gap"),),
        _told(
            "11[01](.0)? s|1[.:]1\\d|gap|pause",
            looks=(_faces(72, 72), _times([step / 30 + 110 * (step >= 35) for step in range(72)]), FACE),
            rows={"au.csv": 72},
            never=WHOLE,
        ),
        needs=FFMPEG,
    ),
    Case(
        "damaged_packets",
        "run",
        (*RUN, "damaged_packets.mp4", *TO),
        (shared("damaged_packets"),),
        _told(LOST, r"\b8\b", r"0\.9\d* s|1\.2\d* s", looks=(_faces(64), _missing(*range(29, 37)), _growing, FACE)),
        needs=FFMPEG,
    ),
    Case(
        "damaged_picture",
        "run",
        (*RUN, "damaged_picture.avi", *TO),
        (shared("damaged_picture"),),
        _told(LOST, r"1\.0\d* s|0:01", looks=(_faces(71), _missing(31), _growing, FACE), rows={"au.csv": 71}),
        needs=FFMPEG,
    ),
    Case(
        "mirrored",
        "run",
        (*RUN, "mirrored.mp4", *TO),
        (shared("mirrored"), SOURCE),
        Right(
            never=(*WHOLE, "upside"),
            new=("au.csv",),
            rows={"au.csv": 72},
            seen=_all(_table(_faces(72), _ids(1)), _same("source.csv", "au.csv", BOX, 6, mirrored=640)),
        ),
        first=FIRST,
        needs=FFMPEG,
    ),
    Case(
        "sideways",
        "run",
        (*RUN, "sideways.mp4", *TO),
        (shared("sideways"), SOURCE),
        Right(
            never=(*WHOLE, "on (its|their) side"),
            new=("au.csv",),
            rows={"au.csv": 72},
            seen=_all(_table(_faces(72), _ids(1)), _same("source.csv", "au.csv", BOX, 6)),
        ),
        first=FIRST,
        needs=FFMPEG,
    ),
    Case(
        "hdr",
        "run",
        (*RUN, "hdr.mov", *TO),
        (shared("hdr"),),
        _right(72, _faces(72), _ids(1), _steady(30, 72), FACE),
        needs=FFMPEG,
    ),
    Case(
        "uneven",
        "run",
        (*RUN, "uneven.mp4", *TO),
        (shared("uneven"),),
        _right(20, _faces(20), _times([step / 30 + (step >= 4) for step in range(20)])),
        needs=FFMPEG,
    ),
    Case(
        "one_frame",
        "run",
        (*RUN, "one_frame.mp4", *TO),
        (shared("one_frame"),),
        _right(1, _faces(1), _times([0])),
        needs=FFMPEG,
    ),
    Case(
        "recording_2026",
        "run",
        (*RUN, "2026-11-26T12:30:00.mp4", *TO),
        (shared("recording_2026"),),
        _right(72, _faces(72), _ids(1), _steady(30, 72)),
        needs=FFMPEG,
    ),
    Case(
        "folder_001",
        "run",
        (*RUN, "001", *TO),
        (shared("folder_001"),),
        _right(9, _faces(9), _ids(1)),
        needs=FFMPEG,
    ),
    Case(
        "deep_picture",
        "run",
        (*RUN, "deep_picture.png", *TO),
        (shared("deep_picture"),),
        _right(1, _faces(1), never=("dark",)),
        needs=FFMPEG,
    ),
    Case("pages", "run", (*RUN, "pages.tif", *TO), (shared("pages"),), _right(4, _faces(4)), needs=FFMPEG),
    Case(
        "somebody_else",
        "run",
        (*RUN, "somebody_else.mp4", *TO),
        (shared("somebody_else"),),
        _right(115, _faces(80, 105), _ids(2), _steady(25, 115)),
        needs=FFMPEG,
    ),
    Case(
        "cut",
        "run",
        (*RUN, "cut.mp4", *TO),
        (shared("cut"),),
        _right(100, _faces(80), _ids(2), _steady(25, 100)),
        needs=FFMPEG,
    ),
    *(  # How many ids they get is the business of who tells faces apart, not of who reads videos.
        Case(
            name,
            "run",
            (*RUN, f"{name}.mp4", *TO),
            (shared(name),),
            _right(70, _faces(70), _steady(25, 70)),
            needs=FFMPEG,
        )
        for name in ("light_switch", "to_grey")
    ),
    # Codecs, containers and pixels.
    *(
        Case(
            f"a kind: {kind}",
            "run",
            (*RUN, name, *TO),
            (ffmpeg(name, words),),
            _right(FRAMES, _faces(FRAMES), _ids(1), _steady(25, FRAMES)),
            needs=FFMPEG,
        )
        for kind, (name, words) in KINDS.items()
    ),
    Case("a kind: a sensor's mosaic", "run", (*RUN, "x.nut", *TO), (_sensor,), _right(9, _faces(9)), needs=FFMPEG),
    Case(
        "a kind: PAL DV, interlaced, pixels of 16:15",
        "run",
        (*RUN, "x.dv", *TO),
        (
            ffmpeg("shown.avi", "-vf scale=576:576,pad=768:576:96:0 -c:v mjpeg -q:v 3"),
            ffmpeg(
                "x.dv",
                "-vf scale=720:576,setsar=16/15,setfield=bff -c:v dvvideo -pix_fmt yuv420p -flags +ilme+ildct",
                of="shown.avi",
            ),
        ),
        Right(
            never=WHOLE,
            new=("au.csv",),
            rows={"au.csv": 9},
            seen=_all(_table(_faces(9), _steady(25, 9)), _same("shown.csv", "au.csv", BOX, 6)),
        ),
        first=((*RUN, "shown.avi", "--out", "shown.csv"),),
        needs=FFMPEG,
    ),
    Case(
        "a size that changes",
        "run",
        (*RUN, "x.h264", *TO),
        (ffmpeg("a.h264", H264), ffmpeg("b.h264", f"{H264} -s 320x320"), _joined("x.h264", "a.h264", "b.h264")),
        _right(18, _faces(18), _steady(25, 18)),
        needs=FFMPEG,
    ),
    Case(
        "two videos, of which the second is interlaced",
        "run",
        (*RUN, "{clip}", "interlaced.mp4", *TO),
        (shared("interlaced"),),
        _right(None, _faces(36), _ids(1), _steady(15, 36), FACE, source="interlaced.mp4"),
        needs=FFMPEG,
    ),
    # Streams.
    Case(
        "two streams of pictures, of which the second is the default",
        "run",
        (*RUN, "x.mkv", *TO),
        (
            ffmpeg(
                "x.mkv",
                f"-filter_complex nullsrc=s=64x64:r=25:d=0.36[other] -map [other] -map 0 {H264} "
                "-disposition:v:0 0 -disposition:v:1 default",
            ),
        ),
        _right(9, _faces(9)),
        needs=FFMPEG,
    ),
    Case(
        "a picture of the cover beside the video",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", f"-i {{photo}} -map 0 -map 1 {H264} -c:v:1 mjpeg -disposition:v:1 attached_pic"),),
        _right(9, _faces(9), _steady(25, 9)),
        needs=FFMPEG,
    ),
    Case(
        "a picture of the cover and sound alone",
        "run",
        (*RUN, "x.mp3", *TO),
        (
            ffmpeg(
                "x.mp3",
                "-f lavfi -i sine=440:d=1 -map 1 -map 0 -c:a libmp3lame -c:v mjpeg -disposition:v:0 attached_pic",
                of="{photo}",
            ),
        ),
        refused("x.mp3", "sound|cover|no (video|picture|moving)"),
        needs=FFMPEG,
    ),
    Case(
        "sound alone",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", "-c:a aac", of="sine=440:d=1", before="-f lavfi"),),
        refused("x.mp4", "sound|no (video|picture)"),
        needs=FFMPEG,
    ),
    # Times.
    Case(
        "times that are uneven",
        "run",
        (*RUN, "x.mkv", *TO),
        (_timed("x.mkv", "ts=N*N/50/TB"),),
        _right(9, _faces(9), _times([step * step / 50 for step in range(9)])),
        needs=FFMPEG,
    ),
    Case(
        "times that begin anew",
        "run",
        (*RUN, "x.ts", *TO),
        (ffmpeg("a.ts", H264), _joined("x.ts", "a.ts", "a.ts")),
        # Counters of packets begin anew, too, so that what is beside the seam may be damaged.
        Right(new=("au.csv",), seen=_table(_faces(16, 18), _growing), never=("breaks off",)),
        needs=FFMPEG,
    ),
    Case(
        "all times are alike",
        "run",
        (*RUN, "x.mkv", *TO),
        (_timed("x.mkv", "pts=0:dts=0"),),
        Right(new=("au.csv",), rows={"au.csv": 9}, seen=_table(_faces(9), _growing), never=("breaks off",)),
        needs=FFMPEG,
    ),
    Case(
        "a start that is hidden by an edit list",
        "run",
        (*RUN, "x.mp4", *TO),
        (
            ffmpeg("whole.mp4", f"-frames:v 25 {H264} -g 99", of="{long}"),
            ffmpeg("x.mp4", "-c copy", of="whole.mp4", before="-ss 0.4"),
        ),
        _right(15, _faces(15), _steady(25, 15)),
        needs=FFMPEG,
    ),
    Case(
        "a gap of 600 s: nothing is compared across it",
        "run",
        (*RUN, "gap.mkv", "--faces", "crops", *TO),
        (
            ffmpeg("a.mkv", "-frames:v 20 -s 224x224 -c:v mjpeg -q:v 3", of="{long}"),
            ffmpeg("b.mkv", "-frames:v 20 -s 224x224 -c:v mjpeg -q:v 3", of="{long}", before="-ss 0.8"),
            ffmpeg("whole.mkv", "-frames:v 40 -s 224x224 -c:v mjpeg -q:v 3", of="{long}"),
            _timed("gap.mkv", "ts=TS+gte(N\\,20)*600/TB", of="whole.mkv"),
        ),
        Right(
            new=("au.csv",),
            rows={"au.csv": 40},
            says=("600|10:00",),
            seen=_parts,
        ),
        first=tuple((*RUN, f"{part}.mkv", "--faces", "crops", "--out", f"{part}.csv") for part in "ab"),
        needs=FFMPEG,
    ),
    Case(
        "a part of a playlist that is lost",
        "run",
        (*RUN, "x.m3u8", *TO),
        (
            ffmpeg("x.m3u8", f"-frames:v 150 {H264} -g 50 -keyint_min 50 -sc_threshold 0 -hls_time 2", of="{long}"),
            _removed("x1.ts"),
        ),
        # What is beside the seam may be damaged: its packets are not counted on.
        _told("no picture for 2", looks=(_at_least(96), _growing)),
        needs=FFMPEG,
    ),
    Case(
        "a playlist that leads to an address",
        "run",
        (*RUN, "x.m3u8", *TO),
        (text("x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"),),
        refused("x.m3u8"),
    ),
    # What is missing or damaged.
    *(
        Case(
            f"cut short: {kind}",
            "run",
            (*RUN, name, *TO),
            (ffmpeg(name, words, of="{long}"), _cut(name, 0.6)),
            _ends(20),
            needs=FFMPEG,
        )
        for kind, (name, words) in CUT.items()
    ),
    Case(
        "cut short: a transport stream, which does not say how long it is",
        "run",
        (*RUN, "x.ts", *TO),
        (ffmpeg("x.ts", GROUPS, of="{long}"), _cut("x.ts", 0.6)),
        Right((0, 1), new=("au.csv",), seen=_table(_at_least(20), _growing)),
        needs=FFMPEG,
    ),
    Case(
        "cut short: an MP4 whose list was at the end",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", GROUPS, of="{long}"), _cut("x.mp4", 0.9)),
        refused("x.mp4", "cut short"),
        needs=FFMPEG,
    ),
    *(
        Case(
            f"damaged in two places: {kind}",
            "run",
            (*RUN, name, *TO),
            (ffmpeg(name, words, of="{long}"), _damage(name, 14, 15, 40)),
            _told(LOST, looks=(_at_least(rows), _growing), never=("breaks off",)),
            needs=FFMPEG,
        )
        for kind, (name, words, rows) in DAMAGED.items()
    ),
    Case(
        "two places are told one by one",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", GROUPS, of="{long}"), _damage("x.mp4", 14, 15, 16, 40)),
        _told(
            rf"\b10\b[^\n]*({LOST})|({LOST})[^\n]*\b10\b",
            rf"\b8\b[^\n]*({LOST})|({LOST})[^\n]*\b8\b",
            r"\b18\b",
            looks=(_missing(*range(15, 25), *range(41, 49)), _growing),
        ),
        needs=FFMPEG,
    ),
    Case(
        "damaged where it ends",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", GROUPS, of="{long}"), _damage("x.mp4", *range(49, 60))),
        _ends(49),
        needs=FFMPEG,
    ),
    Case(
        "damaged where it begins",
        "run",
        (*RUN, "x.mp4", *TO),
        (ffmpeg("x.mp4", GROUPS, of="{long}"), _damage("x.mp4", 0)),
        _told(LOST, looks=(_missing(*range(1, 13)), _growing)),
        needs=FFMPEG,
    ),
    Case(
        "it begins within a group of pictures",
        "run",
        (*RUN, "x.ts", *TO),
        (ffmpeg("x.ts", f"{GROUPS}", of="{long}"), _without_start("x.ts", 6)),
        Right(new=("au.csv",), seen=_table(_faces(48), _growing), never=("breaks off",)),
        needs=FFMPEG,
    ),
    Case(
        "it grows while it is read",
        "run",
        (*RUN, "x.ts", *TO),
        (ffmpeg("x.ts", f"-frames:v 200 {H264} -g 12", of="{long}"), _joined("whole", "x.ts"), _cut("x.ts", 0.3)),
        Right((0, 1), new=("au.csv",), replaced=("x.ts",), seen=_table(_at_least(40), _growing)),
        during=_grow("x.ts", 0.3),
        needs=FFMPEG,
    ),
    # Names.
    *(
        Case(
            f"a name: {what}",
            "run",
            (*RUN, *TO, "--", name),
            (ffmpeg("made.mp4", H264), _renamed("made.mp4", name)),
            _right(FRAMES, _faces(FRAMES)),
            needs=FFMPEG,
        )
        for what, name in NAMES.items()
    ),
    # Pictures that lie on their side without a tag.
    *(
        Case(
            f"pixels that are turned: {what}",
            "run",
            (*RUN, "x.mp4", *TO),
            (ffmpeg("x.mp4", f"-vf {turned} {H264}"),),
            Right((0,), says=(f"--rotate {back}",), new=("au.csv",), seen=_table(_faces(0, 0))),
            needs=FFMPEG,
        )
        for what, turned, back in TURNED
    ),
    *(
        Case(
            f"pixels that are turned back: {what}",
            "run",
            (*RUN, "x.mp4", "--rotate", str(back), *TO),
            (ffmpeg("x.mp4", f"-vf {turned} {H264}"),),
            _right(FRAMES, _faces(FRAMES), never=("--rotate",)),
            needs=FFMPEG,
        )
        for what, turned, back in TURNED
    ),
]
