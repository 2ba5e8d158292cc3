"""Decoding of streams that are whole, damaged, or begin anew: what is given is a picture of it, and no mixture."""

import os

import av
import encoded
import numpy as np
import pytest

from mdhr_runtime.sources.decoding import Decoder

GROUP, COUNT = 12, 48
CODECS = {
    "H.264": ("libx264", {"g": str(GROUP), "bf": "0", "sc_threshold": "0", "preset": "ultrafast"}),
    "H.264, reordered": (
        "libx264",
        {"g": str(GROUP), "bf": "2", "b_strategy": "0", "sc_threshold": "0", "preset": "veryfast"},
    ),
    "HEVC": ("libx265", {"preset": "ultrafast", "x265-params": f"keyint={GROUP}:scenecut=0:bframes=0:log-level=none"}),
    "MPEG-2": ("mpeg2video", {"g": str(GROUP), "b": "2000000"}),
    "MPEG-4": ("mpeg4", {"g": str(GROUP), "b": "2000000"}),
    "VP9": ("libvpx-vp9", {"g": str(GROUP), "deadline": "realtime", "cpu-used": "8"}),
    "AV1": ("libsvtav1", {"g": str(GROUP), "preset": "12"}),
    "Motion JPEG": ("mjpeg", {}),
}


@pytest.fixture(scope="module")
def moving(photo):
    """48 pictures (128, 128, 3), which differ by more than coding does."""
    return [np.ascontiguousarray(photo[60:188, 3 * step : 128 + 3 * step]) for step in range(COUNT)]


def nearest(image, images):
    """Number of the image that is most like it, and the mean difference."""
    apart = [np.abs(image.astype(int) - one).mean() for one in images]
    return int(np.argmin(apart)), min(apart)


def read(path, start=None):
    with Decoder(str(path)) as decoder:
        return list(decoder.pictures(start)), decoder


def damage(path, *packets):
    """Overwrite the data of packets, in the order of the file."""
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in (places[number] for number in packets):
        data[position : position + size] = bytes(size)
    path.write_bytes(data)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="the system does not tell")
def test_encoding_leaves_the_priority_of_this_process_alone(tmp_path, moving):
    """Else every test after this one would take the machine from those that run beside it."""
    encoded.write(tmp_path / "a.mp4", moving[:4], *CODECS["AV1"])
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize("codec", CODECS)
def test_all_pictures_of_a_whole_video_come_in_order(tmp_path, moving, codec):
    pictures, decoder = read(encoded.write(tmp_path / "a.mp4", moving, *CODECS[codec]))
    assert [nearest(picture.image, moving)[0] for picture in pictures] == list(range(COUNT))
    np.testing.assert_allclose([picture.time for picture in pictures], np.arange(COUNT) / 25, atol=1e-3)
    assert decoder.lost == sum(picture.lost for picture in pictures) == 0
    assert decoder.fps == 25
    assert decoder.broken is None


@pytest.mark.parametrize("codec", CODECS)
def test_damage_costs_pictures_up_to_the_next_key_frame_and_they_are_counted(tmp_path, moving, codec):
    path = encoded.write(tmp_path / "a.mp4", moving, *CODECS[codec])
    damage(path, GROUP + 5)
    pictures, decoder = read(path)
    found = [nearest(picture.image, moving) for picture in pictures]
    assert max(apart for _, apart in found) < 12  # none is smeared
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    assert decoder.lost + sum(picture.lost for picture in pictures) == COUNT - len(pictures) > 0
    assert set(range(COUNT)) - set(numbers) <= set(range(GROUP, 2 * GROUP))


def test_a_transport_stream_that_lacks_packets_gives_no_smeared_picture(tmp_path, moving):
    path = encoded.write(tmp_path / "a.ts", moving, *CODECS["H.264"])
    damage(path, GROUP + 5)
    pictures, _ = read(path)
    assert max(nearest(picture.image, moving)[1] for picture in pictures) < 12
    assert COUNT - GROUP - 2 <= len(pictures) < COUNT
    assert any(picture.lost for picture in pictures)


def test_what_is_lost_before_times_begin_anew_is_counted_once(tmp_path, moving):
    damaged, whole = (encoded.write(tmp_path / f"{name}.ts", moving, *CODECS["H.264"]) for name in "ab")
    damage(damaged, COUNT - 5)
    (tmp_path / "c.ts").write_bytes(damaged.read_bytes() + whole.read_bytes())
    pictures, decoder = read(tmp_path / "c.ts")
    assert sum(picture.lost > 0 for picture in pictures) == 1
    assert decoder.lost == 0


def test_a_start_is_reached_from_the_key_frame_before(tmp_path, moving):
    path = encoded.write(tmp_path / "a.mp4", moving, *CODECS["H.264"])
    pictures, decoder = read(path, start=(2 * GROUP + 3) / 25)
    assert decoder.skipped == 2 * GROUP
    assert [nearest(picture.image, moving)[0] for picture in pictures] == list(range(2 * GROUP, COUNT))
