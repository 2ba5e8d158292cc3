"""Manifests as older versions wrote them, and as this one does."""

import json
from dataclasses import replace

import pytest

from mdhr_runtime.bundle import SCHEMA, Manifest
from mdhr_runtime.contract import SCORE, OutputRecord

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
  "backbone": "resnet50", "radius": 4, "lookahead": 7, "clip_frames": 16,
  "normalisation": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
  "precision": "float32",
  "graphs": {
    "encoder": {
      "file": "encoder.onnx",
      "inputs": {"frames": {"dtype": "uint8", "shape": ["frames", 224, 224, 3]}},
      "outputs": {"static": {"dtype": "float32", "shape": ["frames", 49, 512]}}
    }
  },
  "parity": [
    {
      "form": "ONNX Runtime: one clip", "output": "scores", "largest": 1e-06, "mean": 1e-07,
      "largest_unflipped": 1e-06, "flips": 0, "argmaxes": 72
    }
  ],
  "versions": {"mdhr-edge": "0.1.0", "opset": "18"},
  "files": {"encoder.onnx": "0123"},
  "schema": 1
}
"""

ENGINE = """
{
  "graph": "encoder", "file": "engines/encoder.engine", "flavor": "tensorrt", "version": "10.3.0", "gpu": "Orin",
  "compute_capability": "8.7", "multiprocessors": 16, "precision": "float32", "layers": {"FLOAT": 30},
  "profiles": [{"frames": [[1, 224, 224, 3], [1, 224, 224, 3], [8, 224, 224, 3]]}],
  "size": 1, "build_seconds": 1.0, "onnx_sha256": "0123", "sha256": "4567"
}
"""


@pytest.fixture
def oldest():
    return json.loads(SCHEMA_1)


def test_a_manifest_of_schema_1_has_no_engines_and_gives_the_published_score(oldest):
    manifest = Manifest.from_dict(oldest)
    assert manifest.schema == 1
    assert manifest.engines == ()
    assert manifest.outputs == {"scores": SCORE}
    assert manifest.layout.au_names == ("AU01", "AU02", "AU12")
    assert manifest.parity[0].argmaxes == 72


def test_a_manifest_of_schema_2_has_engines_and_gives_the_published_score(oldest):
    manifest = Manifest.from_dict(oldest | {"schema": 2, "engines": [json.loads(ENGINE)]})
    assert manifest.engines[0].profiles[0]["frames"][2] == (8, 224, 224, 3)
    assert manifest.outputs == {"scores": SCORE}


def test_a_manifest_states_its_outputs(oldest):
    intensity = {"name": "intensity", "lowest": 0.0, "highest": 5.0, "threshold": 2.0}
    manifest = Manifest.from_dict(oldest | {"schema": 3, "outputs": {"scores": intensity}})
    assert manifest.outputs == {"scores": OutputRecord("intensity", 0.0, 5.0, 2.0)}


def test_a_manifest_survives_its_json(oldest):
    manifest = replace(Manifest.from_dict(oldest | {"engines": [json.loads(ENGINE)]}), schema=SCHEMA)
    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_the_fixed_sizes_of_a_tensor_are_its_row(oldest):
    assert Manifest.from_dict(oldest).graphs["encoder"].inputs["frames"].row == (224, 224, 3)


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
    with pytest.raises((TypeError, ValueError)):
        Manifest.from_dict(oldest | {"schema": 3, "outputs": outputs})
