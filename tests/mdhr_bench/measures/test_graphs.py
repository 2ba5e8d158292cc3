import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from host_gpu import HostDevice
from onnx import TensorProto, helper, numpy_helper

import mdhr_runtime
from mdhr_bench.cost.counting import count_graph
from mdhr_bench.measures.graphs import backbone_only, graph_record, layer_shares, open_graph
from mdhr_bench.measures.hardware import write_negation, write_product
from mdhr_runtime.backends.tensorrt import backend
from mdhr_runtime.backends.tensorrt.installed import TITLES, find_gpu
from mdhr_runtime.bundle import TensorRecord
from mdhr_runtime.errors import BundleError, MdhrError, ProviderError


@pytest.fixture(scope="module")
def model(tiny_bundle):
    return mdhr_runtime.load(tiny_bundle, "cpu")


@pytest.fixture
def negation(tmp_path):
    path = tmp_path / "negation.onnx"
    write_negation(path, 6)
    return path


def test_an_onnx_file_is_described_by_name_type_and_sizes(negation):
    record = graph_record(negation)
    assert record.file == "negation.onnx"
    assert record.inputs == {"x": TensorRecord("float32", (6,))}
    assert record.outputs == {"y": TensorRecord("float32", (6,))}


@pytest.mark.parametrize("name", ["encoder", "temporal", "clip"])
def test_a_bundles_graphs_are_described_as_its_manifest_describes_them(model, name):
    told, found = model.bundle.manifest.graphs[name], graph_record(model.bundle.graph_path(name))
    assert (found.inputs, found.outputs) == (told.inputs, told.outputs)


def test_a_file_runs_on_the_models_backend(model, negation):
    graph = open_graph(model, negation, {})
    x = np.arange(6, dtype=np.float32)
    np.testing.assert_array_equal(graph({"x": x})["y"], -x)
    assert isinstance(graph, type(model.graph("encoder")))


def test_a_file_that_is_no_graph_is_refused(model, tmp_path):
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(BundleError, match="ONNX Runtime refuses"):
        open_graph(model, path, {})


def test_an_engine_cannot_be_had_without_a_builder(negation, monkeypatch):
    for product in TITLES:
        monkeypatch.setitem(sys.modules, product, None)
    with pytest.raises(MdhrError, match="No TensorRT is installed") as caught:
        open_graph(SimpleNamespace(provider="tensorrt"), negation, {})
    assert caught.value.why
    assert "pip install" in caught.value.fix


def test_an_engine_that_the_gpu_refuses_is_told(negation, monkeypatch):
    pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")
    if find_gpu() is not None:
        pytest.skip("there is a GPU, and TensorRT takes the engine")
    monkeypatch.setattr(backend, "open_device", HostDevice)
    with pytest.raises(ProviderError, match=r"engine of negation\.onnx cannot be loaded") as caught:
        open_graph(SimpleNamespace(provider="tensorrt"), negation, {})
    assert "TensorRT-RTX" in caught.value.why
    assert "--provider" in caught.value.fix


ENCODER = [
    helper.make_node("Cast", ["frames"], ["floats"], to=TensorProto.FLOAT),
    helper.make_node("Transpose", ["floats"], ["image"], perm=[0, 3, 1, 2]),
    helper.make_node("Conv", ["image", "stem"], ["map"]),
    helper.make_node("Relu", ["map"], ["last"]),
    helper.make_node("Conv", ["last", "static_weight"], ["described"]),
    helper.make_node("Relu", ["described"], ["static"]),
    helper.make_node("Conv", ["last", "motion_weight"], ["motion"]),
]


def weight(name, *shape):
    values = np.random.default_rng(len(name)).normal(size=shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def written(path, nodes, kind=TensorProto.FLOAT, last="last"):
    """Write an encoder of these operators."""
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, ("frames", 6, 6, 3))],
        [
            helper.make_tensor_value_info("motion", TensorProto.FLOAT, ("frames", 4, 6, 6)),
            helper.make_tensor_value_info("static", kind, ("frames", 2, 6, 6)),
        ],
        [weight("stem", 5, 3, 1, 1), weight("static_weight", 2, 5, 1, 1), weight("motion_weight", 4, 5, 1, 1)],
        value_info=[helper.make_tensor_value_info(last, TensorProto.FLOAT, ("frames", 5, 6, 6))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def run(path, outputs, frames):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(outputs, {"frames": frames})


@pytest.fixture
def cut(tmp_path):
    """Cut an encoder of these operators; returns both files."""

    def make(nodes, **options):
        whole, part = written(tmp_path / "encoder.onnx", nodes, **options), tmp_path / "backbone.onnx"
        backbone_only(whole, part)
        return whole, part

    return make


def test_the_backbone_has_the_encoders_frames_and_one_output(cut):
    _, part = cut(ENCODER)
    graph = onnx.load(part).graph
    assert [value.name for value in graph.input] == ["frames"]
    assert [value.name for value in graph.output] == ["last"]
    assert [size.dim_param or size.dim_value for size in graph.output[0].type.tensor_type.shape.dim] == [
        "frames",
        5,
        6,
        6,
    ]
    assert [each.name for each in graph.initializer] == ["stem"]
    assert [each.op_type for each in graph.node] == ["Cast", "Transpose", "Conv", "Relu"]


def test_the_backbone_computes_what_the_encoder_describes(cut):
    whole, part = cut(ENCODER)
    frames = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3), np.uint8)
    (final,) = run(part, ["last"], frames)
    (static,) = run(whole, ["static"], frames)
    matrix = numpy_helper.to_array(weight("static_weight", 2, 5, 1, 1))[:, :, 0, 0]
    np.testing.assert_allclose(static, np.einsum("oc,nchw->nohw", matrix, final).clip(0), rtol=1e-4, atol=1e-3)
    assert count_graph("backbone", part, {"frames": 1}).flops == 36 * 5 * (2 * 3 + 1)


def test_changes_of_type_before_the_output_are_passed(cut):
    nodes = [
        *ENCODER[:4],
        helper.make_node("Conv", ["last", "static_weight"], ["described"]),
        helper.make_node("Cast", ["described"], ["narrow"], to=TensorProto.FLOAT16),
        helper.make_node("Relu", ["narrow"], ["static"]),
        ENCODER[-1],
    ]
    _, part = cut(nodes, kind=TensorProto.FLOAT16)
    assert [each.op_type for each in onnx.load(part).graph.node] == ["Cast", "Transpose", "Conv", "Relu"]


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([*ENCODER[:5], helper.make_node("Abs", ["described"], ["static"]), ENCODER[-1]], "Abs, not by Relu"),
        ([*ENCODER[:4], helper.make_node("Relu", ["last"], ["static"]), ENCODER[-1]], "Relu, not by Conv"),
        (
            [
                *ENCODER[:4],
                helper.make_node("Abs", ["static_weight"], ["computed"]),
                helper.make_node("Conv", ["last", "computed"], ["described"]),
                *ENCODER[5:],
            ],
            "'computed' of the convolution",
        ),
    ],
)
def test_an_encoder_of_another_form_is_refused_with_what_was_found(tmp_path, nodes, why):
    model = onnx.load(written(tmp_path / "a.onnx", ENCODER))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(BundleError, match=why):
        backbone_only(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert not (tmp_path / "b.onnx").exists()


def test_a_graph_without_static_features_is_refused(tmp_path):
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1,)) for name in ("frames", "scores")]
    graph = helper.make_graph([helper.make_node("Relu", ["frames"], ["scores"])], "other", value[:1], value[1:])
    onnx.save(helper.make_model(graph, ir_version=10), tmp_path / "a.onnx")
    with pytest.raises(BundleError, match="made by no operator"):
        backbone_only(tmp_path / "a.onnx", tmp_path / "b.onnx")


@pytest.mark.parametrize(("written", "end"), [("float32", "_f32"), ("int8", "_i8")])
def test_a_layer_is_told_with_the_kernel_that_computes_it_and_its_share(tmp_path, written, end):
    pytest.importorskip("openvino")
    path = tmp_path / "product.onnx"
    write_product(path, 64, 4, written)
    shares = layer_shares(path, "float32")
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    products = [name for name in shares if name.startswith(("FullyConnected ", "MatMul "))]
    assert products
    assert all(name.lower().endswith(end) for name in products)
