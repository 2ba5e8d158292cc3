"""Loading a bundle, and what a loaded model says of itself."""

import sys

import pytest

import mdhr_runtime
from mdhr_runtime.errors import BundleError, ProviderError


def test_a_model_names_its_aus_and_its_lookahead(tiny_bundle):
    model = mdhr_runtime.load(tiny_bundle)
    assert model.aus[:2] == ("AU01", "AU02")
    assert len(model.aus) == 12
    assert model.lookahead == 7
    assert model.provider in ("cpu", "cuda")


def test_a_graph_that_the_bundle_lacks_is_named(tiny_bundle):
    with pytest.raises(BundleError, match="no graph 'unknown'"):
        mdhr_runtime.load(tiny_bundle).graph("unknown")


def test_an_unknown_provider_is_refused(tiny_bundle):
    with pytest.raises(ProviderError, match="no provider 'quantum'"):
        mdhr_runtime.load(tiny_bundle, "quantum")


def test_a_provider_that_is_not_installed_is_refused(tiny_bundle):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(ProviderError, match="'cuda' is not installed") as error:
        mdhr_runtime.load(tiny_bundle, "cuda")
    assert "mdhr-edge[gpu]" in error.value.fix


def test_without_onnx_runtime_the_extra_is_named(tiny_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ProviderError, match="not installed") as error:
        mdhr_runtime.load(tiny_bundle)
    assert "mdhr-edge[cpu]" in error.value.fix
