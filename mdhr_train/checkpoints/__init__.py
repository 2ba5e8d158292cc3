"""Checkpoints: our own format, and that of the published implementation."""

from .files import Checkpoint, load_checkpoint, save_checkpoint

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]
