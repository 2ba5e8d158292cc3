"""TensorRT-RTX's parser and builder are the real ones; they need no GPU."""

import pytest


@pytest.fixture(scope="session")
def flavor():
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    from mdhr_runtime.backends.tensorrt.installed import load_flavor

    return load_flavor("tensorrt_rtx")
