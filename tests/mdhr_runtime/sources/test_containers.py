"""Files that are shorter than they say."""

import struct

import numpy as np
import pytest

from mdhr_runtime.sources.containers import is_cut_short

FILES = [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "MJPG"), ("a.mov", "mp4v")]


@pytest.mark.parametrize(("name", "codec"), FILES)
def test_whole_files_and_every_kind_of_cut(write_video, swaying, name, codec):
    path = write_video(name, swaying, codec)
    whole = path.read_bytes()
    assert not is_cut_short(path)
    for length in (len(whole) - 1, len(whole) // 2, len(whole) // 10):
        path.write_bytes(whole[:length])
        assert is_cut_short(path), length


def test_what_follows_a_whole_file_is_no_matter(write_video, swaying):
    path = write_video("a.avi", swaying)
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    assert not is_cut_short(path)


def test_parts_without_a_size_and_large_ones(tmp_path):
    path = tmp_path / "a"
    begin = struct.pack(">I4sQ", 16, b"ftyp", 0)
    for last, cut in (
        (struct.pack(">I4sQ", 0, b"mdat", 0), False),  # to the end, however far that is
        (struct.pack(">I4sQ", 1, b"mdat", 1 << 40), True),
        (struct.pack(">I4sQ", 1, b"mdat", 16), False),
    ):
        path.write_bytes(begin + last)
        assert is_cut_short(path) == cut
    path.write_bytes(b"\x1aE\xdf\xa3\x80" + b"\x18S\x80g\x01" + b"\xff" * 7 + b"frames")  # a stream's
    assert not is_cut_short(path)


def test_any_other_bytes_end_without_an_error(tmp_path):
    path, random = tmp_path / "a", np.random.default_rng(0)
    for start in (b"", b"\0\0\0\x18ftyp", b"RIFF\xff\0\0\0AVI ", b"\x1aE\xdf\xa3"):
        for length in range(40):
            path.write_bytes(start + random.bytes(length))
            is_cut_short(path)
