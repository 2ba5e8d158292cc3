"""Model repositories for NVIDIA Triton Inference Server."""

from .repository import Executable, servable_engines, write_repository
from .serving import Limits

__all__ = ["Executable", "Limits", "servable_engines", "write_repository"]
