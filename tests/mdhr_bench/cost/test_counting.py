"""Costs of small graphs, counted by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mdhr_bench.cost.counting import count_graph
from mdhr_runtime.errors import BundleError

FLOAT = TensorProto.FLOAT
SHAPELESS = None  # of an output, whose shape nobody needs to say


@pytest.fixture
def count(tmp_path):
    """Count a graph of one output "y" that is made of its operators, inputs and weights."""

    def make(nodes, inputs, weights=None, sizes=None, kind=FLOAT, made=FLOAT, version=18):
        values = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
        result = [helper.make_tensor_value_info("y", made, SHAPELESS)]
        constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
        model = helper.make_model(
            helper.make_graph(nodes, "small", values, result, constants),
            opset_imports=[helper.make_opsetid("", version), helper.make_opsetid("com.example", 1)],
            ir_version=10,
        )
        path = tmp_path / "small.onnx"
        onnx.save(model, path)
        return count_graph("small", path, sizes or {})

    return make


def node(kind, *inputs, made="y", **attributes):
    return helper.make_node(kind, inputs, [made], **attributes)


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


def test_a_convolution_with_groups_and_a_stride_counts_its_products_and_its_bias(count):
    nodes = [node("Conv", "x", "w", "b", group=2, strides=[2, 2], pads=[1, 1, 1, 1])]
    cost = count(nodes, {"x": ("frames", 4, 8, 8)}, {"w": zeros(6, 2, 3, 3), "b": zeros(6)}, {"frames": 3})
    results = 3 * 6 * 4 * 4
    assert cost.flops == results * (2 * 2 * 3 * 3 + 1)
    assert cost.by_operator == {"Conv": cost.flops}
    assert cost.graph == "small"


def test_bytes_of_weights_inputs_outputs_and_traffic_are_those_of_the_tensors(count):
    nodes = [node("Conv", "x", "w", "b", made="m"), node("Relu", "m")]
    weights = {"w": zeros(6, 4, 1, 1), "b": zeros(6), "unread": zeros(1000)}
    cost = count(nodes, {"x": (1, 4, 8, 8)}, weights)
    source, result, weight = 4 * 4 * 64, 4 * 6 * 64, 4 * (24 + 6)
    assert (cost.weights, cost.inputs, cost.outputs) == (weight, source, result)
    assert cost.traffic == source + weight + result + result + result


def test_a_transposed_convolution_counts_the_products_of_its_inputs(count):
    cost = count(
        [node("ConvTranspose", "x", "w", "b", strides=[2, 2])],
        {"x": (1, 4, 5, 5)},
        {"w": zeros(4, 3, 2, 2), "b": zeros(3)},
    )
    assert cost.flops == 2 * 4 * 25 * 3 * 4 + 3 * 10 * 10


def test_a_batch_of_matrix_products_counts_every_one_of_them(count):
    cost = count([node("MatMul", "a", "b")], {"a": (5, 1, 2, 3), "b": (4, 3, 7)})
    assert cost.flops == 5 * 4 * 2 * (2 * 3 * 7)
    assert cost.inputs == 4 * (5 * 2 * 3 + 4 * 3 * 7)
    assert cost.weights == 0


def test_a_product_with_a_vector_is_a_matrix_product_too(count):
    assert count([node("MatMul", "a", "b")], {"a": (3,), "b": (3, 7)}).flops == 2 * 3 * 7
    assert count([node("MatMul", "a", "b")], {"a": (7, 3), "b": (3,)}).flops == 2 * 3 * 7


@pytest.mark.parametrize(("transposed", "shape"), [(0, (4, 5)), (1, (5, 4))])
def test_a_general_product_counts_its_bias(count, transposed, shape):
    cost = count([node("Gemm", "a", "b", "c", transA=transposed)], {"a": shape}, {"b": zeros(5, 6), "c": zeros(6)})
    assert cost.flops == 4 * 6 * (2 * 5 + 1)


def test_a_general_product_without_a_bias_adds_none(count):
    assert count([node("Gemm", "a", "b")], {"a": (4, 5)}, {"b": zeros(5, 6)}).flops == 4 * 6 * 2 * 5


def test_an_einstein_sum_counts_all_combinations_of_its_indices(count):
    cost = count([node("Einsum", "a", "b", equation="bij, bjk -> bik")], {"a": (2, 3, 4), "b": (2, 4, 5)})
    assert cost.flops == 2 * (2 * 3 * 4 * 5)


def test_elementwise_operators_count_one_operation_per_element_of_the_broadcast_output(count):
    nodes = [node("Add", "a", "b", made="s"), node("Exp", "s")]
    cost = count(nodes, {"a": (4, 1), "b": (3,)})
    assert cost.by_operator == {"Add": 12, "Exp": 12}
    assert cost.traffic == 4 * (4 + 3 + 12 + 12 + 12)


def test_a_maximum_of_three_inputs_counts_two_comparisons_per_element(count):
    assert count([node("Max", "a", "b", "c")], {"a": (6,), "b": (6,), "c": (6,)}).flops == 2 * 6


def test_reductions_and_normalisations_count_by_the_elements_of_their_input(count):
    assert count([node("GlobalAveragePool", "x")], {"x": (1, 2, 7, 7)}).flops == 98
    assert count([node("ReduceL2", "x")], {"x": (2, 5)}).flops == 2 * 10
    assert count([node("Softmax", "x")], {"x": (2, 5)}).flops == 5 * 10
    normal = count([node("LayerNormalization", "x", "g")], {"x": (2, 5)}, {"g": zeros(5)})
    assert normal.flops == 7 * 10


def test_pooling_counts_its_window_per_element_of_the_output(count):
    cost = count([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2])], {"x": (1, 2, 7, 7)})
    assert cost.flops == 2 * 3 * 3 * 9


def test_operators_that_move_data_count_bytes_and_no_operations(count):
    nodes = [
        node("Transpose", "x", made="t", perm=[1, 0]),
        node("Cast", "t", made="h", to=TensorProto.FLOAT16),
        node("Concat", "h", "h", axis=0),
    ]
    cost = count(nodes, {"x": (3, 4)}, made=TensorProto.FLOAT16)
    assert (cost.flops, cost.by_operator) == (0, {})
    assert cost.traffic == (48 + 48) + (48 + 24) + (24 + 24 + 48)


def test_shapes_that_the_graph_computes_are_known_and_cost_nothing(count):
    # A range as long as the input, which ONNX's shape inference does not follow.
    nodes = [
        node("Shape", "x", made="shape", start=0, end=1),
        node("Squeeze", "shape", made="length"),
        node("Range", "zero", "length", "one", made="numbers"),
        node("Add", "numbers", "one", made="positions"),
        node("Cast", "positions", made="floats", to=FLOAT),
        node("Mul", "floats", "x"),
    ]
    weights = {"zero": np.array(0), "one": np.array(1)}
    cost = count(nodes, {"x": ("frames",)}, weights, {"frames": 9})
    assert cost.by_operator == {"Mul": 9}
    shape, squeeze, numbers = 8, 8 + 8, 3 * 8 + 72
    assert cost.traffic == shape + squeeze + numbers + (72 + 8 + 72) + (72 + 36) + 3 * 36


def test_a_float16_graph_has_half_the_bytes_and_the_same_operations(count):
    def cost(kind, dtype):
        return count([node("MatMul", "a", "w")], {"a": (4, 5)}, {"w": zeros(5, 6, dtype=dtype)}, kind=kind, made=kind)

    whole, half = cost(FLOAT, np.float32), cost(TensorProto.FLOAT16, np.float16)
    assert whole.flops == half.flops == 2 * 4 * 5 * 6
    for part in ("weights", "inputs", "outputs", "traffic"):
        assert getattr(whole, part) == 2 * getattr(half, part) > 0


def test_a_constant_of_an_operator_is_a_weight(count):
    constant = node("Constant", made="c", value=numpy_helper.from_array(zeros(3)))
    cost = count([constant, node("Mul", "x", "c")], {"x": (2, 3)})
    assert (cost.flops, cost.weights, cost.traffic) == (6, 12, 24 + 12 + 24)


def test_weights_in_a_file_beside_the_graph_are_read(tmp_path):
    weight = numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    value = [helper.make_tensor_value_info(name, FLOAT, (1, 64)) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph([node("MatMul", "x", "w")], "small", value[:1], value[1:], [weight]))
    model.ir_version = 10
    model.opset_import[0].version = 18
    onnx.save(model, tmp_path / "a.onnx", save_as_external_data=True, location="a.bin", size_threshold=0)
    cost = count_graph("a", tmp_path / "a.onnx", {})
    assert (cost.flops, cost.weights) == (2 * 64 * 64, 4 * 64 * 64)


def test_sizes_that_the_graph_does_not_use_are_ignored_and_one_that_it_lacks_is_named(count):
    assert count([node("Relu", "x")], {"x": ("frames", 2)}, sizes={"frames": 3, "streams": 1}).flops == 6
    with pytest.raises(BundleError, match="'frames'"):
        count([node("Relu", "x")], {"x": ("frames", 2)}, sizes={"streams": 1})


def test_a_graph_inside_an_operator_is_refused(count):
    value = helper.make_tensor_value_info("z", FLOAT, (2,))
    branch = helper.make_graph([node("Relu", "x", made="z")], "branch", [], [value])
    with pytest.raises(BundleError, match="If has a graph inside"):
        count([node("If", "yes", then_branch=branch, else_branch=branch)], {"x": (2,)}, {"yes": np.array(True)})


def test_operators_that_the_counter_does_not_know_are_refused_by_name(count):
    with pytest.raises(BundleError, match="the operator Det"):
        count([node("Det", "x")], {"x": (2, 2)})
    with pytest.raises(BundleError, match=r"com\.example\.Magic"):
        count([node("Magic", "x", domain="com.example")], {"x": (2, 2)})
    with pytest.raises(BundleError, match="ellipsis"):
        count([node("Einsum", "a", "b", equation="...ij,...jk->...ik")], {"a": (2, 3), "b": (3, 4)})


def test_what_onnx_runtime_does_not_run_is_refused_with_its_reason(count):
    with pytest.raises(BundleError, match="ONNX Runtime does not run it"):
        count([node("MatMul", "a", "b")], {"a": (2, "n"), "b": (4, 3)}, sizes={"n": 3})


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"broken\.onnx"):
        count_graph("broken", path, {})
    with pytest.raises(BundleError, match=r"missing\.onnx"):
        count_graph("missing", tmp_path / "missing.onnx", {})


def test_the_graphs_of_a_bundle_are_counted_whole(tiny_bundle):
    sizes = {"frames": 1, "streams": 1}
    one, temporal, clip = (
        count_graph(name, tiny_bundle / f"{name}.onnx", sizes) for name in ("encoder", "temporal", "clip")
    )
    two = count_graph("encoder", tiny_bundle / "encoder.onnx", {"frames": 2})
    assert two.flops == 2 * one.flops
    assert two.weights == one.weights
    assert one.inputs == 224 * 224 * 3
    assert one.by_operator["Conv"] > 0.9 * one.flops
    assert temporal.by_operator["MatMul"] > 0
    assert clip.flops > one.flops + temporal.flops
