"""What a graph's configuration says to Triton."""

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from mdhr_export.triton import Limits
from mdhr_export.triton.serving import Word, model_config, to_text
from mdhr_runtime.bundle import GraphRecord, TensorRecord


def parsed(graph, limits=None, **changes):
    arguments = {"name": "m", "backend": "onnxruntime", "batch": 8, "notes": {}} | changes
    message = model_config(graph=graph, limits=limits or Limits(), **arguments)
    return text_format.Parse(to_text(message), model_config_pb2.ModelConfig())


@pytest.fixture
def stateless():
    return GraphRecord(
        "g.onnx",
        {"frames": TensorRecord("uint8", ("frames", 224, 224, 3))},
        {"static": TensorRecord("float16", ("frames", 32, 7, 7))},
    )


@pytest.fixture
def stateful():
    return GraphRecord(
        "g.onnx",
        {
            "valid": TensorRecord("float16", ("streams", "frames")),
            "state_nodes": TensorRecord("float16", ("streams", 4, 12, 32)),
        },
        {
            "scores": TensorRecord("float32", ("streams", "frames", 12)),
            "new_state_nodes": TensorRecord("float16", ("streams", 4, 12, 32)),
        },
    )


def test_a_graph_without_states_is_batched_as_requests_come(stateless):
    config = parsed(stateless)
    assert config.WhichOneof("scheduling_choice") == "dynamic_batching"
    assert config.max_batch_size == 8
    (tensor,) = config.input
    assert (tensor.data_type, list(tensor.dims)) == (model_config_pb2.TYPE_UINT8, [224, 224, 3])
    (tensor,) = config.output
    assert (tensor.data_type, list(tensor.dims)) == (model_config_pb2.TYPE_FP16, [32, 7, 7])


def test_a_graph_with_states_is_a_sequence_model(stateful):
    config = parsed(stateful, Limits(sequences=5, idle_seconds=2.5))
    assert config.WhichOneof("scheduling_choice") == "sequence_batching"
    batching = config.sequence_batching
    assert batching.oldest.max_candidate_sequences == 5
    assert batching.max_sequence_idle_microseconds == 2_500_000
    assert not batching.control_input
    assert [(tensor.name, list(tensor.dims)) for tensor in config.input] == [("valid", [-1])]
    assert [(tensor.name, list(tensor.dims)) for tensor in config.output] == [("scores", [-1, 12])]


def test_states_start_with_zeros_of_their_own_type_and_shape(stateful):
    (state,) = parsed(stateful).sequence_batching.state
    (start,) = state.initial_state
    assert (state.input_name, state.output_name) == ("state_nodes", "new_state_nodes")
    assert (start.data_type, list(start.dims)) == (state.data_type, list(state.dims))
    assert (state.data_type, list(state.dims)) == (model_config_pb2.TYPE_FP16, [4, 12, 32])
    assert start.zero_data
    assert start.name  # Triton refuses a nameless one


def test_notes_reach_clients_as_parameters(stateless):
    assert parsed(stateless, notes={"mdhr_aus": "AU01 AU02"}).parameters["mdhr_aus"].string_value == "AU01 AU02"


def test_the_schema_reads_back_what_was_written():
    text = to_text(
        {
            "name": 'a "quoted" name',
            "max_batch_size": 4,
            "input": [
                {"name": "x", "data_type": Word("TYPE_FP16"), "dims": [-1, 3], "optional": True},
                {"name": "y", "data_type": Word("TYPE_UINT8"), "dims": [2], "optional": False},
            ],
            "dynamic_batching": {},
            "parameters": [{"key": "k", "value": {"string_value": "v w"}}],
        }
    )
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert config.name == 'a "quoted" name'
    assert config.max_batch_size == 4
    assert [(i.name, i.data_type, list(i.dims), i.optional) for i in config.input] == [
        ("x", 10, [-1, 3], True),
        ("y", 2, [2], False),
    ]
    assert config.HasField("dynamic_batching")
    assert config.parameters["k"].string_value == "v w"


def test_messages_are_indented():
    assert to_text({"a": {"b": {"c": 1}}}) == "a {\n  b {\n    c: 1\n  }\n}\n"
