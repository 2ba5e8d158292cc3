"""The network of MDHR (CVPR 2024), one module of it per file."""

from .config import ModelConfig
from .frames import INPUT_SIZE, normalise
from .mdhr import MDHR, MDHROutput

__all__ = ["INPUT_SIZE", "MDHR", "MDHROutput", "ModelConfig", "normalise"]
