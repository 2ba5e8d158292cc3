"""What a training run is configured by. The defaults are the paper's (section 4.1, and the published code)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout

VALIDATIONS = ("test", "subjects")
PRECISIONS = ("float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class DataConfig:
    """What a run learns from.

    Attributes:
        root: Folder of a prepared dataset; None for the synthetic clips of the demo.
        dataset: Name of the dataset.
        fold: Which of the three folds; its test part is left out of the training.
        validate: What the best epoch is chosen on. "test" is the fold's test part, as the published code does, so
            the figures favour the run a little; "subjects" is a fifth of the training subjects, which are then not
            trained on, and the test part is seen once, at the end.
    """

    root: str | None = None
    dataset: str = "bp4d"
    fold: int = 1
    validate: str = "test"

    def __post_init__(self) -> None:
        _among("data.validate", self.validate, VALIDATIONS)


@dataclass(frozen=True)
class OptimiserConfig:
    """How the weights are changed: AdamW.

    Attributes:
        lr: Highest learning rate.
        betas: Decay of the two moments.
        weight_decay: Decoupled weight decay, of all parameters as in the published code.
        accumulate: Batches whose gradients are summed before a step.
        clip_norm: Largest norm of the gradient; 0 leaves it alone.
        ema: Decay of the moving average of the weights that is validated and saved; 0 takes the weights themselves.
    """

    lr: float = 1e-4
    betas: tuple[float, ...] = (0.9, 0.999)
    weight_decay: float = 5e-4
    accumulate: int = 1
    clip_norm: float = 0.0
    ema: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.lr < float("inf"):
            raise ConfigError(
                f"The training has lr = {self.lr}.", "A learning rate is a positive number.", "Try 1e-4 or 1e-3."
            )
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise _wrong("optimiser.betas", self.betas, "AdamW takes two numbers from 0 to below 1.")
        if not 0 <= self.ema < 1:
            raise _wrong("optimiser.ema", self.ema, "It must be at least 0 and less than 1.")
        _at_least("optimiser", self, accumulate=1, clip_norm=0, weight_decay=0)


@dataclass(frozen=True)
class ScheduleConfig:
    """How long and in what portions.

    Attributes:
        epochs: Passes over the recordings, one random clip of each; the learning rate falls to 0 over them.
        batch: Clips per iteration, over all processes together.
        warmup: Steps over which the learning rate rises at the start.
        validate_every: Epochs between two validations; the last epoch is always validated.
    """

    epochs: int = 200
    batch: int = 8
    warmup: int = 0
    validate_every: int = 1

    def __post_init__(self) -> None:
        _at_least("schedule", self, epochs=1, batch=1, warmup=0, validate_every=1)


@dataclass(frozen=True)
class ComputeConfig:
    """How it is computed.

    Attributes:
        device: "cpu", "cuda", or "auto" for a GPU where there is one.
        precision: Of the products in the network; weights, losses and scores stay in float32. float16 scales the loss.
        channels_last: Whether images lie in memory with their colours side by side, which tensor cores prefer.
        compile: Whether torch.compile makes the network faster, after minutes at the start.
        workers: Processes that prepare clips beside each training process; 0 prepares them in the training process.
    """

    device: str = "auto"
    precision: str = "float32"
    channels_last: bool = False
    compile: bool = False
    workers: int = 4

    def __post_init__(self) -> None:
        _among("compute.device", self.device, DEVICES)
        _among("compute.precision", self.precision, PRECISIONS)
        _at_least("compute", self, workers=0)


@dataclass(frozen=True)
class RunConfig:
    """Everything that a run is configured by.

    Attributes:
        data: What is learnt.
        model: Keyword arguments of `ModelConfig`, all but the layout, which the dataset has.
        pretrained: Whether the backbone starts from ImageNet weights.
        optimiser: How the weights are changed.
        schedule: How long.
        compute: How it is computed; the only section that may change when a run is resumed.
        seed: Seed of all that is random.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    pretrained: bool = False
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("", self, seed=0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and checkpoints: lists in place of tuples."""
        return _plain(asdict(self))

    def model_config(self, layout: Layout) -> Any:
        """The network's configuration, a `ModelConfig`.

        Raises:
            ConfigError: A value makes no sense for the network.
        """
        from ..model import ModelConfig

        tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in self.model.items()}
        return ModelConfig(layout, **tuples)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _at_least(section: str, config: object, **lowest: float) -> None:
    for name, least in lowest.items():
        value = getattr(config, name)
        if not value >= least:
            raise _wrong(f"{section}.{name}".lstrip("."), value, f"It must be at least {least}.")


def _among(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _wrong(key, value, f"It must be one of: {', '.join(choices)}.")


def _wrong(key: str, value: object, why: str) -> ConfigError:
    return ConfigError(f"The training has {key} = {value!r}.", why, f"Correct {key}.")
