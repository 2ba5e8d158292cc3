"""The choices that make one MDHR network different from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout

from .temporal import CONTEXT


@dataclass(frozen=True)
class ModelConfig:
    """Configuration of an MDHR network.

    Attributes:
        layout: Action units and facial regions.
        backbone: Name of a timm model with feature maps at 1/4, 1/8, 1/16 and 1/32.
        node_features: Size b of a node's feature vector; 512 in the paper.
        radius: Radius k of the facial dynamics in frames; 5 in the paper.
        dynamics_channels: Channels of the facial dynamics, or None for the published width, 8·C₁.
        clip_frames: Length of a training clip in frames; 16 in the paper. Says how the weights came about; the
            network itself takes clips of any length.
    """

    layout: Layout
    backbone: str = "resnet50"
    node_features: int = 512
    radius: int = 5
    dynamics_channels: int | None = None
    clip_frames: int = 16

    def __post_init__(self) -> None:
        for name in ("node_features", "radius", "dynamics_channels", "clip_frames"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ConfigError(
                    f"The model configuration has {name} = {value!r}.",
                    "It must be a whole number of at least 1.",
                    f"Set {name} to 1 or more.",
                )

    @property
    def lookahead(self) -> int:
        """Frames after a frame that its scores depend on."""
        return self.radius + CONTEXT

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelConfig:
        """Inverse of `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: The data does not describe a configuration.
        """
        known = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**known, "layout": Layout.from_dict(known["layout"])})
