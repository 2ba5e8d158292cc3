"""Run configurations from YAML files and from the command line, and back into YAML.

A configuration is nested sections; a key of it is written with dots, such as `schedule.epochs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from mdhr_runtime.errors import ConfigError, OutputError
from mdhr_runtime.files import staged
from mdhr_runtime.layout import Layout

from .config import RunConfig


def read_config(path: Path) -> dict[str, Any]:
    """Read a YAML file as values by dotted key.

    Raises:
        ConfigError: There is no such file, it is no YAML, or not a mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read.", str(error), "Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML.", str(error).replace("\n", " "), "Correct the file.") from error
    if not isinstance(content or {}, dict):
        raise ConfigError(
            f"{path} is no run configuration.",
            "It is not a mapping of keys to values.",
            "Write `section: {key: value}`.",
        )
    return dict(_flat(content or {}))


def build_config(values: Mapping[str, Any], layout: Layout) -> RunConfig:
    """Build a complete configuration.

    Args:
        values: Values by dotted key; what is missing has its default.
        layout: The dataset's, for the network's configuration.

    Raises:
        ConfigError: A key does not exist (the nearest is named), or a value has a wrong type or makes no sense.
    """
    from ..model import ModelConfig

    model = ModelConfig(layout).to_dict()
    del model["layout"]
    types = {f"model.{name}": hint for name, hint in get_type_hints(ModelConfig).items() if name in model}
    types |= dict(_types(RunConfig))
    unknown = [key for key in values if key not in types]
    if unknown:
        raise _unknown(unknown[0], list(types))
    nested: dict[str, Any] = {"model": model}
    for key, value in values.items():
        *section, name = key.split(".")
        target = nested.setdefault(section[0], {}) if section else nested
        target[name] = _checked(key, value, types[key])
    sections = get_type_hints(RunConfig)
    parts = {name: sections[name](**part) if is_dataclass(sections[name]) else part for name, part in nested.items()}
    config = RunConfig(**parts)
    config.model_config(layout)  # refuse now what the network will refuse
    return config


def write_config(path: Path, config: RunConfig) -> None:
    """Write a configuration in full, as YAML.

    Raises:
        OutputError: The file cannot be written.
    """
    import yaml

    try:
        with staged(path) as stage:
            stage.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} could not be written.", str(error), "Choose a folder that can be written and has room."
        ) from error


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say which keys of two configurations (`RunConfig.to_dict`) differ: "model.backbone: resnet18, now resnet50"."""
    before, after = dict(_flat(old)), dict(_flat(new))
    return [
        f"{key}: {before.get(key, 'not set')}, now {after.get(key, 'not set')}"
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _types(config: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(config)
    for field in fields(config):
        if is_dataclass(hints[field.name]):
            yield from _types(hints[field.name], f"{prefix}{field.name}.")
        elif field.name != "model":
            yield f"{prefix}{field.name}", hints[field.name]


def _checked(key: str, value: Any, hint: Any) -> Any:
    """The value in the type that the key has."""
    choices = get_args(hint) if get_origin(hint) is not tuple else ()
    kinds = tuple(get_origin(kind) or kind for kind in (choices or (hint,)))
    kinds = tuple(kind if isinstance(kind, type) else type(kind) for kind in kinds)  # Literal["a"] holds "a"
    if float in kinds and not isinstance(value, bool) and isinstance(value, int | str):
        try:
            return float(value)  # YAML reads 1e-4, without a point, as text
        except ValueError:
            pass
    if tuple in kinds and isinstance(value, list | tuple):
        return tuple(value)
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        names = " or ".join("a list" if kind is tuple else kind.__name__.replace("NoneType", "null") for kind in kinds)
        raise ConfigError(f"The training has {key} = {value!r}.", f"It must be {names}.", f"Correct {key}.")
    return value


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
