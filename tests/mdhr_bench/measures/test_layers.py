import numpy as np
import pytest

from mdhr_bench.measures.hardware import write_product
from mdhr_bench.measures.layers import layer_shares

pytest.importorskip("openvino")

X = np.random.default_rng(0).standard_normal((64, 64), np.float32)


@pytest.mark.parametrize(("written", "end"), [("float32", "_f32"), ("int8", "_i8")])
def test_a_layer_is_told_with_the_kernel_that_computes_it_and_its_share(tmp_path, written, end):
    path = tmp_path / "product.onnx"
    write_product(path, 64, 4, written)
    shares = layer_shares(path, "float32", {"x": X})
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    products = [name for name in shares if name.startswith(("FullyConnected ", "MatMul "))]
    assert products
    assert all(name.lower().endswith(end) for name in products)
