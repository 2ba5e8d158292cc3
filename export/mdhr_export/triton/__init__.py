"""Model repositories for NVIDIA Triton Inference Server."""

from .engines import servable_engines
from .repository import Executable, write_repository
from .serving import Limits

__all__ = ["Executable", "Limits", "servable_engines", "write_repository"]
