"""Configuration of a training run: its settings, from YAML and the command line, and back into YAML.

The defaults are the paper's (section 4.1, and the published code). A configuration is nested sections; a setting's key
is written with dots, such as `schedule.epochs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.files import write_text
from mdhr_runtime.layout import CENTRE, VIEWS, Layout
from mdhr_runtime.records import Count, Positive, RecordError, from_plain, from_yaml, read_bytes, to_plain

from ..datasets.base import RENDERED
from ..model.config import DROP_PATHS, IMAGENET_TAGS, ModelConfig, architecture

VALIDATIONS = ("test", "subjects")
PRECISIONS = ("float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")
PUBLISHED, LIBRARY = INITIALISATIONS = ("published", "library")

Amount = Annotated[float, Meta(ge=0)]
Decay = Annotated[float, Meta(ge=0, lt=1)]


@dataclass(frozen=True)
class DataConfig:
    """Data of a run.

    Attributes:
        root: Folder of a prepared dataset; None for the synthetic clips of the demo.
        dataset: Name of the dataset.
        fold: Which of the folds; its test part is left out of the training.
        validate: Data on which the best epoch is chosen. "test" is the fold's test part, as the published code does, so
            the figures favour the run a little; "subjects" is a fifth of the training subjects, which are then not
            trained on, and the test part is seen once, at the end.
        test_view: What the network sees of a crop once it is trained: its middle ("centre"), as large as in training,
            or all of it, made smaller ("resize"), as the published implementation tests. None, which `build_config`
            replaces, stands for what the layout says; for drawn faces it is the middle.
        context: Whether clips in training show as many frames more on either side as a score depends on, with the loss
            on the others, so that the network is trained as it runs in a stream. The published one is not.
    """

    root: str | None = None
    dataset: str = "bp4d"
    fold: Positive = 1
    validate: str = "test"
    test_view: str | None = None
    context: bool = False

    def __post_init__(self) -> None:
        _among("data.validate", self.validate, VALIDATIONS)
        if self.test_view is not None:
            _among("data.test_view", self.test_view, VIEWS)


@dataclass(frozen=True)
class OptimiserConfig:
    """Updates of the weights, by AdamW.

    Attributes:
        lr: Highest learning rate.
        betas: Decay of the two moments.
        weight_decay: Decoupled weight decay, of all parameters as in the published code.
        accumulate: Batches whose gradients are summed before a step.
        clip_norm: Largest norm of the gradient; 0 leaves it alone.
        ema: Decay of the moving average of the weights that is validated and saved; 0 takes the weights themselves.
    """

    lr: Annotated[float, Meta(gt=0)] = 1e-4
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    weight_decay: Amount = 5e-4
    accumulate: Positive = 1
    clip_norm: Amount = 0.0
    ema: Decay = 0.0


@dataclass(frozen=True)
class ScheduleConfig:
    """Length of the training, and its portions.

    Attributes:
        epochs: Passes over the recordings, one random clip of each; the learning rate falls to 0 over them.
        batch: Clips per iteration, over all processes together.
        warmup: Steps over which the learning rate rises at the start.
        validate_every: Epochs between two validations; the last epoch is always validated. The best epoch is one of
            these: of many that are validated on the test part, the best has more luck.
    """

    epochs: Positive = 200
    batch: Positive = 8
    warmup: Count = 0
    validate_every: Positive = 25


@dataclass(frozen=True)
class ComputeConfig:
    """Computation.

    Attributes:
        device: "cpu", "cuda", or "auto" for a GPU where there is one.
        precision: Of the products in the network; weights, losses and scores stay in float32. float16 scales the loss.
        channels_last: Whether the colours of a pixel are side by side in memory, as tensor cores prefer.
        compile: Whether torch.compile makes the network faster, after minutes at the start.
        workers: Processes that prepare clips beside each training process; 0 prepares them in the training process.
    """

    device: str = "auto"
    precision: str = "float32"
    channels_last: bool = False
    compile: bool = False
    workers: Count = 4

    def __post_init__(self) -> None:
        _among("compute.device", self.device, DEVICES)
        _among("compute.precision", self.precision, PRECISIONS)


@dataclass(frozen=True)
class RunConfig:
    """All settings of a run.

    Attributes:
        data: Data to learn from.
        model: Keyword arguments of `ModelConfig`, all but the layout, which the dataset has.
        pretrained: Whether the backbone starts from ImageNet weights. None, which `build_config` replaces, stands for
            what the paper does: its two backbones do on recorded faces, and so does any whose file is given.
        pretrained_file: File with these weights; None lets timm download them.
        init: Checkpoint of another network, whose weights are taken where they fit, the backbone's among them; see
            `mdhr_train.checkpoints.transfer`. {fold} in its path stands for the run's fold.
        initialisation: Of all weights but the backbone's: as the published implementation draws them, see
            `mdhr_train.model.initialisation`, or as PyTorch does ("library").
        drop_path: Stochastic depth of the backbone in training, see `build_backbone`. None stands for timm's default;
            for the paper's Swin-B `build_config` replaces it by the published one.
        optimiser: Updates of the weights.
        schedule: Length of the training.
        compute: Computation; the only section that may change when a run is resumed.
        seed: Seed of all that is random.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    pretrained: bool | None = None
    pretrained_file: str | None = None
    init: str | None = None
    initialisation: str = PUBLISHED
    drop_path: Decay | None = None
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    seed: Count = 0

    def __post_init__(self) -> None:
        _among("initialisation", self.initialisation, INITIALISATIONS)
        if self.pretrained is False and self.pretrained_file:
            raise _wrong("pretrained_file", self.pretrained_file, "Weights are given, and pretrained is off.")
        if self.init and (self.pretrained or self.pretrained_file):
            raise ConfigError(
                f"The training cannot start from {self.init} and from ImageNet weights.",
                "Both hold the backbone's.",
                "Leave out --init, or --pretrained and --pretrained-file; against a configuration's: --no-pretrained.",
            )

    @property
    def init_file(self) -> Path | None:
        """The checkpoint that the run starts from, if it starts from one."""
        return Path(self.init.replace("{fold}", str(self.data.fold))) if self.init else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and checkpoints: lists in place of tuples."""
        return to_plain(asdict(self))

    def model_config(self, layout: Layout) -> ModelConfig:
        """The network's configuration.

        Args:
            layout: The dataset's. What the network sees of its crops is this configuration's.

        Raises:
            ConfigError: A value makes no sense for the network.
        """
        crop = replace(layout.crop, view=self.data.test_view or layout.crop.view)
        return ModelConfig(replace(layout, crop=crop), **self.model)


def default_values() -> dict[str, Any]:
    """The default of every setting, by dotted key."""
    model = {each.name: each.default for each in fields(ModelConfig) if each.name != "layout"}
    return flat(RunConfig(model=model).to_dict())


def build_config(values: Mapping[str, Any], layout: Layout) -> RunConfig:
    """Build a complete configuration.

    Args:
        values: Values by dotted key; what is missing has its default. Whether the backbone starts from ImageNet weights
            then follows from backbone and data, its stochastic depth from the backbone, and the view from the data.
        layout: The dataset's.

    Raises:
        ConfigError: A key does not exist (the nearest is named), or a value has a wrong type or makes no sense.
    """
    known = default_values()
    nested: dict[str, Any] = {}
    for key, value in (known | dict(values)).items():
        if key not in known:
            raise _unknown(key, list(known))
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value
    try:
        # Lax, as YAML reads 1e-4, without a point, as text.
        model: ModelConfig = from_plain(ModelConfig, nested["model"] | {"layout": asdict(layout)}, "model", lax=True)
        nested["model"] = {name: value for name, value in model.to_dict().items() if name != "layout"}
        config: RunConfig = from_plain(RunConfig, nested, "The configuration", lax=True)
    except RecordError as error:
        raise ConfigError("The training's settings cannot be used.", str(error), "Correct the setting.") from error
    if config.data.test_view is None:
        view = layout.crop.view if _recorded(config) else CENTRE
        config = replace(config, data=replace(config.data, test_view=view))
    if config.pretrained is None:
        config = replace(config, pretrained=_starts_pretrained(config))
    if config.drop_path is None:
        config = replace(config, drop_path=DROP_PATHS.get(architecture(config.model["backbone"])))
    return config


def _starts_pretrained(config: RunConfig) -> bool:
    """Whether a backbone starts from ImageNet weights where nobody says."""
    if config.init is not None:
        return False
    known = architecture(config.model["backbone"]) in IMAGENET_TAGS
    return bool(config.pretrained_file) or (known and _recorded(config))


def _recorded(config: RunConfig) -> bool:
    """Whether the faces of a run were recorded, and not drawn."""
    return config.data.root is not None and not (Path(config.data.root) / RENDERED).exists()


def read_config(path: Path) -> dict[str, Any]:
    """Read a YAML file as values by dotted key.

    Raises:
        ConfigError: There is no such file, it is no YAML, or not a mapping of keys to plain values.
    """
    try:
        return flat(from_yaml(dict[str, Any] | None, read_bytes(path)) or {})
    except RecordError as error:
        fix = "Check the path, and write `section: {key: value}`."
        raise ConfigError(f"{path} cannot be read as a run configuration.", str(error), fix) from error


def write_config(path: Path, config: RunConfig) -> None:
    """Write a configuration in full, as YAML.

    Raises:
        OutputError: The file cannot be written.
    """
    import yaml

    write_text(path, yaml.safe_dump(config.to_dict(), sort_keys=False))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say which keys of two configurations (`RunConfig.to_dict`) differ: "model.backbone: resnet18, now resnet50"."""
    before, after = flat(old), flat(new)
    return [
        f"{key}: {before.get(key, 'not set')}, now {after.get(key, 'not set')}"
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of nested sections by dotted key."""
    values: dict[str, Any] = {}
    for name, value in data.items():
        values |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return values


def _unknown(key: str, known: list[str]) -> ConfigError:
    # A right name in the wrong section is a near miss too.
    name = key.rpartition(".")[2]
    same = [other for other in known if other.rpartition(".")[2] == name]
    near = same or get_close_matches(key, known, n=1, cutoff=0.4)
    return ConfigError(
        f"There is no setting {key!r}.",
        f"The nearest is {near[0]!r}." if near else f"The settings are: {', '.join(known)}.",
        "Correct the name; the config.yaml of any run lists all settings.",
    )


def _among(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _wrong(key, value, f"It must be one of: {', '.join(choices)}.")


def _wrong(key: str, value: object, why: str) -> ConfigError:
    return ConfigError(f"The training has {key} = {value!r}.", why, f"Correct {key}.")
