"""The products whose engines can be built and run: TensorRT and TensorRT-RTX, which share one Python API."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from ...errors import ProviderError

TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}
"""Title of each flavour by its name, which is its Python module's too."""

OLDEST = {"tensorrt": (10, 0), "tensorrt_rtx": (1, 0)}
"""Oldest version of each flavour with strongly typed networks and tensors by name."""


@dataclass(frozen=True)
class Flavor:
    """A product that is installed.

    Attributes:
        name: Key of `TITLES`.
        version: Its version.
        module: Its Python API.
    """

    name: str
    version: str
    module: ModuleType

    def __str__(self) -> str:
        return f"{TITLES[self.name]} {self.version}"


def load_flavor(name: str) -> Flavor:
    """Import a product.

    Args:
        name: Key of `TITLES`.

    Raises:
        ProviderError: It is not installed, its libraries are missing, or it is too old.
    """
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:
        raise ProviderError(
            f"{TITLES[name]} is not installed.",
            f"Python cannot import {name}: {error}",
            "On a server: `pip install 'mdhr-edge[tensorrt]'`. On a Jetson the system's package is used; "
            "see docs/jetson.md.",
        ) from error
    flavor = Flavor(name, module.__version__, module)
    if tuple(map(int, flavor.version.split(".")[:2])) < OLDEST[name]:
        raise ProviderError(
            f"{flavor} is too old.",
            "Its networks are not strongly typed, so the types of the bundle's graphs would not be kept.",
            f"Install {TITLES[name]} {'.'.join(map(str, OLDEST[name]))} or later. On a Jetson that is JetPack 6.1 or "
            "later: JetPack 6.0 has TensorRT 8.6.",
        )
    return flavor


def installed_flavors() -> list[Flavor]:
    """All products that can be used."""
    found = []
    for name in TITLES:
        try:
            found.append(load_flavor(name))
        except ProviderError:
            continue
    return found
