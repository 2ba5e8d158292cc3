"""The options of `fit` and `crossval`, and the run's configuration that they make.

A value comes from the command line, else from the file of --config, else from the defaults, which are the paper's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from mdhr_runtime.cli.console import Option
from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import VIEWS, Layout
from mdhr_runtime.records import RecordError, from_yaml

from ..datasets import DATASETS, dataset_in
from ..training.config import (
    DEVICES,
    INITIALISATIONS,
    PRECISIONS,
    VALIDATIONS,
    RunConfig,
    build_config,
    default_values,
    read_config,
)

Decorated = TypeVar("Decorated", bound=Callable[..., object])

COUNT = click.IntRange(min=1)
SECTIONS: dict[str, dict[str, tuple[str, Any, str]]] = {  # section → setting → option, type, help
    "Data": {
        "data.root": ("--data", click.Path(path_type=str), "Folder of a prepared dataset."),
        "data.dataset": (
            "--dataset",
            str,
            f"Which one it is: {', '.join(DATASETS)}. Folders of your own videos say it.",
        ),
        "data.fold": ("--fold", COUNT, "Which fold is trained; its test part is left out."),
        "data.validate": (
            "--validate",
            click.Choice(VALIDATIONS),
            "On what the best epoch is chosen. test: on the fold's test part, as in the published code, which favours "
            "the figures a little. subjects: on a fifth of the training subjects, who are then not trained on.",
        ),
        "data.context": (
            "--context",
            bool,
            "Train as the runtime runs: a clip shows the frames before and after, too, that its scores depend on. "
            "Better on whole recordings, and slower; the paper's way is without.",
        ),
        "data.test_view": (
            "--test-view",
            click.Choice(VIEWS),
            "What the trained network sees of a face's crop: its middle, as large as in training, or all of it, made "
            "smaller, as the published code tests.  [default: resize for BP4D and DISFA, centre for others]",
        ),
    },
    "Network": {
        "model.backbone": ("--backbone", str, "A timm model with four scales, for example resnet50."),
        "pretrained": (
            "--pretrained",
            bool,
            "Start the backbone from ImageNet weights, which timm downloads once. The default on recorded faces for "
            "the paper's backbones, resnet50 and swin_base_patch4_window7_224, with the weights that it takes.",
        ),
        "pretrained_file": (
            "--pretrained-file",
            click.Path(path_type=str),
            "File with these weights, from timm or the backbone's authors, to do without a download.",
        ),
        "init": (
            "--init",
            click.Path(path_type=str),
            "Checkpoint to start from, also of another dataset: what fits is taken, by action unit, and told. In the "
            "path {fold} stands for the fold.",
        ),
        "initialisation": (
            "--initialisation",
            click.Choice(INITIALISATIONS),
            "Of all weights but the backbone's: as the published code draws them, or as PyTorch does.",
        ),
        "drop_path": (
            "--drop-path",
            float,
            "Stochastic depth of the backbone.  [default: 0.5 for swin_base_patch4_window7_224, for others timm's]",
        ),
        "model.node_features": ("--node-features", COUNT, "Size of an action unit's feature vector."),
        "model.dynamics_channels": ("--dynamics-channels", COUNT, "Channels of the facial dynamics."),
        "model.radius": ("--radius", COUNT, "Radius of the facial dynamics in frames."),
        "model.clip_frames": ("--frames", click.IntRange(min=2), "Frames per clip."),
    },
    "Training": {
        "schedule.epochs": ("--epochs", COUNT, "Passes over the recordings, one random clip of each."),
        "schedule.batch": ("--batch", COUNT, "Clips per iteration, over all processes together."),
        "schedule.validate_every": (
            "--validate-every",
            COUNT,
            "Epochs between two validations; the last is always validated.",
        ),
        "optimiser.lr": ("--lr", float, "Learning rate at the start; it falls to 0 along a cosine."),
        "optimiser.accumulate": ("--accumulate", COUNT, "Batches whose gradients are summed before a step."),
        "optimiser.clip_norm": ("--clip-norm", float, "Largest norm of the gradient; 0 leaves it alone."),
        "optimiser.ema": ("--ema", float, "Decay of the moving average of the weights; 0 does without."),
        "seed": ("--seed", click.IntRange(min=0), "Seed of all that is random."),
    },
    "Computation": {
        "compute.device": ("--device", click.Choice(DEVICES), "Where to compute."),
        "compute.precision": (
            "--precision",
            click.Choice(PRECISIONS),
            "Of the products in the network. float16 scales the loss.",
        ),
        "compute.channels_last": ("--channels-last", bool, "Keep colours side by side in memory, for tensor cores."),
        "compute.compile": ("--compile", bool, "Let torch.compile make the network faster; it takes minutes at first."),
        "compute.workers": ("--workers", click.IntRange(min=0), "Processes that prepare clips, per training process."),
    },
}


FILES: dict[str, dict[str, Any]] = {  # option → settings of `click.option`
    "--config": {
        "type": click.Path(path_type=Path, dir_okay=False),
        "metavar": "FILE",
        "help": "YAML with settings, such as the config.yaml of an earlier run. Other options go before it.",
    },
    "--set": {
        "multiple": True,
        "metavar": "KEY=VALUE",
        "help": "Any other setting, such as optimiser.weight_decay=0; may be given several times.",
    },
}

DEFAULTS = default_values()


def run_options(*omitted: str) -> Callable[[Decorated], Decorated]:
    """All options of a run, for a command that takes what is left as keyword arguments; see `configure`.

    Args:
        omitted: Settings that the command has no option for.
    """
    options = [
        _option(section, key, *declared)
        for section, settings in SECTIONS.items()
        for key, declared in settings.items()
        if key not in omitted
    ]
    options += [
        click.option(name, f"{name[2:]}_", cls=Option, section="Configuration", **settings)
        for name, settings in FILES.items()
    ]

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def given(context: click.Context) -> dict[str, Any]:
    """The settings that the command line gives, by dotted key."""
    values = {key: context.params.get(_parameter(key)) for section in SECTIONS.values() for key in section}
    return {key: value for key, value in values.items() if value is not None} | dict(
        map(_assignment, context.params["set_"])
    )


def configure(
    context: click.Context, layout: Layout | None = None, first: Mapping[str, Any] = MappingProxyType({})
) -> RunConfig:
    """Put a run's configuration together.

    Args:
        context: The command's.
        layout: Action units and regions; None for the dataset's.
        first: Settings that replace the defaults, by dotted key.

    Raises:
        ConfigError: A setting does not exist or makes no sense.
    """
    path = context.params["config_"]
    values = dict(first) | (read_config(path) if path else {}) | given(context)
    if layout is None:
        root = values.get("data.root")
        dataset = dataset_in(Path(root) if isinstance(root, str) else None, values.get("data.dataset"))
        layout, values["data.dataset"] = dataset.layout, dataset.name
    return build_config(values, layout)


def _option(section: str, key: str, name: str, kind: Any, text: str) -> Callable[[Decorated], Decorated]:
    default = DEFAULTS.get(key)
    shown = "" if default is None or kind is bool else f"  [default: {default}]"
    # A switch can also be switched off: a file may have switched it on.
    declared = f"{name}/--no-{name[2:]}" if kind is bool else name
    return click.option(
        declared, _parameter(key), type=kind, default=None, cls=Option, section=section, help=text + shown
    )


def _parameter(key: str) -> str:
    return key.replace(".", "__")


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    try:
        parsed = from_yaml(Any, value)
    except RecordError:
        equals = ""
    if not equals:
        raise ConfigError(
            f"--set {text} cannot be read.",
            "It is not KEY=VALUE.",
            "Write, for example, --set optimiser.weight_decay=0.",
        )
    return key.strip(), parsed
