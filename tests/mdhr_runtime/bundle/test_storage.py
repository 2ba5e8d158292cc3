"""Bundles that are whole, and bundles that are not."""

import json
import shutil

import pytest

from mdhr_runtime.bundle import MANIFEST, SCHEMA, Manifest, open_bundle
from mdhr_runtime.errors import BundleError


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(tiny_bundle, tmp_path / "copy.mdhr")


def edit(bundle, **changes):
    file = bundle / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_manifest_survives_its_json(tiny_bundle):
    manifest = open_bundle(tiny_bundle).manifest
    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_a_missing_bundle_is_named(tmp_path):
    with pytest.raises(BundleError, match="There is no bundle"):
        open_bundle(tmp_path / "none.mdhr")


def test_a_file_is_no_bundle(tmp_path):
    (tmp_path / "x.mdhr").write_text("")
    with pytest.raises(BundleError) as error:
        open_bundle(tmp_path / "x.mdhr")
    assert "a bundle is a folder" in error.value.why


def test_a_folder_without_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="not a bundle"):
        open_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 1}', '{"schema": "x"}'])
def test_a_damaged_manifest_is_refused(bundle, text):
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="cannot be read"):
        open_bundle(bundle)


def test_a_newer_schema_is_refused_whatever_else_it_holds(bundle):
    (bundle / MANIFEST).write_text(json.dumps({"schema": SCHEMA + 1, "surprise": True}))
    with pytest.raises(BundleError, match="too new") as error:
        open_bundle(bundle)
    assert f"schema {SCHEMA + 1}" in error.value.why


def test_a_bundle_from_before_there_were_engines_has_none(bundle):
    manifest = json.loads((bundle / MANIFEST).read_text())
    del manifest["engines"]
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"schema": 1}))
    assert open_bundle(bundle).manifest.engines == ()


@pytest.mark.parametrize("name", ["encoder.onnx", "temporal.onnx", "detector/pnet.onnx"])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleError, match="not complete") as error:
        open_bundle(bundle)
    assert name in error.value.why


def test_an_altered_file_is_named(bundle):
    content = bytearray((bundle / "encoder.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "encoder.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="altered") as error:
        open_bundle(bundle)
    assert "encoder.onnx" in error.value.why


def test_a_graph_without_hash_is_refused(bundle):
    files = json.loads((bundle / MANIFEST).read_text())["files"]
    del files["encoder.onnx"]
    edit(bundle, files=files)
    with pytest.raises(BundleError, match="refused") as error:
        open_bundle(bundle)
    assert "encoder.onnx" in error.value.why


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname"])
def test_files_outside_the_bundle_are_refused(bundle, name):
    files = json.loads((bundle / MANIFEST).read_text())["files"]
    edit(bundle, files=files | {name: "0" * 64})
    with pytest.raises(BundleError, match="refused"):
        open_bundle(bundle)
