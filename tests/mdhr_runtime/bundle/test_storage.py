"""Bundles that are whole, and bundles that are not."""

import hashlib
import json
import shutil
from pathlib import Path

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
    assert "It is an empty file" in error.value.why


def test_a_folder_without_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="not a bundle"):
        open_bundle(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"schema": 1}', '{"schema": "x"}', '{"schema": Infinity}', "[" * 100_000, '{"a":' * 100_000],
    ids=lambda text: text[:20],
)
def test_a_damaged_manifest_is_refused(bundle, text):
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="cannot be read"):
        open_bundle(bundle)


def test_a_manifest_of_gigabytes_is_not_read(bundle):
    with (bundle / MANIFEST).open("r+b") as file:
        file.truncate(1 << 40)  # takes no room
    with pytest.raises(BundleError, match="larger than 16 MiB"):
        open_bundle(bundle)


def test_names_that_no_folder_can_have_are_no_bundles(tmp_path):
    for name in ("a" * 300, "a/" * 3000, "\udcfc"):
        with pytest.raises(BundleError, match="There is no bundle"):
            open_bundle(tmp_path / name)


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


@pytest.mark.parametrize("name", ["encoder.onnx", "temporal.onnx", "detector/pnet.onnx", "identity/embedder.onnx"])
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


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "detector/../../secret"])
def test_files_outside_the_bundle_are_refused(bundle, name):
    (bundle.parent / "secret").write_bytes(b"")
    files = json.loads((bundle / MANIFEST).read_text())["files"]
    edit(bundle, files=files | {name: hashlib.sha256(b"").hexdigest()})
    with pytest.raises(BundleError, match="refused"):
        open_bundle(bundle)


@pytest.mark.parametrize("name", ["encoder.onnx", "detector", MANIFEST])
def test_links_may_lead_about_in_the_bundle_and_not_out_of_it(bundle, name):
    (bundle / name).rename(bundle / "moved")
    (bundle / name).symlink_to("moved")
    assert open_bundle(bundle)
    (bundle / name).unlink()
    (bundle / "moved").rename(bundle.parent / "moved")
    (bundle / name).symlink_to("../moved")
    with pytest.raises(BundleError, match="outside of it"):
        open_bundle(bundle)


def test_a_link_to_itself_is_told(bundle):
    (bundle / "encoder.onnx").unlink()
    (bundle / "encoder.onnx").symlink_to("encoder.onnx")
    with pytest.raises(BundleError, match=r"encoder\.onnx"):
        open_bundle(bundle)


@pytest.mark.parametrize("listed", [False, True])
def test_a_graph_with_weights_in_another_file_is_refused(bundle, listed):
    import onnx

    model = onnx.load(bundle / "encoder.onnx")
    onnx.save(model, bundle / "encoder.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    names = ("encoder.onnx", "weights") if listed else ("encoder.onnx",)
    files = json.loads((bundle / MANIFEST).read_text())["files"]
    edit(bundle, files=files | {name: file_hash(bundle / name) for name in names})
    with pytest.raises(BundleError, match="weights in other files"):
        open_bundle(bundle)


def test_a_file_that_may_not_be_read_is_told(bundle, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    manifest = read_manifest(bundle)
    monkeypatch.setattr("mdhr_runtime.bundle.storage.read_manifest", lambda _: manifest)
    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, who may read everything
    with pytest.raises(BundleError, match="Permission denied"):
        open_bundle(bundle)
