"""What files are that are no checkpoints, in the words of the error."""

import gzip
import io
import json
import tarfile

import cv2
import numpy as np
import pytest
import torch
from tiny_checkpoint import zipped

from mdhr_runtime.errors import CheckpointError
from mdhr_train.checkpoints import load_checkpoint

QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p class="uc-error-caption">Sorry, you can't view or download this file at this time.</p></body></html>"""
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 98765432\n"


def of_numpy(save):
    file = io.BytesIO()
    save(file, np.zeros(3))
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("best.pt"))
    return file.getvalue()


def script():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)
    return file.getvalue()


def graph():
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_model(helper.make_graph(nodes, "g", [value], [output]), producer_name="x").SerializeToString()


@pytest.mark.parametrize(
    ("content", "what", "fix"),
    [
        (lambda: b"", "It is an empty file", "Download"),
        (lambda: bytes(100_000), "nothing but zeros", "Download"),
        (lambda: QUOTA, "a quota, or a question", "in a browser"),
        (lambda: b"\n<!doctype HTML><p>Sign in</p>", "a web page;", "Download"),
        (
            lambda: b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
            "refusal of a cloud store",
            "Download",
        ),
        (lambda: LFS, "a pointer of Git LFS", "git lfs pull"),
        (lambda: gzip.compress(b"weights"), "a compressed archive", "Unpack"),
        (tar, "a compressed archive", "Unpack"),
        (lambda: of_numpy(np.save), "a NumPy array", "torch.save"),
        (lambda: of_numpy(np.savez), "NumPy arrays (.npz)", "torch.save"),
        (script, "a TorchScript archive", "from which it was made"),
        (graph, "an ONNX graph", "from which it was made"),
        (lambda: b"\x89HDF\r\n\x1a\n" + bytes(8), "an HDF5 file", "PyTorch"),
        (lambda: zipped({"a/manifest.json": b"{}"}), "a zipped bundle", "mdhr-run"),
        (lambda: zipped({"run/best.pt": b""}), "a zip archive with checkpoints", "Unpack"),
        (lambda: zipped({"word/document.xml": b""}), "It is a zip archive", "Unpack"),
        (lambda: b'{"schema": 1}', "It is JSON", "Give the file that it describes"),
        (lambda: "größe: 1\n".encode(), "It is text", "Download"),
        (lambda: b"certificates\nand\nother words\n", "It is text", "Download"),
        (lambda: b"\xde\xad\xbe\xef" * 9, "it begins with de ad be ef", "Download"),
    ],
)
def test_a_file_is_called_what_it_is(tmp_path, content, what, fix):
    path = tmp_path / "x.pt"
    path.write_bytes(content())
    with pytest.raises(CheckpointError, match="cannot be read") as error:
        load_checkpoint(path)
    assert what in error.value.why
    assert fix in error.value.fix


@pytest.mark.parametrize(("name", "what"), [("face_noface.mov", "a video"), ("single_face.jpg", "an image")])
def test_media_are_recognised(media, name, what):
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(media / name)
    assert what in error.value.why


def test_a_written_video_and_picture_are_recognised(tmp_path):
    for name, write in {
        "a.avi": lambda path: cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 5, (16, 16)).release(),
        "a.png": lambda path: cv2.imwrite(path, np.zeros((9, 9, 3), np.uint8)),
    }.items():
        write(str(tmp_path / name))
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(tmp_path / name)
        assert {"avi": "a video", "png": "an image"}[name[2:]] in error.value.why


@pytest.mark.parametrize(
    ("holds", "what"),
    [
        ("manifest.json", "It is a folder"),
        ("best.pt", "the folder of a run"),
        ("summary.json", "the folder of a cross-validation"),
        ("notes.txt", "It is a folder"),
    ],
)
def test_a_folder_is_called_what_it_is(tmp_path, holds, what):
    (tmp_path / holds).write_text(json.dumps({}))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path)
    assert what in error.value.why


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint /dev/null"):
        load_checkpoint("/dev/null")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / ("x" * 300))
    assert "too long" in error.value.why
