"""Files given as checkpoints: what each is, is said; nothing in it is run, and nothing is written."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..case import Case, Maker, Right, Start, refused, works
from ..stock import Stock, fifo, link, mode, put, subfolder, text

EXPORT = ("--ckpt", "x.pt", "--out", "x.mdhr")
AGAIN = "download (it )?again|copy or download"
"""Advice that sends people the wrong way, where the file is whole."""

HTML = "<!DOCTYPE html>\n<html><head><title>Google Drive - Quota exceeded</title></head><body>Sorry</body></html>"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 353534\n"
)


class Hostile:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, name: str = "harmed") -> None:
        self.name = name

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.name}",)


class Evaluated:
    """A pickle that would evaluate Python."""

    def __reduce__(self) -> Any:
        return eval, ("__import__('os').mkdir('harmed')",)


def _saved(change: Callable[[dict[str, Any]], Any], **options: Any) -> Maker:
    """The checkpoint in stock, changed and saved again."""

    def make(folder: Path, stock: Stock) -> None:
        import torch

        content = torch.load(stock.folder / "checkpoint.pt", weights_only=True)
        changed = change(content)
        torch.save(content if changed is None else changed, folder / "x.pt", **options)

    return make


def _weights(change: Callable[[dict[str, Any]], Any]) -> Maker:
    return _saved(lambda content: content.update(state_dict=change(dict(content["state_dict"]))))


def _first(weights: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The weights with one of them changed."""
    key = next(key for key, value in weights.items() if value.is_floating_point() and value.ndim > 1)
    return weights | {key: change(weights[key].clone())}


def _config(**changes: Any) -> Maker:
    return _saved(lambda content: content["config"].update(changes))


def _filled(tensor: Any, value: float) -> Any:
    tensor.flatten()[0] = value
    return tensor


def _bytes(make: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    make(file)
    return file.getvalue()


def _zipped(file: io.BytesIO, **contents: bytes) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name.replace("_", "/").replace("/pkl", ".pkl"), content)


def _tarred(file: io.BytesIO) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("checkpoint"), None)


def _flipped(data: bytes) -> bytes:
    """One bit of a weight is another one."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x40]) + data[middle + 1 :]


def _scripted(folder: Path, stock: Stock) -> None:
    import torch

    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(folder / "x.pt")


def _module(folder: Path, stock: Stock) -> None:
    import torch

    torch.save(torch.nn.Linear(2, 2), folder / "x.pt")


def _as_safetensors(name: str, whole: bool) -> Maker:
    """The checkpoint's weights, or others, as safetensors, with the configuration among its metadata."""

    def make(folder: Path, stock: Stock) -> None:
        import torch
        from safetensors.torch import save_file

        content = torch.load(stock.folder / "checkpoint.pt", weights_only=True)
        weights = content["state_dict"] if whole else {"weight": torch.zeros(3)}
        metadata = {"mdhr": json.dumps({key: value for key, value in content.items() if key != "state_dict"})}
        save_file({key: value.contiguous() for key, value in weights.items()}, folder / name, metadata)

    return make


def _bomb(folder: Path, stock: Stock) -> None:
    """A small file that unpacks to 600 MB."""
    with zipfile.ZipFile(folder / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(stock.folder / "checkpoint.pt") as whole:
            names = whole.namelist()
            for name in names:
                if not name.endswith("data/0"):
                    archive.writestr(name, whole.read(name))
        with archive.open(next(name for name in names if name.endswith("data/0")), "w") as entry:
            for _ in range(600):
                entry.write(bytes(1_000_000))


FOREIGN: tuple[tuple[str, str | bytes, str, str], ...] = (  # name, content, what is said, what is not
    ("a web page", HTML, "web page|HTML", AGAIN.replace("download (it )?again|", "")),
    ("another web page", "\n  <html lang='de'><body>404 Not Found</body></html>", "web page|HTML", "truncated"),
    ("a pointer of Git LFS", POINTER, "LFS", "truncated"),
    ("an empty file", "", "empty|0 bytes", "truncated"),
    ("a zip", _bytes(lambda file: _zipped(file, notes=b"hello")), "zip|archive", "truncated"),
    ("a gzip", gzip.compress(b"hello" * 100), "gzip|compressed", "truncated"),
    ("a tar", _bytes(_tarred), r"\btar\b|archive", "truncated"),
    ("a NumPy array", _bytes(lambda file: np.save(file, np.zeros(9))), "NumPy", "truncated"),
    ("NumPy arrays", _bytes(lambda file: np.savez(file, a=np.zeros(9))), "NumPy|npz", "truncated"),
    ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG|picture|image", "truncated"),
    ("a PDF", "%PDF-1.7\n%âãÏÓ\n", "PDF", "truncated"),
    ("a text", "the checkpoint is on the other disk\n", "text", "truncated"),
    ("JSON", '{"state_dict": null}', "JSON|text", "truncated"),
    ("HDF5, as Keras writes it", b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5|Keras", "truncated"),
    ("a 7z", b"7z\xbc\xaf\x27\x1c" + bytes(99), "7z|7-Zip|archive", "truncated"),
    ("zeros", bytes(9999), "x.pt", "trust"),
    ("a hostile pickle", pickle.dumps(Hostile(), 2), r"posix\.system|os\.system|system", f"truncated|{AGAIN}"),
    ("a hostile pickle, protocol 0", pickle.dumps(Hostile(), 0), "system", f"truncated|{AGAIN}"),
    ("a hostile pickle, protocol 4", pickle.dumps(Hostile(), 4), "system", f"truncated|{AGAIN}"),
    ("a hostile pickle, protocol 5", pickle.dumps({"state_dict": Hostile()}, 5), "system", f"truncated|{AGAIN}"),
    ("a pickle that evaluates", pickle.dumps(Evaluated(), 4), "eval", f"truncated|{AGAIN}"),
    ("a pickle that evaluates, protocol 0", pickle.dumps(Evaluated(), 0), "eval", f"truncated|{AGAIN}"),
    ("a pickle of NumPy", pickle.dumps({"w": np.zeros(3)}, 2), "numpy|pickle", "truncated"),
    ("a pickle of plain data", pickle.dumps({"a": 1}, 4), "pickle|checkpoint|state_dict", "truncated"),
)

CHANGED: tuple[tuple[str, Maker, Right], ...] = (
    (
        "a hostile pickle in an archive",
        _saved(lambda content: content.update(metrics=Hostile())),
        refused("system", never=("truncated", AGAIN)),
    ),
    (
        "a hostile pickle, the old way",
        _saved(lambda content: content.update(metrics=Hostile()), _use_new_zipfile_serialization=False),
        refused("system", never=("truncated", AGAIN)),
    ),
    ("a whole module", _module, refused("Linear|module|code", never=("truncated",))),
    ("TorchScript", _scripted, refused("TorchScript", never=("truncated",))),
    ("a zip bomb", _bomb, refused("x.pt", "size|bytes|unpack|large|compress", memory=520)),
    ("one bit flipped", put("checkpoint.pt", "x.pt", _flipped), refused("damaged|CRC|checksum")),
    (
        "half of it",
        put("checkpoint.pt", "x.pt", lambda data: data[: len(data) // 2]),
        refused("cut short|truncated|damaged|incomplete", "again|download|copy"),
    ),
    (
        "its last byte is missing",
        put("checkpoint.pt", "x.pt", lambda data: data[:-1]),
        refused("cut short|truncated|damaged|incomplete"),
    ),
    (
        "NaN in the weights",
        _weights(lambda weights: _first(weights, lambda tensor: _filled(tensor, float("nan")))),
        refused("NaN|finite", never=("up to nan",)),
    ),
    (
        "infinity in the weights",
        _weights(lambda weights: _first(weights, lambda tensor: _filled(tensor, float("inf")))),
        refused("inf|finite"),
    ),
    ("no weights", _weights(lambda weights: {}), refused("missing")),
    ("a weight is missing", _weights(lambda weights: dict(list(weights.items())[1:])), refused("missing")),
    (
        "a weight too many",
        _weights(lambda weights: weights | {"extra": next(iter(weights.values()))}),
        refused("unexpected.*extra"),
    ),
    (
        "a weight of another shape",
        _weights(lambda weights: _first(weights, lambda tensor: tensor[:1])),
        refused("shape"),
    ),
    ("weights are no tensors", _saved(lambda content: content.update(state_dict={"a": 1})), refused("x.pt")),
    ("a weight is null", _weights(lambda weights: dict.fromkeys(weights)), refused("x.pt")),
    ("weights are a list", _saved(lambda content: content.update(state_dict=[1, 2])), refused("x.pt")),
    ("keys are numbers", _weights(lambda weights: dict(enumerate(weights.values()))), refused("x.pt")),
    (
        "a weight is whole numbers",
        _weights(lambda weights: _first(weights, lambda tensor: tensor.int())),
        refused("x.pt", "int|type|float"),
    ),
    (
        "a weight is complex",
        _weights(lambda weights: _first(weights, lambda tensor: tensor * 1j)),
        refused("x.pt", "complex|type"),
    ),
    (
        "a weight is sparse",
        _weights(lambda weights: _first(weights, lambda tensor: tensor.to_sparse())),
        refused("x.pt"),
    ),
    (
        "a weight has no data",
        _weights(lambda weights: _first(weights, lambda tensor: tensor.to("meta"))),
        refused("x.pt"),
    ),
    ("schema is newer", _saved(lambda content: content.update(schema=99)), refused("99", "schema|version")),
    ("schema is text", _saved(lambda content: content.update(schema="one")), refused("schema")),
    (
        "config is missing",
        _saved(lambda content: {key: value for key, value in content.items() if key != "config"}),
        refused("config|description"),
    ),
    ("config is null", _saved(lambda content: content.update(config=None)), refused("x.pt")),
    ("config is a list", _saved(lambda content: content.update(config=[1])), refused("x.pt")),
    ("radius is negative", _config(radius=-1), refused("radius")),
    ("radius is text", _config(radius="five"), refused("radius")),
    ("radius is huge", _config(radius=10**9), refused("radius")),
    ("features are huge", _config(node_features=10**9), refused("node_features|shape|size", memory=600)),
    ("features are NaN", _config(node_features=float("nan")), refused("node_features|nan")),
    ("channels are zero", _config(dynamics_channels=0), refused("dynamics_channels")),
    ("backbone is unknown", _config(backbone="resnet9000"), refused("resnet9000")),
    ("backbone is a path", _config(backbone="../../etc/passwd"), refused("backbone|passwd")),
    ("backbone is on a hub", _config(backbone="hf-hub:somebody/model"), refused("backbone|hf-hub")),
    ("backbone is null", _config(backbone=None), refused("backbone")),
    ("layout is null", _config(layout=None), refused("layout")),
    ("metrics are null", _saved(lambda content: content.update(metrics=None)), refused("metrics")),
    ("an empty dictionary", _saved(lambda content: {"nothing": {}}), refused("x.pt")),
    ("a tensor", _saved(lambda content: next(iter(content["state_dict"].values()))), refused("x.pt")),
    ("a list", _saved(lambda content: [1, 2, 3]), refused("x.pt")),
    (
        "safetensors of something else",
        _as_safetensors("x.pt", whole=False),
        refused("safetensors|weights", never=("truncated",)),
    ),
    ("a folder", subfolder("x.pt"), refused("folder")),
    ("a pipe", fifo("x.pt"), refused("x.pt", "pipe|no file|not a file|FIFO|regular")),
    ("a device", link("x.pt", "/dev/zero"), refused("x.pt", "device|no file|not a file|regular")),
)

SUCCESS = Start(seconds=120)

CASES = [
    *(
        Case(name, "export", EXPORT, (text("x.pt", content),), refused(says, never=(never,)))
        for name, content, says, never in FOREIGN
    ),
    *(Case(name, "export", EXPORT, (make,), right, Start(seconds=30)) for name, make, right in CHANGED),
    *(
        Case(
            f"{name}, scored",
            "train",
            ("eval", "--ckpt", "x.pt", "--data", "."),
            (text("x.pt", content),),
            refused(says, never=(never,)),
        )
        for name, content, says, never in (FOREIGN[0], FOREIGN[2], FOREIGN[16])
    ),
    Case(
        "may not be read",
        "export",
        EXPORT,
        (put("checkpoint.pt", "x.pt"), mode("x.pt", 0)),
        refused("x.pt", "permission|may not|readable"),
        Start(powerless=True),
    ),
    Case("a bundle", "export", ("--ckpt", "{bundle}", "--out", "x.mdhr"), (), refused("bundle", "--bundle")),
    Case(
        "a checkpoint given as a bundle",
        "export",
        ("--bundle", "{checkpoint}", "--triton", "x"),
        (),
        refused("checkpoint", "--ckpt"),
    ),
    Case(
        "the old form of PyTorch's files",
        "export",
        (*EXPORT, "--no-verify"),
        (_saved(lambda content: None, _use_new_zipfile_serialization=False),),
        works("x.mdhr", "x.mdhr/*"),
        SUCCESS,
    ),
    Case(
        "safetensors",
        "export",
        ("--ckpt", "x.safetensors", "--out", "x.mdhr", "--no-verify"),
        (_as_safetensors("x.safetensors", whole=True),),
        works("x.mdhr", "x.mdhr/*"),
        SUCCESS,
    ),
    Case("NaN, not verified", "export", (*EXPORT, "--no-verify"), (CHANGED[8][1],), refused("NaN|finite")),
]
