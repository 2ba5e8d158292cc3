"""Which TensorRT builds; and every graph becomes an engine, whose types are those of the ONNX file, layer by layer."""

import gc
import logging
import sys
from types import SimpleNamespace

import pytest
import torch

from mdhr_export.graphs import EncoderGraph, TemporalGraph
from mdhr_export.tensorrt.builder import (
    BuildSettings,
    build_engine,
    build_error,
    choose_builder,
    count_layers,
    is_timing_cache,
    parse_network,
)
from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_export.tracing import encoder_spec, temporal_spec, trace
from mdhr_runtime.backends.tensorrt.installed import Gpu
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import ExportError, ProviderError
from mdhr_train.datasets import LAYOUTS
from mdhr_train.model import INPUT_SIZE, MDHR, ModelConfig
from mdhr_train.model.variants import rows

pytestmark = pytest.mark.slow

BACKBONES = {"resnet50": "ResNet-50", "swin_base_patch4_window7_224": "Swin-B"}

ABLATIONS = [  # every operation that one of them has and the full network has not
    ("table3", "backbone"),
    ("table4", "scale 2"),
    ("table4", "all scales, concatenation"),
    ("table5", "Aux, local"),
    ("parts", "without MFD"),
    ("parts", "without TCN"),
]

ANCHORS = {"SOFTMAX", "NORMALIZATION", "REDUCE"}
"""What a float32 island in a float16 graph is there for: softmax, LayerNorm, and the norm in the cosine similarity."""


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Graphs of the published networks with random weights, traced once each: a function of their choices.

    Of the eighteen blocks in the third stage of Swin-B there are two, as every pair is like the one before it.
    """
    folder, models, paths = tmp_path_factory.mktemp("graphs"), {}, {}

    def path_of(name, layout, backbone, precision):
        key = (name, layout, backbone, precision)
        if key not in paths:
            if (layout, backbone) not in models:
                torch.manual_seed(0)
                model = models[layout, backbone] = MDHR(ModelConfig(LAYOUTS[layout], backbone)).eval()
                if backbone.startswith("swin"):
                    stage = model.backbone.features.layers[2]
                    stage.blocks = stage.blocks[:2]
            model, dtype = models[layout, backbone], getattr(torch, precision)
            paths[key] = folder / f"{'_'.join(key)}.onnx"
            if name == "encoder":
                trace(encoder_spec(EncoderGraph(model, dtype), INPUT_SIZE), paths[key])
            else:
                trace(temporal_spec(TemporalGraph(model, dtype)), paths[key])
        return paths[key]

    return path_of


def assert_types(network, precision):
    """Floats are of the graph's precision, but for islands of float32; no input or output is INT64."""
    definition = network.definition
    tensors = [definition.get_input(i) for i in range(definition.num_inputs)]
    tensors += [definition.get_output(i) for i in range(definition.num_outputs)]
    assert not [tensor.name for tensor in tensors if tensor.dtype.name == "INT64"]
    counts = count_layers(definition)
    if precision == "float32":
        assert counts["FLOAT"] > 20
        assert "HALF" not in counts
    else:
        assert counts["HALF"] > 20
        for island in float_islands(definition):
            assert {layer.type.name for layer in island} & ANCHORS, [layer.name for layer in island]
    return counts


def float_islands(definition):
    """Layers that give float32, in groups that are connected by their tensors."""
    wide = [layer for layer in definition if layer.num_outputs and layer.get_output(0).dtype.name == "FLOAT"]
    makers = {layer.get_output(0).name: number for number, layer in enumerate(wide)}
    groups = {number: {number} for number in range(len(wide))}
    for number, layer in enumerate(wide):
        inputs = (layer.get_input(i) for i in range(layer.num_inputs))
        for maker in [makers[tensor.name] for tensor in inputs if tensor is not None and tensor.name in makers]:
            joined = groups[number] | groups[maker]
            groups |= dict.fromkeys(joined, joined)
    return [[wide[member] for member in group] for group in {id(group): group for group in groups.values()}.values()]


def shapes(path, max_batch, max_frames):
    """Profiles for a graph that belongs to no bundle: of all its dynamic sizes."""
    import onnx

    def bounds(one, most):
        return {
            value.name: tuple(
                tuple(size.dim_value or sizes[size.dim_param] for size in value.type.tensor_type.shape.dim)
                for sizes in (one, most, most)
            )
            for value in onnx.load(path, load_external_data=False).graph.input
        }

    one = {"streams": 1, "frames": 1}
    return bounds(one, one), bounds(one, {"streams": max_batch, "frames": max_frames})


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_encoders_build(flavor, traced, backbone, precision):
    # The layout does not matter to the encoder.
    path = traced("encoder", "BP4D", backbone, precision)
    counts = assert_types(parse_network(path, flavor), precision)
    if backbone == "resnet50":
        # It computes the shapes of what SpaceToDepth gives, as the number of frames is not fixed.
        assert set(counts) == {"FLOAT" if precision == "float32" else "HALF", "INT64"}
        assert counts["INT64"] < 30
    built = build_engine(path, flavor, shapes(path, 8, 16), BuildSettings())
    assert built.layers == counts
    # Two bytes for a weight, or four, and both profiles share them: else it were twice the size.
    assert len(built.data) < 1.3 * path.stat().st_size


# A layout has its number of regions, a precision its operations, which are the same in every region: all layouts in one
# precision, and all precisions of one layout. Those of Swin-B are narrower, as those of the ablations are, and else the
# same.
@pytest.mark.parametrize(("layout", "precision"), [*((layout, "float16") for layout in LAYOUTS), ("BP4D", "float32")])
def test_temporal_graphs_build(flavor, traced, layout, precision):
    path = traced("temporal", layout, "resnet50", precision)
    assert_types(parse_network(path, flavor), precision)
    assert build_engine(path, flavor, shapes(path, 8, 16), BuildSettings()).data


@pytest.mark.parametrize(("max_batch", "max_frames"), [(1, 7), (32, 7)])
def test_engines_build_for_one_camera_and_for_many(flavor, traced, max_batch, max_frames):
    path = traced("temporal", "BP4D", "resnet50", "float16")
    assert build_engine(path, flavor, shapes(path, max_batch, max_frames), BuildSettings()).data


@pytest.mark.parametrize("name", ["encoder", "temporal", "clip", "pnet", "rnet", "onet"])
def test_all_graphs_of_a_bundle_parse(flavor, tiny_bundle, name):
    assert_types(parse_network(open_bundle(tiny_bundle).graph_path(name), flavor), "float32")


def test_no_garbage_is_collected_while_tensorrt_logs(flavor, tiny_bundle):
    class Listener(logging.Handler):
        def emit(self, record):
            collected.append(gc.isenabled())

    collected, logger, listener = [], logging.getLogger("tensorrt"), Listener()
    logger.addHandler(listener)
    level, _ = logger.level, logger.setLevel(logging.DEBUG)
    try:
        parse_network(open_bundle(tiny_bundle).graph_path("onet"), flavor)
    finally:
        logger.setLevel(level)
        logger.removeHandler(listener)
    assert collected
    assert not any(collected)
    assert gc.isenabled()


def test_of_the_embedder_nothing_but_the_weights_is_float16(flavor, tiny_bundle):
    counts = count_layers(parse_network(open_bundle(tiny_bundle).graph_path("embedder"), flavor).definition)
    assert 20 < counts["HALF"] <= 30  # of 29 convolutions and a product, where they are not small
    assert counts["FLOAT"] > 100


@pytest.mark.parametrize(("suite", "label"), ABLATIONS)
def test_temporal_graphs_of_ablations_build(flavor, variant, suite, label):
    _, path = variant(**next(row.overrides for row in rows(suite) if row.label == label))
    bundle = open_bundle(path)
    profiles = profiles_of("temporal", bundle.manifest, 1, 7)
    assert build_engine(bundle.graph_path("temporal"), flavor, profiles, BuildSettings()).data


def test_a_damaged_graph_is_refused_in_tensorrts_words(flavor, tiny_bundle, tmp_path):
    whole = open_bundle(tiny_bundle).graph_path("encoder").read_bytes()
    (tmp_path / "encoder.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ExportError, match=r"encoder\.onnx was not parsed") as error:
        parse_network(tmp_path / "encoder.onnx", flavor)
    assert "TensorRT-RTX" in error.value.why
    assert "parse" in error.value.why


def test_sizes_that_do_not_fit_the_graph_are_explained(flavor, tiny_bundle):
    path = open_bundle(tiny_bundle).graph_path("encoder")
    wrong = {"frames": ((1, 224, 224, 4),) * 3}
    with pytest.raises(ExportError, match="was not built") as error:
        build_engine(path, flavor, [wrong], BuildSettings())
    assert error.value.why != "TensorRT-RTX 1.7.1 says: nothing"


def test_memory_that_runs_out_while_building_is_told_apart(flavor, tmp_path):
    # What TensorRT 10 says when the GPU is full; no GPU, no such failure here.
    words = "[E] Error Code 2: OutOfMemory (Requested size was 536870912 bytes.)"
    error = build_error(tmp_path / "encoder.onnx", "built", flavor, words)
    assert "had not enough memory" in error.why
    assert "--workspace" in error.fix


def test_an_accelerator_that_is_not_there_is_refused(flavor, tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    with pytest.raises(ExportError, match="no deep learning accelerator 0") as error:
        build_engine(bundle.graph_path("encoder"), flavor, [], BuildSettings(dla=0))
    assert "without --dla" in error.value.fix


def test_the_timing_cache_is_kept_and_taken_up_again(flavor, tiny_bundle, tmp_path):
    bundle = open_bundle(tiny_bundle)
    profiles = profiles_of("temporal", bundle.manifest, 1, 7)
    settings = BuildSettings(workspace=256, timing_cache=tmp_path / "best.timing")
    first = build_engine(bundle.graph_path("temporal"), flavor, profiles, settings)
    assert is_timing_cache(tmp_path / "best.timing")
    second = build_engine(bundle.graph_path("temporal"), flavor, profiles, settings)
    assert first.layers == second.layers


def test_a_timing_cache_that_is_damaged_starts_anew(flavor, tiny_bundle, tmp_path):
    bundle = open_bundle(tiny_bundle)
    (tmp_path / "best.timing").write_bytes(b"damaged")
    settings = BuildSettings(timing_cache=tmp_path / "best.timing")
    build_engine(bundle.graph_path("temporal"), flavor, profiles_of("temporal", bundle.manifest, 1, 7), settings)
    assert (tmp_path / "best.timing").read_bytes() != b"damaged"


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
