import subprocess
import sys

import numpy as np
import pytest

from mdhr_bench.measures.memory import memory, state_size
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import MdhrError

MEBIBYTE = 1 << 20


def test_a_process_grows_from_its_imports_over_the_bundle_to_the_stream(tiny_bundle):
    taken = memory(tiny_bundle, "cpu", streams=8)
    weights = (tiny_bundle / "encoder.onnx").stat().st_size
    assert taken.loaded - taken.imported > weights / 2
    assert taken.streaming > taken.imported
    assert taken.peak >= max(taken.loaded, taken.streaming)
    assert taken.state == state_size(open_bundle(tiny_bundle).manifest)
    assert taken.per_stream > 0
    assert taken.device is None


def test_the_state_is_what_the_temporal_graph_is_given_of_the_past(model_state):
    manifest, states = model_state
    assert state_size(manifest) == sum(state.nbytes for state in states) > 0


@pytest.fixture
def model_state(tiny_bundle):
    """The manifest, and one stream's states as arrays that the temporal graph really takes."""
    import mdhr_runtime

    model = mdhr_runtime.load(tiny_bundle, "cpu")
    manifest = model.bundle.manifest
    inputs = {
        name: np.zeros([1 if isinstance(size, str) else size for size in record.shape], record.dtype)
        for name, record in manifest.graphs["temporal"].inputs.items()
    }
    model.graph("temporal")(inputs)
    return manifest, [array for name, array in inputs.items() if name.startswith("state_")]


def test_the_peak_of_the_process_that_asks_is_none_of_its_own():
    code = (
        "import subprocess, sys, numpy\n"
        f"numpy.ones({400 * MEBIBYTE}, numpy.uint8)\n"
        "asked = 'from mdhr_bench.measures.memory import _peak; print(_peak())'\n"
        "subprocess.run([sys.executable, '-c', asked], check=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert MEBIBYTE < int(done.stdout) < 200 * MEBIBYTE


def test_a_missing_bundle_is_told_in_the_words_of_the_runtime(tmp_path):
    with pytest.raises(MdhrError, match="There is no bundle"):
        memory(tmp_path / "none.mdhr", "cpu")
