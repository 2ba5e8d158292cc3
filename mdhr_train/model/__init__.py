"""The network of MDHR (CVPR 2024), one module of it per file."""

from typing import TYPE_CHECKING, Any

from .config import ModelConfig

if TYPE_CHECKING:
    from .backbone import INPUT_SIZE, normalise
    from .mdhr import MDHR, MDHROutput

__all__ = ["INPUT_SIZE", "MDHR", "MDHROutput", "ModelConfig", "normalise"]


def __getattr__(name: str) -> Any:
    # PyTorch is only loaded for those who have a network to compute: command lines show configurations.
    if name in __all__:
        from . import backbone, mdhr

        return getattr(mdhr if name.startswith("MDHR") else backbone, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
