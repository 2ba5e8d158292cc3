"""Bundles that are whole, and bundles that are not."""

import json
import shutil

import pytest

from mdhr_runtime.bundle import MANIFEST, SCHEMA, file_hash, open_bundle, read_manifest, write_manifest
from mdhr_runtime.contract import SCORE
from mdhr_runtime.errors import BundleError


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(tiny_bundle, tmp_path / "copy.mdhr")


def edit(bundle, **changes):
    file = bundle / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


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


def test_a_bundle_of_the_first_schema_is_opened(bundle):
    manifest = json.loads((bundle / MANIFEST).read_text())
    del manifest["engines"], manifest["outputs"]
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"schema": 1}))
    opened = open_bundle(bundle)
    assert opened.manifest.engines == ()
    assert opened.manifest.outputs == {"scores": SCORE}


def test_a_manifest_is_read_without_a_look_at_the_files(bundle):
    (bundle / "encoder.onnx").unlink()
    assert read_manifest(bundle).lookahead == 7


def test_a_manifest_is_written_with_the_hashes_of_what_is_there(bundle):
    manifest = read_manifest(bundle)
    (bundle / "encoder.onnx").write_bytes(b"another graph")
    (bundle / "engines").mkdir()
    (bundle / "engines" / "encoder.engine").write_bytes(b"an engine")
    written = write_manifest(bundle, manifest)
    assert written == open_bundle(bundle).manifest
    assert written.files["encoder.onnx"] == file_hash(bundle / "encoder.onnx")
    assert set(written.files) == set(manifest.files)


def test_files_that_do_not_belong_to_the_bundle_are_not_taken_in(bundle):
    manifest = read_manifest(bundle)
    (bundle / "notes.txt").write_text("mine")
    written = write_manifest(bundle, manifest, manifest.files)
    assert written.files == manifest.files
    assert read_manifest(bundle) == written


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
