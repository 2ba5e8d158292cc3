"""TensorRT's own parser and builder take every graph of a bundle; they need no GPU in TensorRT-RTX."""

import pytest

from mdhr_runtime.bundle import read_bundle
from mdhr_train.suites import SUITES, rows

trt = pytest.importorskip("tensorrt_rtx", reason="needs TensorRT-RTX's Python module")


@pytest.mark.parametrize("name", ["encoder", "temporal", "clip", "pnet", "rnet", "onet"])
def test_graphs_parse_and_build(tiny_bundle, name):
    assert_builds(read_bundle(tiny_bundle).graph_path(name))


@pytest.mark.parametrize(
    "overrides",
    [pytest.param(row.overrides, id=f"{suite}: {row.label}") for suite in SUITES for row in rows(suite)],
)
def test_graphs_of_every_ablation_parse_and_build(variant, built, overrides):
    _, path = variant(**overrides)
    if path not in built:  # the tables share rows
        for name in ("encoder", "temporal"):
            assert_builds(read_bundle(path).graph_path(name))
        built.add(path)


@pytest.fixture(scope="module")
def built():
    """Bundles that have been built."""
    return set()


def assert_builds(path):
    """Parse and build a graph, with profiles for all its dynamic sizes."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse_from_file(str(path))
    assert parsed, [str(parser.get_error(index)) for index in range(parser.num_errors)]

    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        sizes = [[number if size < 0 else size for size in tensor.shape] for number in (12, 16, 32)]
        profile.set_shape(tensor.name, *sizes)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    assert builder.build_serialized_network(network, config) is not None
