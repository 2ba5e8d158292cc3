"""Manifests as older versions wrote them, and as this one does."""

import json
from copy import deepcopy
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mdhr_runtime.bundle import MANIFEST, SCHEMA, Bundle, Manifest, read_manifest
from mdhr_runtime.contract import SCORE, OutputRecord
from mdhr_runtime.errors import BundleError
from mdhr_runtime.records import RecordError, from_plain

SCHEMA_1 = """
{
  "layout": {
    "name": "DISFA", "aus": [1, 2, 12],
    "regions": [
      {"name": "up", "aus": [1, 2], "rows": [0, 3]},
      {"name": "low", "aus": [12], "rows": [4, 7]}
    ],
    "region_projection": false,
    "crop": {
      "left_eye": [0.31, 0.46], "right_eye": [0.69, 0.46], "mouth": [0.5, 0.82],
      "rotate": true, "reference_size": 256, "input_size": 224
    }
  },
  "backbone": "resnet50", "radius": 5, "lookahead": 7, "clip_frames": 16,
  "normalisation": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
  "precision": "float32",
  "graphs": {
    "encoder": {
      "file": "encoder.onnx",
      "inputs": {"frames": {"dtype": "uint8", "shape": ["frames", 224, 224, 3]}},
      "outputs": {"static": {"dtype": "float32", "shape": ["frames", 512, 7, 7]}}
    },
    "temporal": {
      "file": "temporal.onnx",
      "inputs": {
        "static": {"dtype": "float32", "shape": ["streams", "frames", 512, 7, 7]},
        "valid": {"dtype": "float32", "shape": ["streams", "frames"]},
        "state_valid": {"dtype": "float32", "shape": ["streams", 5]},
        "state_nodes": {"dtype": "float32", "shape": ["streams", 4, 3, 512]}
      },
      "outputs": {
        "scores": {"dtype": "float32", "shape": ["streams", "frames", 3]},
        "new_state_valid": {"dtype": "float32", "shape": ["streams", 5]},
        "new_state_nodes": {"dtype": "float32", "shape": ["streams", 4, 3, 512]}
      }
    }
  },
  "parity": [
    {
      "form": "ONNX Runtime: one clip", "output": "scores", "largest": 1e-06, "mean": 1e-07,
      "largest_unflipped": 1e-06, "flips": 0, "argmaxes": 72
    }
  ],
  "versions": {"mdhr-edge": "0.1.0", "opset": "18"},
  "files": {"encoder.onnx": "HASH"},
  "schema": 1
}
""".replace("HASH", "01" * 32)

ENGINE = """
{
  "graph": "encoder", "file": "engines/encoder.engine", "flavor": "tensorrt", "version": "10.3.0", "gpu": "Orin",
  "compute_capability": "8.7", "multiprocessors": 16, "precision": "float32", "layers": {"FLOAT": 30},
  "profiles": [{"frames": [[1, 224, 224, 3], [1, 224, 224, 3], [8, 224, 224, 3]]}],
  "size": 1, "build_seconds": 1.0, "onnx_sha256": "HASH", "sha256": "HASH"
}
""".replace("HASH", "01" * 32)


@pytest.fixture
def oldest():
    return json.loads(SCHEMA_1)


def test_a_manifest_of_schema_1_has_no_engines_and_gives_the_published_score(oldest):
    manifest = from_plain(Manifest, oldest)
    assert manifest.schema == 1
    assert manifest.engines == ()
    assert manifest.outputs == {"scores": SCORE}
    assert manifest.layout.au_names == ("AU01", "AU02", "AU12")
    assert manifest.parity[0].argmaxes == 72


def test_a_manifest_of_schema_2_has_engines_and_gives_the_published_score(oldest):
    manifest = from_plain(Manifest, oldest | {"schema": 2, "engines": [json.loads(ENGINE)]})
    assert manifest.engines[0].profiles[0]["frames"][2] == (8, 224, 224, 3)
    assert manifest.outputs == {"scores": SCORE}


def test_a_manifest_from_before_schema_4_shows_the_network_the_middle_of_a_crop(oldest):
    assert from_plain(Manifest, oldest).layout.crop.view == "centre"
    crop = oldest["layout"]["crop"] | {"view": "resize"}
    manifest = from_plain(Manifest, oldest | {"schema": 4, "layout": oldest["layout"] | {"crop": crop}})
    assert (manifest.layout.crop.margin, manifest.layout.crop.scale) == (0, 224 / 256)


def test_a_manifest_states_its_outputs(oldest):
    intensity = {"name": "intensity", "lowest": 0.0, "highest": 5.0, "threshold": 2.0}
    manifest = from_plain(Manifest, oldest | {"schema": 3, "outputs": {"scores": intensity}})
    assert manifest.outputs == {"scores": OutputRecord("intensity", 0.0, 5.0, 2.0)}


def test_a_manifest_survives_its_json(oldest):
    manifest = replace(from_plain(Manifest, oldest | {"engines": [json.loads(ENGINE)]}), schema=SCHEMA)
    assert from_plain(Manifest, json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_the_fixed_sizes_of_a_tensor_are_its_row(oldest):
    assert from_plain(Manifest, oldest).graphs["encoder"].inputs["frames"].row == (224, 224, 3)


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        [],
        {"scores": {}},
        {"scores": {"name": "occurrence", "lowest": 0.0, "highest": 1.0, "threshold": "high"}},
        {"scores": {"name": "occurrence", "lowest": 0.0, "highest": 1.0, "threshold": 5.0}},
        {"scores": {"name": "occurrence", "lowest": 0.0, "highest": 1.0, "threshold": float("nan")}},
        {"scores": {"name": "occurrence", "lowest": 0.0, "highest": float("inf"), "threshold": 0.5}},
    ],
)
def test_outputs_by_which_nothing_could_be_labelled_are_refused(oldest, outputs):
    with pytest.raises(RecordError):
        from_plain(Manifest, oldest | {"schema": 3, "outputs": outputs})


HOSTILE = [
    ("files", {"encoder.onnx": None}),
    ("files", {"encoder.onnx": 3}),
    ("files", {"encoder.onnx": "0123"}),
    ("files", {"a\0b": "01" * 32}),
    ("radius", 4),
    ("radius", -1),
    ("lookahead", 6),
    ("lookahead", -7),
    ("lookahead", "seven"),
    ("lookahead", float("nan")),
    ("lookahead", 7.0),
    ("clip_frames", 0),
    ("precision", "int4"),
    ("backbone", "\x1b[31m"),
    ("backbone", "r" * 1000),
    ("schema", float("inf")),
    ("schema", True),
    ("graphs", {}),
    ("graphs.encoder.inputs", {}),
    ("graphs.encoder.inputs.frames.dtype", "float128"),
    ("graphs.encoder.inputs.frames.dtype", "float32"),
    ("graphs.encoder.inputs.frames.shape", ["frames", 112, 112, 3]),
    ("graphs.encoder.outputs.static.shape", ["frames", -512, 7, 7]),
    ("graphs.encoder.outputs.static.shape", ["frames", 10**30, 7, 7]),
    ("graphs.encoder.outputs.static.shape", ["frames", 0.5, 7, 7]),
    ("graphs.encoder.outputs.static.shape", ["frames", float("nan"), 7, 7]),
    ("graphs.encoder.outputs.static.shape", [1] * 100),
    ("graphs.encoder.outputs.static.shape", "512"),
    ("graphs.temporal.inputs.state_valid.shape", []),
    ("graphs.temporal.inputs.state_valid.shape", ["streams", 6]),
    ("graphs.temporal.outputs.new_state_nodes.shape", ["streams", 5, 3, 512]),
    ("graphs.temporal.outputs.scores.shape", ["streams", "frames", 4]),
    ("graphs.temporal.outputs", {}),
    ("layout.aus", [1, 1, 12]),
    ("layout.aus", [-1, 2, 12]),
    ("layout.aus", []),
    ("layout.regions.0.aus", list(range(1, 60))),
    ("layout.regions.0.aus", []),
    ("layout.regions.0.rows", [3, 3]),
    ("layout.regions.0.rows", [0, 70]),
    ("layout.regions.0.rows", [0]),
    ("layout.crop.input_size", 112),
    ("layout.crop.input_size", 2**40),
    ("layout.crop.reference_size", 100),
    ("layout.crop.view", "corner"),
    ("layout.crop.left_eye", [0.7, 0.4]),
    ("layout.crop.left_eye", [0.3]),
    ("layout.crop.mouth", [0.5, -3]),
    ("layout.crop.rotate", "yes"),
    ("engines", [{"graph": "encoder"}]),
    ("engines.0.graph", "clip"),
    ("engines.0.sha256", ""),
    ("engines.0.flavor", "pickle"),
    ("engines.0.size", -1),
    ("engines.0.profiles", [{"frames": [[-1]]}]),
    ("parity", [{}]),
    ("parity.0.largest", float("nan")),
    ("normalisation", None),
]


@pytest.mark.parametrize(("place", "value"), HOSTILE, ids=lambda value: str(value)[:40])
def test_values_that_make_no_sense_are_refused(oldest, place, value):
    data = oldest | {"schema": 3, "engines": [json.loads(ENGINE)]}
    from_plain(Manifest, data)
    *sections, last = (int(name) if name.isdigit() else name for name in place.split("."))
    part = data
    for name in sections:
        part = part[name]
    part[last] = value
    with pytest.raises(RecordError):
        from_plain(Manifest, data)


EMBEDDER = {
    "file": "embedder.onnx",
    "inputs": {"images": {"dtype": "uint8", "shape": ["N", 150, 150, 3]}},
    "outputs": {"embeddings": {"dtype": "float32", "shape": ["N", 128]}},
}


def test_a_published_network_takes_and_gives_what_the_runtime_expects(oldest):
    oldest["graphs"]["embedder"] = EMBEDDER
    assert "embedder" in from_plain(Manifest, oldest).graphs


@pytest.mark.parametrize(
    ("side", "tensors"),
    [
        ("inputs", {"images": {"dtype": "uint8", "shape": ["N", 112, 112, 3]}}),
        ("inputs", {"images": {"dtype": "uint8", "shape": [2, 150, 150, 3]}}),
        ("inputs", {"images": {"dtype": "float32", "shape": ["N", 150, 150, 3]}}),
        ("inputs", {"faces": {"dtype": "uint8", "shape": ["N", 150, 150, 3]}}),
        ("outputs", {"embeddings": {"dtype": "float32", "shape": ["N", 64]}}),
        ("outputs", {}),
    ],
)
def test_a_published_network_of_another_kind_is_refused(oldest, side, tensors):
    oldest["graphs"]["embedder"] = EMBEDDER | {side: tensors}
    with pytest.raises(RecordError, match="embedder takes and gives"):
        from_plain(Manifest, oldest)


def test_every_part_but_those_of_later_schemas_is_needed(oldest):
    for name in oldest.keys() - {"schema"}:
        with pytest.raises(RecordError, match=name):
            from_plain(Manifest, {key: value for key, value in oldest.items() if key != name})


def test_what_a_later_version_adds_is_passed_over(oldest):
    assert from_plain(Manifest, oldest | {"colour": "blue"}) == from_plain(Manifest, oldest)


WHOLE = json.loads(SCHEMA_1) | {"schema": SCHEMA, "engines": [json.loads(ENGINE)], "outputs": {"scores": asdict(SCORE)}}
NUMBERS = [True, 0, -1, 3, 0.5, 1e-320, 2**62, 2**64, 10**400, float("nan"), float("-inf")]
OTHERS = [None, "", "nan", "../../etc", "\0", "\ud800", "x" * 300, [], {}, [[[]]], ["frames"], {"scores": {}}, [0] * 9]
VALUES = st.sampled_from([*NUMBERS, *OTHERS]).map(deepcopy) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def places(value, place=()):
    """Every place in plain data, as keys and indices from the top."""
    yield place
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*place, key))


@st.composite
def edited(draw):
    """The JSON of a manifest with hostile values in the place of some, some left out and some added."""
    data = [deepcopy(WHOLE)]
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([place for place in places(data) if place]))
        part = data
        for key in above:
            part = part[key]
        how = draw(st.sampled_from(["replace", "replace", "delete", "insert"]))
        if how == "replace" or not above:
            part[last] = draw(VALUES)
        elif how == "delete":
            del part[last]
        elif isinstance(part, list):
            part.insert(last, draw(VALUES))
        else:
            part[draw(st.text(max_size=9))] = draw(VALUES)
    return json.dumps(data[0]).encode()


@pytest.mark.slow
@settings(max_examples=2_500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(edited() | st.binary(max_size=200))
@example(json.dumps(WHOLE).encode())
def test_whatever_a_manifest_holds_it_is_read_or_refused_in_words(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / MANIFEST).write_bytes(content)
    try:
        manifest = read_manifest(folder)
    except BundleError:
        return
    assert from_plain(Manifest, json.loads(json.dumps(manifest.to_dict()))) == manifest
    assert len(manifest.layout.au_names) == len(manifest.layout.region_of)
    assert sum(region.combinations for region in manifest.layout.regions) < 1 << 20
    assert Bundle(folder, manifest).graph_path("temporal").parts
