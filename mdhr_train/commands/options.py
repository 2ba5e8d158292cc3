"""Options that several commands share, and checks before any work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from mdhr_runtime.cli import console
from mdhr_runtime.errors import ConfigError, OutputError, not_imported
from mdhr_runtime.targets import Claim
from mdhr_runtime.threads import VARIABLE

from ..datasets import LAYOUTS
from ..threads import share_cores

Decorated = TypeVar("Decorated", bound=Callable[..., object])

layout_option = click.option(
    "--layout",
    type=click.Choice([name.lower() for name in LAYOUTS]),
    default="bp4d",
    show_default=True,
    callback=lambda _context, _option, name: LAYOUTS[name.upper()],
    help="Action units, their regions and the crop.",
)
PER_CORE = f"{VARIABLE}, or one per core that may be used"
"""The default of processes that are all that computes: what `thread_count` says."""

seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all that is random."
)


def count_option(
    name: str, default: int | None, text: str, least: int = 1, show_default: str | bool = True, **settings: Any
) -> Callable[[Decorated], Decorated]:
    """An option that takes a whole number; `settings` are further ones of `click.option`."""
    number = click.IntRange(min=least)
    return click.option(name, type=number, default=default, show_default=show_default, help=text, **settings)


overwrite_option = console.overwrite_option()


def claim_file(
    path: Path, is_ours: Callable[[Path], bool], inputs: Iterable[Path] = (), overwrite: bool = False
) -> None:
    """Claim an output file until the command ends, before any work is done. Arguments are those of `Claim`.

    Raises:
        OutputError: The path is a folder, or its folder does not exist; or it may not be written, see `Claim`.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise OutputError(
            f"{path} cannot be written.",
            "It is a folder." if path.is_dir() else f"There is no folder {path.parent}.",
            "Name a file in a folder that exists.",
        )
    click.get_current_context().with_resource(Claim(path, is_ours, inputs=inputs, overwrite=overwrite))


def require_libraries() -> None:
    """Import the libraries for training, or name the extra that brings them. PyTorch gets threads that sleep.

    Raises:
        ConfigError: One of them is not installed.
    """
    share_cores()
    try:
        for library in ("torch", "torchvision", "timm", "safetensors", "tensorboard", "yaml"):
            import_module(library)
    except ImportError as error:
        raise ConfigError(
            *not_imported("A library for training", error, "Run `pip install 'mdhr-edge[train]'`.")
        ) from error
