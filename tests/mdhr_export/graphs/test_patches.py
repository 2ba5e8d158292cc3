"""Convolutions whose kernel is their stride, as they are exported."""

import onnx
import pytest
import torch

from mdhr_export.graphs import EncoderGraph
from mdhr_export.graphs.patches import PatchProduct
from mdhr_export.tracing import encoder_spec, trace
from mdhr_runtime.backends.onnx_runtime import load_graph
from mdhr_train.datasets import DISFA
from mdhr_train.model import INPUT_SIZE, MDHR, ModelConfig
from mdhr_train.model.patches import PatchConv2d


@pytest.mark.parametrize(("side", "size"), [(1, (5, 5)), (2, (6, 8)), (4, (11, 9))])
def test_a_product_is_the_convolution(side, size):
    torch.manual_seed(0)
    convolution, x = PatchConv2d(3, 7, side), torch.randn(2, 3, *size)
    torch.testing.assert_close(PatchProduct(convolution.weight, convolution.bias)(x), convolution(x))


@pytest.mark.slow
def test_an_encoder_has_no_convolution_whose_kernel_is_its_stride(tmp_path):
    torch.manual_seed(0)
    network = MDHR(ModelConfig(DISFA, "test_convnext", node_features=8, dynamics_channels=16)).eval()
    encoder = EncoderGraph(network, torch.float32).eval()
    trace(encoder_spec(encoder, INPUT_SIZE), tmp_path / "encoder.onnx")
    nodes = onnx.load(tmp_path / "encoder.onnx").graph.node
    kinds = [node.op_type for node in nodes]
    attributes = [{a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} for node in nodes]
    kernels = [
        a["kernel_shape"]
        for kind, a in zip(kinds, attributes, strict=True)
        if kind == "Conv" and a["strides"] == a["kernel_shape"]
    ]
    assert {tuple(kernel) for kernel in kernels} == {(1, 1)}
    sides = [a["blocksize"] for kind, a in zip(kinds, attributes, strict=True) if kind == "SpaceToDepth"]
    assert sorted(sides) == [2, 2, 2, 2, 4, 4, 8]  # the backbone's stem and its three steps down, and the dynamics
    frames = torch.randint(256, (1, INPUT_SIZE, INPUT_SIZE, 3), dtype=torch.uint8)
    with torch.inference_mode():
        expected = encoder(frames)
    found = load_graph(tmp_path / "encoder.onnx")({"frames": frames.numpy()})
    for name, tensor in zip(encoder.outputs, expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(found[name]), tensor, atol=1e-4, rtol=1e-4)
