"""What commands check before any work is done."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from mdhr_runtime.errors import ConfigError, OutputError


def require_folder(path: Path) -> None:
    """Refuse an output file that cannot be written.

    Raises:
        OutputError: The path is a folder, or its folder does not exist.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise OutputError(
            f"{path} cannot be written.",
            "It is a folder." if path.is_dir() else f"There is no folder {path.parent}.",
            "Name a file in a folder that exists.",
        )


def require_libraries() -> None:
    """Import the libraries for training, or name the extra that brings them.

    Raises:
        ConfigError: One of them is not installed.
    """
    try:
        for library in ("torch", "torchvision", "timm", "tensorboard", "yaml"):
            import_module(library)
    except ImportError as error:
        raise ConfigError(
            "The libraries for training are not installed.", str(error), "Run `pip install 'mdhr-edge[train]'`."
        ) from error
