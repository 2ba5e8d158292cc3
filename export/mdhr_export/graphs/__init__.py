"""The inference graphs as PyTorch modules, made from a trained network and ready to trace."""

from .clip import ClipGraph
from .embedder import EmbedderGraph
from .encoder import EncoderGraph
from .temporal import TemporalGraph

__all__ = ["ClipGraph", "EmbedderGraph", "EncoderGraph", "TemporalGraph"]
