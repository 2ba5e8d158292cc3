"""The clip that engines are verified on."""

import json
import shutil

import numpy as np
import pytest

import mdhr_runtime
from mdhr_export.verify import find_reference
from mdhr_runtime.bundle import MANIFEST, open_bundle
from mdhr_runtime.errors import ExportError


def test_verification_without_a_clip_asks_for_a_video(tiny_bundle, tmp_path):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "copy.mdhr")
    manifest = json.loads((bundle / MANIFEST).read_text())
    del manifest["files"]["verification.npz"]
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match="cannot be verified") as error:
        find_reference(open_bundle(bundle), None)
    assert "--verify-data" in error.value.fix


def test_the_bundled_clip_carries_what_pytorch_said(tiny_bundle):
    reference = find_reference(open_bundle(tiny_bundle), None)
    assert reference.source == "PyTorch"
    assert reference.frames.shape == (24, 224, 224, 3)
    np.testing.assert_allclose(
        mdhr_runtime.load(tiny_bundle, "cpu").clip(reference.frames), reference.labels.scores, atol=1e-5
    )
    assert reference.labels.combinations.shape == (24, 4)


@pytest.mark.slow
def test_a_users_own_video_is_labelled_by_onnx_runtime(tiny_bundle, media):
    reference = find_reference(open_bundle(tiny_bundle), media / "single_face.mp4")
    assert reference.source == "ONNX Runtime"
    assert reference.labels.scores.shape == (24, 12)


@pytest.mark.slow
def test_a_video_without_a_face_cannot_be_verified_on(tiny_bundle, media):
    with pytest.raises(ExportError, match="cannot be used to verify"):
        find_reference(open_bundle(tiny_bundle), media / "no_face.mp4")
