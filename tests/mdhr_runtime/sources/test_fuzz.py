"""Six thousand damaged videos: each gives frames, or is refused in words; none hangs, crashes or takes all memory.

They are read in processes of their own, so that what a crash or hang comes from is told by its number.
"""

import random
import re
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mdhr_runtime.errors import VideoError
from mdhr_runtime.sources import Video

pytestmark = pytest.mark.slow

MUTATIONS = 1000
SECONDS = 20
"""In which a file of twelve small frames is read: a thousand times of what it takes."""
MOST = 1 << 20
"""KiB that the process may take, whatever size of picture a damaged header says."""
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
"""Memory of the process at its most. What `resource` tells includes that of the process that started it."""
READERS = 2
"""Processes that read at a time."""
FRAMES, WIDTH, HEIGHT = 12, 96, 64
CODECS = {
    "H.264": ("mp4", "libx264", {"g": "4", "preset": "ultrafast"}),
    "HEVC": ("mov", "libx265", {"preset": "ultrafast", "x265-params": "keyint=4:log-level=none"}),
    "AV1": ("mkv", "libsvtav1", {"preset": "12", "g": "4"}),
    "Motion JPEG": ("avi", "mjpeg", {}),
    "MPEG-2": ("ts", "mpeg2video", {"g": "4"}),
    "VP9": ("webm", "libvpx-vp9", {"g": "4", "deadline": "realtime", "cpu-used": "8"}),
}
"""By name: the usual container, the encoder and its options."""
MUXERS = {"mp4": {"movflags": "faststart"}}
"""What says where the pictures are comes first, so that damage of others lets it be found."""


@pytest.fixture(scope="module", params=CODECS)
def clip(request, tmp_path_factory):
    """A small video; its path."""
    import encoded  # which is not on the path of the processes that read

    suffix, codec, options = CODECS[request.param]
    path = tmp_path_factory.mktemp("fuzz") / f"whole.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)  # takes more bytes than any header
    return encoded.write(
        path, [np.roll(noise, number, axis=1) for number in range(FRAMES)], codec, options, MUXERS.get(suffix)
    )


def mutated(data: bytes, seed: int) -> bytes:
    """Change a file in one to four places, as disks, networks and attackers do."""
    dice, data = random.Random(seed), bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(data)), dice.choice((1, 1, 2, 4, 16, 64, 256))
        match dice.choice(("flip", "write", "zero", "remove", "insert", "repeat", "swap", "cut")):
            case "flip":
                data[at] ^= 1 << dice.randrange(8)
            case "write":
                data[at : at + size] = dice.randbytes(size)
            case "zero":
                data[at : at + size] = bytes(size)
            case "remove":
                del data[at : at + size]
            case "insert":
                data[at:at] = dice.randbytes(size)
            case "repeat":
                data[at:at] = data[at : at + size]
            case "swap":
                to = dice.randrange(len(data))
                one, other = data[at : at + size], data[to : to + size]
                data[at : at + size], data[to : to + size] = other, one
            case "cut" if dice.random() < 0.25:
                del data[max(at, 1) :]
    return bytes(data)


def read(path: Path) -> str:
    """Read a video to its end: how it ended, and the numbers of frames and of lost ones."""
    try:
        video = Video(path)
    except VideoError:
        return "refused 0 0"
    frames, end = 0, "whole"
    try:
        for frame in video:
            if frame is not None:
                assert frame.image.dtype == np.uint8
                assert frame.image.shape[2:] == (3,)
                frames += 1
    except VideoError:
        end = "broken"
    return f"{end} {frames} {video.lost}"


def read_mutations(path: Path, first: int) -> None:
    """Read mutations of a video from a number on, and print a line for each: what `read` says, or what was raised."""
    whole, place = path.read_bytes(), path.with_name(f"{first}{path.suffix}")
    for number in range(first, MUTATIONS, READERS):
        place.write_bytes(mutated(whole, number))
        signal.alarm(SECONDS)  # SIGALRM ends this process, wherever it hangs
        try:
            said = read(place)
        except Exception as error:
            said = f"FAULT raised {error!r}"
        taken = int(PEAK.findall(Path("/proc/self/status").read_text())[0])
        print(number, said if taken < MOST else f"FAULT took {taken >> 10} MiB", flush=True)


def read_apart(path: Path, number: int) -> list[str]:
    """Read every `READERS`th mutation from a number on in processes of their own, a new one after each that died."""
    lines: list[str] = []
    while number < MUTATIONS:
        done = subprocess.run([sys.executable, __file__, path, str(number)], stdout=subprocess.PIPE, text=True)
        found = done.stdout.splitlines()
        number += READERS * len(found)
        lines += found
        if done.returncode:
            lines.append(f"{number} FAULT ended the process: {done.returncode}")
            number += READERS
        assert sum("FAULT" in line for line in lines) < 20, lines
    return lines


def test_damaged_videos_give_frames_or_are_refused(clip, capsys):
    assert read(clip) == f"whole {FRAMES} 0"
    with ThreadPoolExecutor(READERS) as pool:
        lines = [
            line.split(maxsplit=2) for part in pool.map(partial(read_apart, clip), range(READERS)) for line in part
        ]
    assert sorted(int(number) for number, *_ in lines) == list(range(MUTATIONS))
    ends = Counter(end for _, end, _ in lines)
    counts = [list(map(int, numbers.split())) for _, end, numbers in lines if end != "FAULT"]
    with capsys.disabled():
        told = ", ".join(f"{ends[end]} {end}" for end in ("whole", "broken", "refused", "FAULT"))
        frames, lost = np.sum(counts, axis=0)
        print(f"\n{clip.suffix}: {MUTATIONS} files: {told}; {frames} frames, {lost} lost")
    assert not ends["FAULT"], f"mutations of {clip}: {[line for line in lines if line[1] == 'FAULT']}"
    assert ends["whole"] > MUTATIONS / 10  # or the mutations are too coarse to get to the decoder


if __name__ == "__main__":
    read_mutations(Path(sys.argv[1]), int(sys.argv[2]))
