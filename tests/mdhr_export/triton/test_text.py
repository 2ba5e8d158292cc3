"""The text form of protocol buffers, read back with Triton's schema."""

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from mdhr_export.triton.text import Word, to_text


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
    config = text_format.Parse(text, ModelConfig())
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
