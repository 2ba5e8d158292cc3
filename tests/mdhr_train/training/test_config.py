from pathlib import Path

import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D
from mdhr_train.datasets.base import RENDERED
from mdhr_train.training.config import RunConfig, build_config, differences, read_config, write_config


def test_the_defaults_are_the_papers():
    config = build_config({}, BP4D)
    assert (config.schedule.epochs, config.schedule.batch, config.schedule.validate_every) == (200, 8, 25)
    assert (config.optimiser.lr, config.optimiser.betas, config.optimiser.weight_decay) == (1e-4, (0.9, 0.999), 5e-4)
    assert (config.model["backbone"], config.model["node_features"], config.model["clip_frames"]) == (
        "resnet50",
        512,
        16,
    )
    assert config.data.validate == "test"


@pytest.mark.parametrize(
    ("settings", "rendered", "expected"),
    [
        ({}, False, True),
        ({"model.backbone": "swin_base_patch4_window7_224"}, False, True),
        ({"model.backbone": "resnet50.a1_in1k"}, False, True),
        ({"model.backbone": "resnet18"}, False, False),  # not of the paper
        ({}, True, False),
        ({"data.root": None}, False, False),  # the demo
        ({"pretrained": False}, False, False),
        ({"pretrained": True, "model.backbone": "resnet18"}, True, True),
        ({"pretrained_file": "weights.pth", "model.backbone": "resnet18"}, True, True),
    ],
)
def test_the_papers_backbones_start_from_imagenet_on_recorded_faces(settings, rendered, expected, tmp_path):
    if rendered:
        (tmp_path / RENDERED).write_text("{}")
    config = build_config({"data.root": str(tmp_path)} | settings, BP4D)
    assert config.pretrained is expected
    write_config(tmp_path / "config.yaml", config)
    assert read_config(tmp_path / "config.yaml")["pretrained"] is expected


@pytest.mark.parametrize(
    ("settings", "rendered", "expected"),
    [
        ({}, False, "resize"),
        ({"data.test_view": "centre"}, False, "centre"),
        ({}, True, "centre"),
        ({"data.root": None}, False, "centre"),  # the demo
        ({"data.test_view": "resize"}, True, "resize"),
    ],
)
def test_recorded_faces_are_seen_as_their_layout_says_and_drawn_ones_in_the_middle(
    settings, rendered, expected, tmp_path
):
    if rendered:
        (tmp_path / RENDERED).write_text("{}")
    config = build_config({"data.root": str(tmp_path)} | settings, BP4D)
    assert config.data.test_view == config.model_config(BP4D).layout.crop.view == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"model.backbone": "swin_base_patch4_window7_224"}, 0.5),
        ({"model.backbone": "swin_base_patch4_window7_224.ms_in22k_ft_in1k"}, 0.5),
        ({"model.backbone": "swin_base_patch4_window7_224", "drop_path": 0}, 0.0),
        ({"model.backbone": "swin_tiny_patch4_window7_224"}, None),
    ],
)
def test_swin_b_has_the_published_stochastic_depth(settings, expected):
    assert build_config(settings, BP4D).drop_path == expected


def test_weights_for_a_backbone_that_starts_without_any_are_refused():
    with pytest.raises(ConfigError, match="pretrained_file"):
        build_config({"pretrained": False, "pretrained_file": "weights.pth"}, BP4D)


@pytest.mark.parametrize("other", [{"pretrained": True}, {"pretrained_file": "weights.pth"}])
def test_a_backbone_starts_from_one_file(other, tmp_path):
    with pytest.raises(ConfigError, match=r"from best\.pt and from ImageNet weights") as error:
        build_config({"init": "best.pt", **other}, BP4D)
    assert "--no-pretrained" in error.value.fix
    config = build_config({"init": "bp4d/fold{fold}/best.pt", "data.fold": 3, "data.root": str(tmp_path)}, BP4D)
    assert config.pretrained is False
    assert config.init_file == Path("bp4d/fold3/best.pt")


def test_a_configuration_survives_its_file(tmp_path):
    config = build_config({"model.radius": 3, "optimiser.betas": [0.8, 0.9], "data.root": "/data", "seed": 4}, BP4D)
    write_config(tmp_path / "config.yaml", config)
    assert build_config(read_config(tmp_path / "config.yaml"), BP4D) == config


def test_yaml_sections_and_numbers_without_a_point(tmp_path):
    (tmp_path / "run.yaml").write_text("optimiser: {lr: 1e-3, clip_norm: 1}\nschedule:\n  epochs: 5\n")
    config = build_config(read_config(tmp_path / "run.yaml"), BP4D)
    assert (config.optimiser.lr, config.optimiser.clip_norm, config.schedule.epochs) == (1e-3, 1.0, 5)


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "run.yaml").write_text("# nothing\n")
    assert build_config(read_config(tmp_path / "run.yaml"), BP4D) == build_config({}, BP4D)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("schedule.epoch", "schedule.epochs"),
        ("epochs", "schedule.epochs"),
        ("model.backbon", "model.backbone"),
        ("optimizer.lr", "optimiser.lr"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest(key, nearest):
    with pytest.raises(ConfigError) as error:
        build_config({key: 1}, BP4D)
    assert key in error.value.what
    assert repr(nearest) in error.value.why


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("schedule.epochs", 0, "`schedule.epochs`: Expected `int` >= 1"),
        ("schedule.epochs", 2.5, "`schedule.epochs`: Expected `int`, got `float`"),
        ("schedule.batch", True, "`schedule.batch`: Expected `int`, got `bool`"),
        ("schedule.batch", "many", "`schedule.batch`: Expected `int`, got `str`"),
        ("schedule.batch", 10**400, "64 bits"),
        ("optimiser.lr", "fast", "`optimiser.lr`: Expected `float`, got `str`"),
        ("optimiser.lr", 0, "`optimiser.lr`: Expected `float` > 0"),
        ("optimiser.lr", float("nan"), "no finite number"),
        ("optimiser.ema", 1.0, "`optimiser.ema`: Expected `float` < 1"),
        ("optimiser.betas", 0.9, "`optimiser.betas`: Expected `array`, got `float`"),
        ("optimiser.betas", [0.9], "`optimiser.betas`: Expected `array` of length 2"),
        ("optimiser.clip_norm", -1, "`optimiser.clip_norm`: Expected `float` >= 0"),
        ("compute.workers", -1, "`compute.workers`: Expected `int` >= 0"),
        ("compute.precision", "int8", "one of: float32"),
        ("data.validate", "train", "one of: test"),
        ("drop_path", 1, "`drop_path`: Expected `float` < 1"),
        ("data.test_view", "corner", "It must be one of: centre, resize"),
        ("initialisation", "zero", "It must be one of: published, library"),
        ("data.fold", 0, "`data.fold`: Expected `int` >= 1"),
        ("model.radius", 0, "`radius`: Expected `int` >= 1"),
        ("model.dynamics_channels", "wide", "`dynamics_channels`: Expected `int | null`"),
        ("model.temporal", "no", "`temporal`: Expected `bool`"),
        ("seed", -1, "`seed`: Expected `int` >= 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(key, value, why):
    with pytest.raises(ConfigError) as error:
        build_config({key: value}, BP4D)
    assert why in error.value.why


@pytest.mark.parametrize(
    "content",
    [
        "a: [",
        "- 1\n- 2\n",
        "just words",
        "\xff",
        "\0",
        "a: 2020-13-45",
        "a: !!python/object/apply:os.system [ls]",
        "{[1]: 2}",
        "1: 2",
        "seed: .nan",
        "seed: " + "9" * 5000,
        "a: &a [*a]",
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
        "a: " + "[" * 10_000,
        "a: " + "[" * 50 + "]" * 50,
        "a" * (1 << 25),
    ],
    ids=lambda content: content[:30],
)
def test_a_file_that_is_no_configuration_is_refused(content, tmp_path):
    (tmp_path / "run.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read as a run configuration"):
        read_config(tmp_path / "run.yaml")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")


def test_differences_name_the_keys():
    old, new = RunConfig().to_dict(), build_config({"seed": 1, "model.radius": 3}, BP4D).to_dict()
    lines = differences(old, new)
    assert "seed: 0, now 1" in lines
    assert "model.radius: not set, now 3" in lines
    assert differences(old, old) == []
