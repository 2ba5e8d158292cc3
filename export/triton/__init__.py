"""Model repositories for NVIDIA Triton Inference Server."""

from .repository import Executable, write_repository
from .serving import Limits

__all__ = ["Executable", "Limits", "write_repository"]
