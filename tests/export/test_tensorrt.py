"""TensorRT's own parser and builder take every graph of a bundle; they need no GPU in TensorRT-RTX."""

import pytest

from mdhr_runtime.bundle import read_bundle

trt = pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")


@pytest.mark.parametrize("name", ["encoder", "temporal", "clip", "pnet", "rnet", "onet"])
def test_graphs_parse_and_build(tiny_bundle, name):
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse_from_file(str(read_bundle(tiny_bundle).graph_path(name)))
    assert parsed, [str(parser.get_error(index)) for index in range(parser.num_errors)]

    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        sizes = [[number if size < 0 else size for size in tensor.shape] for number in (12, 16, 32)]
        profile.set_shape(tensor.name, *sizes)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    assert builder.build_serialized_network(network, config) is not None
