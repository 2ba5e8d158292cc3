"""What paths hold, and what is said of those that were given in the wrong place."""

import io
import os
import zipfile

import cv2
import numpy as np
import pytest

from mdhr_runtime import file_types
from mdhr_runtime.file_types import BUNDLE, CHECKPOINT, FOLDER, IMAGE, ONNX, TABLE, VIDEO, explain, file_type
from mdhr_runtime.results import Row
from mdhr_runtime.sinks import open_sink


def test_what_programs_of_ours_write_is_recognised(tiny_bundle, tiny_checkpoint, write_video, tmp_path):
    assert file_type(tiny_bundle) == BUNDLE
    assert file_type(tiny_checkpoint) == CHECKPOINT
    for graph in tiny_bundle.rglob("*.onnx"):
        assert file_type(graph) == ONNX
    for name, codec in (("a.avi", "MJPG"), ("b.mp4", "mp4v"), ("c.mkv", "MJPG")):
        assert file_type(write_video(name, [np.zeros((48, 48, 3), np.uint8)] * 3, codec)) == VIDEO
    assert file_type(tmp_path) == FOLDER


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_tables_are_recognised(tmp_path, name):
    with open_sink(tmp_path / name, ["AU01"], []) as sink:
        sink.write(type("Result", (), {"rows": (Row("a", 1, 0.0),)}))
    assert file_type(tmp_path / name) == TABLE


@pytest.mark.parametrize("columns", ["source,person,face,AU,onset", '"source";"person";"face"', "frame,face_id"])
def test_tables_of_events_and_figures_are_recognised(tmp_path, columns):
    (tmp_path / "a.csv").write_text(columns + "\n")
    assert file_type(tmp_path / "a.csv") == TABLE


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".bmp"])
def test_pictures_are_recognised_without_their_suffix(tmp_path, suffix):
    (tmp_path / "picture").write_bytes(cv2.imencode(suffix, np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    assert file_type(tmp_path / "picture") == IMAGE


def _zip(*names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "noun"),
    [
        (b"", "an empty file"),
        (b"\n\n<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, which stands for the file"),
        (b"\x1f\x8b\x08", "a compressed archive"),
        (b"\0\0\0\x18ftypheic", "a HEIC image"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "a HEIC image"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "an image"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avif", "an image"),
        (b'\x10\0\0\0\0\0\0\0{"w": 1}', "a safetensors file"),
        ("für\n".encode() * 40_000, "text"),
        (b"#EXTM3U\n#EXTINF:2\na.ts\n", "a video"),
        (b"YUV4MPEG2 W64 H64 F25:1\nFRAME\n" + b"@" * 4096, "a video"),
        (_zip(), "a zip archive"),
        (_zip("a.txt"), "a zip archive"),
        (_zip("x/manifest.json", "x/encoder.onnx"), "a zipped bundle"),
        (_zip("m/data.pkl", "m/constants.pkl"), "a TorchScript archive, which is a program"),
        (_zip("w.npy"), "NumPy arrays (.npz)"),
        (_zip("[Content_Types].xml", "xl/workbook.xml"), "a spreadsheet"),
    ],
)
def test_what_is_none_of_ours_is_named(tmp_path, data, noun):
    (tmp_path / "x").write_bytes(data)
    assert file_type(tmp_path / "x").noun == noun


def test_a_pipe_is_not_opened_and_noise_is_of_no_type(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert file_type(tmp_path / "pipe") is None
    for seed in range(20):
        (tmp_path / "noise").write_bytes(b"\xee" + np.random.default_rng(seed).bytes(600))
        assert file_type(tmp_path / "noise") is None


def test_every_use_names_the_path_or_says_what_to_do():
    kinds = [
        *file_types.SIGNATURES.values(),
        *file_types.MEMBERS.values(),
        *file_types.FOLDERS.values(),
        BUNDLE,
        FOLDER,
    ]
    assert all(kind.noun and kind.use.endswith(".") for kind in kinds)


def test_a_similar_name_is_proposed_and_only_a_similar_one(tmp_path):
    (tmp_path / "Interview.MP4").touch()
    why, fix = explain(tmp_path / "interwiev.mp4", "Check it.")
    assert (why, fix) == ("No file or folder has this name.", f"Did you mean {tmp_path / 'Interview.MP4'}?")
    assert explain(tmp_path / "holiday.mp4", "Check it.")[1] == "Check it."
    assert explain(tmp_path / "none" / "x.mp4", "Check it.")[1] == "Check it."


def test_a_known_type_says_where_the_path_belongs(tiny_bundle):
    why, fix = explain(tiny_bundle, "Check it.")
    assert why == "It is a bundle."
    assert f"mdhr-run {tiny_bundle} SOURCE" in fix
