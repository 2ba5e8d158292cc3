"""Loading a bundle, and what a loaded model says of itself."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep

import numpy as np
import pytest

import mdhr_runtime
from mdhr_runtime.backends.table import PROVIDERS, open_backend
from mdhr_runtime.bundle import Bundle, open_bundle
from mdhr_runtime.contract import OutputRecord
from mdhr_runtime.errors import BundleError, ProviderError
from mdhr_runtime.streaming import Model


def test_a_model_names_its_aus_and_its_lookahead(tiny_bundle):
    model = mdhr_runtime.load(tiny_bundle)
    assert model.aus[:2] == ("AU01", "AU02")
    assert len(model.aus) == 12
    assert model.lookahead == 7
    assert model.provider in PROVIDERS
    assert model.precision == "float32"


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
        mdhr_runtime.load(tiny_bundle, "cpu")
    assert "mdhr-edge[cpu]" in error.value.fix


def test_a_models_scores_are_described_by_its_bundle(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    half = OutputRecord("occurrence", lowest=0.0, highest=1.0, threshold=0.25)
    other = Bundle(bundle.path, replace(bundle.manifest, outputs={"scores": half}))
    assert Model(bundle, open_backend(bundle, "cpu")).output.threshold == 0.5
    assert Model(other, open_backend(other, "cpu")).output.occurs(np.array([0.2, 0.25])).tolist() == [False, True]


def test_a_model_says_whether_it_runs_on_a_gpu(tiny_bundle):
    assert not mdhr_runtime.load(tiny_bundle, "cpu").on_gpu


class SlowBackend:
    """Counts the graphs that it loads, and takes its time."""

    provider, precision, reason = "cpu", "float32", "slow"

    def __init__(self):
        self.loaded = 0

    def load(self, name):
        self.loaded += 1
        sleep(0.05)
        return object()


def test_threads_that_ask_for_a_graph_at_once_get_the_same(tiny_bundle):
    backend = SlowBackend()
    model = Model(open_bundle(tiny_bundle), backend)
    with ThreadPoolExecutor(4) as pool:
        graphs = set(pool.map(model.graph, ["encoder"] * 4))
    assert len(graphs) == backend.loaded == 1
