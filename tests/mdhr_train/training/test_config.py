import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_train.datasets import BP4D
from mdhr_train.training.config import RunConfig, build_config, differences, read_config, write_config


def test_the_defaults_are_the_papers():
    config = build_config({}, BP4D)
    assert (config.schedule.epochs, config.schedule.batch) == (200, 8)
    assert (config.optimiser.lr, config.optimiser.betas, config.optimiser.weight_decay) == (1e-4, (0.9, 0.999), 5e-4)
    assert (config.model["backbone"], config.model["node_features"], config.model["clip_frames"]) == (
        "resnet50",
        512,
        16,
    )
    assert config.data.validate == "test"


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
        ("schedule.epochs", 0, "at least 1"),
        ("schedule.epochs", 2.5, "must be int"),
        ("schedule.batch", True, "must be int"),
        ("schedule.batch", "many", "must be int"),
        ("optimiser.lr", "fast", "must be float"),
        ("optimiser.lr", 0, "positive"),
        ("optimiser.lr", float("nan"), "positive"),
        ("optimiser.ema", 1.0, "less than 1"),
        ("optimiser.betas", 0.9, "must be a list"),
        ("optimiser.betas", [0.9], "two numbers"),
        ("optimiser.clip_norm", -1, "at least 0"),
        ("compute.workers", -1, "at least 0"),
        ("compute.precision", "int8", "one of: float32"),
        ("data.validate", "train", "one of: test"),
        ("model.radius", 0, "at least 1"),
        ("model.dynamics_channels", "wide", "int or null"),
        ("seed", -1, "at least 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(key, value, why):
    with pytest.raises(ConfigError) as error:
        build_config({key: value}, BP4D)
    assert why in error.value.why


@pytest.mark.parametrize("content", ["a: [", "- 1\n- 2\n", "just words"])
def test_a_file_that_is_no_configuration_is_refused(content, tmp_path):
    (tmp_path / "run.yaml").write_text(content)
    with pytest.raises(ConfigError):
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
