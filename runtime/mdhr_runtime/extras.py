"""Libraries that not every installation has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import OutputError, not_imported


def extra(name: str, module: str) -> Any:
    """Import what an extra installs.

    Args:
        name: Name of the extra.
        module: What to import.

    Raises:
        OutputError: A module is not installed, or cannot be loaded.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise OutputError(
            *not_imported(f"The extra {name!r}", error, f"Install it: pip install 'mdhr-edge[{name}]'")
        ) from error
