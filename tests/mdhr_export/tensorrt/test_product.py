"""Which TensorRT builds."""

import sys
from types import SimpleNamespace

import pytest

from mdhr_export.tensorrt.product import choose_builder
from mdhr_runtime.backends.tensorrt.installed import Gpu
from mdhr_runtime.errors import ExportError, ProviderError

GPU = Gpu("Orin", "8.7", 16)


@pytest.fixture
def installed(monkeypatch):
    """Pretend that products of certain versions are installed, and no others."""

    def install(**versions):
        for name in ("tensorrt", "tensorrt_rtx"):
            module = SimpleNamespace(__version__=versions[name]) if name in versions else None
            monkeypatch.setitem(sys.modules, name, module)

    return install


def test_tensorrt_builds_where_there_is_a_gpu(installed):
    installed(tensorrt="10.3.0", tensorrt_rtx="1.7.1")
    assert str(choose_builder("auto", GPU)) == "TensorRT 10.3.0"


def test_tensorrt_rtx_builds_where_there_is_none(installed):
    installed(tensorrt="10.3.0", tensorrt_rtx="1.7.1")
    assert str(choose_builder("auto", None)) == "TensorRT-RTX 1.7.1"


@pytest.mark.parametrize("name", ["auto", "tensorrt"])
def test_tensorrt_without_a_gpu_points_to_the_one_that_needs_none(installed, name):
    installed(tensorrt="11.4.0")
    with pytest.raises(ExportError, match=r"TensorRT 11\.4\.0 cannot build engines on this machine") as error:
        choose_builder(name, None)
    assert "tensorrt_rtx" in error.value.fix


@pytest.mark.parametrize("name", ["auto", "tensorrt", "tensorrt_rtx"])
def test_without_tensorrt_it_says_what_to_install(installed, name):
    installed()
    with pytest.raises(ProviderError, match="installed") as error:
        choose_builder(name, GPU)
    assert "docs/jetson.md" in error.value.fix


def test_tensorrt_8_is_too_old(installed):
    installed(tensorrt="8.6.2")
    with pytest.raises(ProviderError, match=r"TensorRT 8\.6\.2 is too old") as error:
        choose_builder("tensorrt", GPU)
    assert "JetPack 6.1" in error.value.fix
