"""Bundles whose manifest or files were edited, by hand or on purpose: each is refused, and nothing is written."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..case import Case, Maker, Right, Start, refused
from ..stock import Stock, bundle, link, put, subfolder

GONE = object()
"""In place of a value: the field is removed."""

SCORES = "graphs.temporal.outputs.scores"
FRAMES = "graphs.encoder.inputs.frames"

EDITS: tuple[tuple[str, str, Any], ...] = (  # name, place in the manifest, value
    ("hash is null", "files.encoder#onnx", None),
    ("hash is a number", "files.encoder#onnx", 12),
    ("hash is empty", "files.encoder#onnx", ""),
    ("hash is short", "files.encoder#onnx", "39cbef"),
    ("hash is a list", "files.encoder#onnx", []),
    ("files are null", "files", None),
    ("files are a list", "files", ["encoder.onnx"]),
    ("files are none", "files", {}),
    ("files are missing", "files", GONE),
    ("a file is missing", "files.other#onnx", "0" * 64),
    ("a file is above", "files.%/secret#onnx", "0" * 64),
    ("a file has a zero byte", "files.a\0b", "0" * 64),
    ("a file has a long name", "files." + "a" * 5000, "0" * 64),
    ("a file is the folder", "files.#", "0" * 64),
    ("graph file is null", "graphs.encoder.file", None),
    ("graph file is a number", "graphs.encoder.file", 3),
    ("graph file is empty", "graphs.encoder.file", ""),
    ("graph file is above", "graphs.encoder.file", "../encoder.onnx"),
    ("graph file is absolute", "graphs.encoder.file", "/etc/passwd"),
    ("graph file is unlisted", "graphs.encoder.file", "other.onnx"),
    ("graph file is another's", "graphs.encoder.file", "temporal.onnx"),
    ("graphs are null", "graphs", None),
    ("graphs are none", "graphs", {}),
    ("graphs are a list", "graphs", []),
    ("no encoder", "graphs.encoder", GONE),
    ("no temporal graph", "graphs.temporal", GONE),
    ("no detector", "graphs.pnet", GONE),
    ("a graph is null", "graphs.temporal", None),
    ("inputs are none", "graphs.encoder.inputs", {}),
    ("inputs are missing", "graphs.temporal.inputs", GONE),
    ("an input is missing", "graphs.temporal.inputs.static", GONE),
    ("a state is missing", "graphs.temporal.inputs.state_nodes", GONE),
    ("outputs of a graph are none", "graphs.temporal.outputs", {}),
    ("an output is missing", SCORES, GONE),
    ("dtype is unknown", f"{FRAMES}.dtype", "float33"),
    ("dtype is an object", f"{FRAMES}.dtype", "object"),
    ("dtype is null", f"{FRAMES}.dtype", None),
    ("dtype is a number", f"{FRAMES}.dtype", 8),
    ("dtype is another", f"{FRAMES}.dtype", "float32"),
    ("shape is negative", "graphs.temporal.inputs.state_static.shape.2", -32),
    ("shape is zero", "graphs.temporal.inputs.state_static.shape.2", 0),
    ("shape is huge", "graphs.temporal.inputs.state_static.shape.2", 10**12),
    ("shape is beyond 64 bits", "graphs.temporal.inputs.state_static.shape.2", 10**30),
    ("shape is a text", "graphs.temporal.inputs.state_static.shape", "streams"),
    ("shape is null", "graphs.temporal.inputs.state_static.shape", None),
    ("shape is a number", "graphs.temporal.inputs.state_static.shape", 5),
    ("shape is empty", "graphs.temporal.inputs.state_static.shape", []),
    ("shape has a fraction", "graphs.temporal.inputs.state_static.shape.2", 32.5),
    ("shape has NaN", "graphs.temporal.inputs.state_static.shape.2", float("nan")),
    ("shape has null", "graphs.temporal.inputs.state_static.shape.2", None),
    ("shape is nested", "graphs.temporal.inputs.state_static.shape.2", [32]),
    ("shape has names for sizes", "graphs.temporal.inputs.state_static.shape.2", "many"),
    ("shape is another", "graphs.temporal.inputs.state_static.shape.2", 33),
    ("crop and graph do not fit", f"{FRAMES}.shape.1", 112),
    ("lookahead is negative", "lookahead", -1),
    ("lookahead is text", "lookahead", "7"),
    ("lookahead is NaN", "lookahead", float("nan")),
    ("lookahead is infinite", "lookahead", float("inf")),
    ("lookahead is null", "lookahead", None),
    ("lookahead is a fraction", "lookahead", 7.5),
    ("lookahead is true", "lookahead", True),
    ("lookahead is huge", "lookahead", 10**9),
    ("lookahead is less", "lookahead", 5),
    ("lookahead is more", "lookahead", 8),
    ("lookahead is missing", "lookahead", GONE),
    ("radius is negative", "radius", -3),
    ("radius is text", "radius", "5"),
    ("clip frames are zero", "clip_frames", 0),
    ("clip frames are text", "clip_frames", "16"),
    ("schema is infinite", "schema", float("inf")),
    ("schema is NaN", "schema", float("nan")),
    ("schema is negative", "schema", -1),
    ("schema is text", "schema", "3"),
    ("schema is null", "schema", None),
    ("schema is a list", "schema", [3]),
    ("schema is beyond floats", "schema", 10**400),
    ("schema is missing", "schema", GONE),
    ("layout is null", "layout", None),
    ("layout has no units", "layout.aus", []),
    ("units are text", "layout.aus", ["1", "2"]),
    ("units are twice", "layout.aus.1", 1),
    ("units are fewer than outputs", "layout", "fewer"),
    ("regions are none", "layout.regions", []),
    ("crop of no size", "layout.crop.input_size", 0),
    ("crop of negative size", "layout.crop.input_size", -224),
    ("crop of another size", "layout.crop.input_size", 225),
    ("crop of a huge size", "layout.crop.input_size", 10**6),
    ("crop size is text", "layout.crop.input_size", "224"),
    ("reference of no size", "layout.crop.reference_size", 0),
    ("reference below the crop", "layout.crop.reference_size", 100),
    ("eye is NaN", "layout.crop.left_eye.0", float("nan")),
    ("eye is text", "layout.crop.left_eye.0", "left"),
    ("eye has one number", "layout.crop.left_eye", [0.3]),
    ("eyes at one place", "layout.crop.left_eye", [0.7, 0.28]),
    ("normalisation is null", "normalisation", None),
    ("normalisation is text", "normalisation.mean", "grey"),
    ("precision is unknown", "precision", "float8"),
    ("parity is null", "parity", None),
    ("parity is empty records", "parity", [{}]),
    ("versions are null", "versions", None),
    ("engines are null", "engines", None),
    ("engines are empty records", "engines", [{}]),
    ("outputs are none", "outputs", {}),
    ("threshold is out of range", "outputs.scores.threshold", 2),
    ("threshold is NaN", "outputs.scores.threshold", float("nan")),
    ("threshold is text", "outputs.scores.threshold", "0.5"),
    ("range is upside down", "outputs.scores.lowest", 3),
)

TEXTS: tuple[tuple[str, str | bytes], ...] = (
    ("is empty", ""),
    ("is null", "null"),
    ("is a list", "[]"),
    ("is a number", "3"),
    ("is a text", '"manifest"'),
    ("is cut short", '{"layout": {"name": "BP4D", "aus": [1, 2'),
    ("is nested", "[" * 100_000),
    ("is nested and closed", "[" * 100_000 + "]" * 100_000),
    ("has nested objects", '{"schema": 3, "layout": ' + '{"a": ' * 50_000 + "1" + "}" * 50_000 + "}"),
    ("has a number of 5,000 digits", '{"schema": ' + "9" * 5000 + "}"),
    ("has a huge exponent", '{"schema": 1e999}'),
    ("is binary", bytes(range(256)) * 8),
    ("is Latin-1", '{"schema": 3, "backbone": "Müller"}'.encode("latin-1")),
    ("is UTF-16", json.dumps({"schema": 3}).encode("utf-16")),
    ("is a web app's", '{"manifest_version": 3, "name": "My extension", "version": "1.0"}'),
    ("has a string of 200 MB", b'{"schema": 3, "backbone": "' + b"a" * 200_000_000 + b'"}'),
)

DAMAGED = r"bundle|manifest"


def _edit(place: str, value: Any) -> Callable[[Any], Any]:
    """Change one value of a manifest. `#` stands for a dot within a name, `%` for two."""

    def edit(manifest: Any) -> Any:
        *steps, last = (step.replace("#", ".").replace("%", "..") for step in place.split("."))
        inner = manifest
        for step in steps:
            inner = inner[int(step) if isinstance(inner, list) else step]
        key = int(last) if isinstance(inner, list) else last
        if value is GONE:
            del inner[key]
        elif value == "fewer":
            inner[key]["aus"].remove(6)
            inner[key]["regions"] = [region for region in inner[key]["regions"] if region["aus"] != [6]]
        else:
            inner[key] = value
        return manifest

    return edit


def _replaced(
    name: str,
    content: Callable[[Path, Stock], bytes | None],
    rehash: bool = True,
    edit: Callable[[Any], Any] = lambda manifest: manifest,
) -> Maker:
    """A bundle one of whose files is another one, with the right hash in the manifest if wanted."""

    def make(folder: Path, stock: Stock) -> None:
        bundle("broken.mdhr", edit)(folder, stock)
        broken = folder / "broken.mdhr"
        path = broken / name
        path.unlink()
        data = content(broken, stock)
        if data is not None:
            path.write_bytes(data)
        if rehash:
            manifest = json.loads((broken / "manifest.json").read_text())
            manifest["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
            (broken / "manifest.json").write_text(json.dumps(manifest))

    return make


def _detector(broken: Path, stock: Stock) -> bytes:
    return (stock.folder / "bundle.mdhr/detector/onet.onnx").read_bytes()


def _missing(name: str) -> Maker:
    def make(folder: Path, stock: Stock) -> None:
        bundle("broken.mdhr")(folder, stock)
        (folder / "broken.mdhr" / name).unlink()

    return make


def _linked_out(broken: Path, stock: Stock) -> None:
    os.symlink(stock.folder / "bundle.mdhr/encoder.onnx", broken / "encoder.onnx")


def _external(location: str) -> Callable[[Path, Stock], bytes]:
    """The encoder with its weights in a file beside it, which the manifest does not list."""

    def content(broken: Path, stock: Stock) -> bytes:
        import onnx

        model = onnx.load(stock.folder / "bundle.mdhr/encoder.onnx")
        target = broken / "out"
        target.mkdir()
        (target / location).parent.mkdir(exist_ok=True)
        onnx.save(model, target / "encoder.onnx", save_as_external_data=True, location=Path(location).name)
        data = (target / "encoder.onnx").read_bytes()
        shutil.move(target / Path(location).name, broken / location)
        shutil.rmtree(target)
        return data

    return content


def _manifest_is(make: Maker) -> tuple[Maker, ...]:
    def remove(folder: Path, stock: Stock) -> None:
        (folder / "broken.mdhr/manifest.json").unlink()

    return bundle(), remove, make


EMBEDDER = "identity/embedder.onnx"


def _embedder(side: int = 150, width: int = 128, value: float = 1.0, rows: str | int = "N") -> Maker:
    """A bundle with another embedder, which its manifest describes as it is: numbers by the colours' means."""

    def content(broken: Path, stock: Stock) -> bytes:
        import numpy as np
        from onnx import TensorProto, helper, numpy_helper

        constants = {"axes": np.array([1, 2]), "weights": np.full((3, width), value, np.float32)}
        graph = helper.make_graph(
            [
                helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
                helper.make_node("MatMul", ["means", "weights"], ["embeddings"]),
            ],
            "embedder",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, [rows, side, side, 3])],
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [rows, width])],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        return bytes(model.SerializeToString())

    def edit(manifest: Any) -> Any:
        record = manifest["graphs"]["embedder"]
        record["inputs"] = {"images": {"dtype": "uint8", "shape": [rows, side, side, 3]}}
        record["outputs"] = {"embeddings": {"dtype": "float32", "shape": [rows, width]}}
        return manifest

    return _replaced(EMBEDDER, content, edit=edit)


def _without_embedder(manifest: Any) -> Any:
    del manifest["graphs"]["embedder"], manifest["files"][EMBEDDER]
    return manifest


def _nobody(folder: Path) -> str | None:
    with (folder / "au.csv").open(newline="") as file:
        return "somebody is recognised" if any(row["person"] for row in csv.DictReader(file)) else None


LABEL = ("broken.mdhr", "{clip}", "--out", "au.csv")
REPOSITORY = ("--bundle", "broken.mdhr", "--triton", "repository")

CASES = [
    *(Case(name, "run", LABEL, (bundle(edit=_edit(*edit)),), refused(DAMAGED)) for name, *edit in EDITS),
    *(
        Case(f"manifest {name}", "run", LABEL, (bundle(manifest_text=text),), refused(DAMAGED, memory=300))
        for name, text in TEXTS
    ),
    *(
        Case(f"{name}, for Triton", "export", REPOSITORY, (bundle(edit=_edit(*edit)),), refused(DAMAGED))
        for name, *edit in EDITS[::9]
    ),
    *(
        Case(f"{name}, in the bench", "bench", ("broken.mdhr",), (bundle(edit=_edit(*edit)),), refused(DAMAGED))
        for name, *edit in EDITS[4::27]
    ),
    Case("schema is newer", "run", LABEL, (bundle(edit=_edit("schema", 99)),), refused("too new|newer", "99")),
    Case("manifest is a folder", "run", LABEL, _manifest_is(subfolder("broken.mdhr/manifest.json")), refused(DAMAGED)),
    Case(
        "manifest is a device",
        "run",
        LABEL,
        _manifest_is(link("broken.mdhr/manifest.json", "/dev/zero")),
        refused(DAMAGED),
    ),
    Case(
        "manifest links to itself",
        "run",
        LABEL,
        _manifest_is(link("broken.mdhr/manifest.json", "manifest.json")),
        refused(DAMAGED),
    ),
    Case(
        "manifest is a pipe",
        "run",
        LABEL,
        _manifest_is(lambda folder, _: os.mkfifo(folder / "broken.mdhr/manifest.json")),
        refused(DAMAGED),
        Start(seconds=20),
    ),
    Case(
        "a graph links to outside",
        "run",
        LABEL,
        (_replaced("encoder.onnx", _linked_out),),
        refused("bundle", "link|outside"),
    ),
    Case(
        "weights in a file that is not listed",
        "run",
        LABEL,
        (_replaced("encoder.onnx", _external("weights.bin")),),
        refused("bundle|encoder", "weights.bin|external|other file"),
    ),
    Case(
        "a graph is altered",
        "run",
        LABEL,
        (
            _replaced(
                "encoder.onnx",
                lambda _, stock: (stock.folder / "bundle.mdhr/encoder.onnx").read_bytes()[:-1] + b"x",
                rehash=False,
            ),
        ),
        refused("altered|damaged", "encoder.onnx"),
    ),
    Case(
        "a graph is cut short",
        "run",
        LABEL,
        (
            _replaced(
                "encoder.onnx",
                lambda _, stock: (stock.folder / "bundle.mdhr/encoder.onnx").read_bytes()[:5000],
                rehash=False,
            ),
        ),
        refused("altered|damaged|complete", "encoder.onnx"),
    ),
    Case("a graph is a text", "run", LABEL, (_replaced("encoder.onnx", lambda *_: b"no graph"),), refused("encoder")),
    Case("a graph is empty", "run", LABEL, (_replaced("temporal.onnx", lambda *_: b""),), refused("temporal")),
    Case(
        "a graph is another's",
        "run",
        LABEL,
        (_replaced("encoder.onnx", lambda _, stock: (stock.folder / "bundle.mdhr/temporal.onnx").read_bytes()),),
        refused("bundle|encoder"),
    ),
    Case(
        "the detector is another's",
        "run",
        LABEL,
        (
            _replaced(
                "detector/pnet.onnx", lambda _, stock: (stock.folder / "bundle.mdhr/detector/rnet.onnx").read_bytes()
            ),
        ),
        refused("bundle|pnet"),
    ),
    # The graph by which people are recognised
    *(
        Case(f"the embedder {what}", "run", LABEL, (make,), refused(*says))
        for what, make, says in (
            ("is altered", _replaced(EMBEDDER, lambda *_: b"x", rehash=False), ("altered|damaged", EMBEDDER)),
            ("is a text", _replaced(EMBEDDER, lambda *_: b"no graph"), (EMBEDDER,)),
            ("is another's", _replaced(EMBEDDER, _detector), (EMBEDDER, "manifest")),
            ("is missing", _missing(EMBEDDER), ("not complete", EMBEDDER)),
            ("takes other pictures", _embedder(side=112), ("bundle|embedder",)),
            ("takes one picture only", _embedder(rows=2), ("bundle|embedder",)),
            ("gives fewer numbers", _embedder(width=64), ("bundle|embedder",)),
        )
    ),
    *(
        Case(
            f"the embedder gives {what} for every face",
            "run",
            ("broken.mdhr", "{call}", "--out", "au.csv"),
            (_embedder(value=value),),
            Right(new=("au.csv",), rows={"au.csv": 20}, seen=_nobody),
        )
        for what, value in (("zeros", 0.0), ("NaN", float("nan")), ("infinity", float("inf")))
    ),
    Case(
        "a bundle without an embedder recognises nobody",
        "run",
        LABEL,
        (bundle(edit=_without_embedder),),
        Right(new=("au.csv",), rows={"au.csv": 9}, seen=_nobody),
    ),
    *(
        Case(
            f"{' '.join(options)} without an embedder",
            "run",
            (*LABEL, *options),
            (bundle(edit=_without_embedder),),
            refused("embedder|recogn", "export"),
        )
        for options in (("--identity", "embedding"), ("--identities", "across"))
    ),
    Case(
        "--identity none without an embedder",
        "run",
        (*LABEL, "--identity", "none"),
        (bundle(edit=_without_embedder),),
        Right(new=("au.csv",), rows={"au.csv": 9}, seen=_nobody),
    ),
    Case(
        "a zip in place of the folder",
        "run",
        LABEL,
        (
            lambda folder, stock: shutil.move(
                shutil.make_archive(str(folder / "x"), "zip", stock.folder / "bundle.mdhr/detector"),
                folder / "broken.mdhr",
            ),
        ),
        refused("zip", "unpack|unzip"),
    ),
    Case(
        "a checkpoint in place of the bundle",
        "run",
        ("{checkpoint}", "{clip}", "--out", "au.csv"),
        (),
        refused("checkpoint", "mdhr-export"),
    ),
    Case(
        "a video in place of the bundle",
        "run",
        ("{clip}", "{bundle}", "--out", "au.csv"),
        (),
        refused("order|swap|exchang|first|video"),
    ),
    Case(
        "a folder that holds the bundle",
        "run",
        (".", "{clip}", "--out", "au.csv"),
        (put("bundle.mdhr"),),
        refused("not a bundle|no bundle", "manifest.json"),
    ),
    Case(
        "an older bundle is read",
        "run",
        ("broken.mdhr", "{clip}", "--out", "au.csv"),
        (
            bundle(
                edit=lambda manifest: (
                    {key: value for key, value in manifest.items() if key not in ("outputs", "engines")} | {"schema": 1}
                )
            ),
        ),
        Right(new=("au.csv",), rows={"au.csv": 9}),
    ),
]
