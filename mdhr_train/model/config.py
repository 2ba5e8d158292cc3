"""The choices that make one MDHR network different from another; without PyTorch, as command lines show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from msgspec import Meta

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import Layout
from mdhr_runtime.records import Text

SCALES = (1, 2, 3, 4)
"""Numbers of the backbone's scales, largest map first, as the paper counts its layers."""

WEIGHTED, SUM, CONCAT = FUSIONS = ("weighted", "sum", "concat")
"""Fusions of the facial dynamics of several scales (table 4); the first is the published one."""

ACTIVATED, CROSS, FULL, LOCAL, NO_EDGES = RELATIONS = ("activated", "cross", "full", "local", "none")
"""Edges of the graph (table 5), see `cross_regional.CONNECTED`; the first are the published ones."""

IMAGENET_TAGS = {"resnet50": "tv_in1k", "swin_base_patch4_window7_224": "ms_in1k"}
"""The paper's backbones, and timm's tag of the weights that they start from: torchvision's first of ResNet-50, and
those of Swin-B that were trained on ImageNet-1k alone. Without a tag timm takes others."""

DROP_PATHS = {"swin_base_patch4_window7_224": 0.5}
"""Stochastic depth that a backbone was published with here, where that is not timm's default (0.1 for Swin)."""

TEMPORAL_RADIUS = 2
"""Frames on either side that the temporal convolution sees."""

Size = Annotated[int, Meta(ge=1, le=1 << 14)]
SIZES = ("node_features", "radius", "dynamics_channels", "clip_frames")
SWITCHES = ("dynamics", "extractors", "auxiliary", "temporal")
CHOICES = {"relations": RELATIONS, "fusion": FUSIONS}


@dataclass(frozen=True)
class ModelConfig:
    """Configuration of an MDHR network. The defaults of the fields from `dynamics` on are the paper's full model.

    Attributes:
        layout: Action units and facial regions.
        backbone: Name of a timm model with feature maps at 1/4, 1/8, 1/16 and 1/32.
        node_features: Size b of a node's feature vector; 512 in the paper.
        radius: Radius k of the facial dynamics in frames; 5 in the paper.
        dynamics_channels: Channels of the facial dynamics, or None for the published width, 8·C₁.
        clip_frames: Length of a training clip in frames; 16 in the paper. A record of the training; the
            network itself takes clips of any length.
        dynamics: Whether the facial dynamics are added to the static features (MFD).
        extractors: Whether every AU's node is extracted from its region (AFE), or all AUs share the mean of the map.
        auxiliary: Whether the regions' combinations are predicted (Aux). Without them there is no auxiliary loss, and
            no AU is known to be active: `activated` relations then are those of `cross`.
        relations: Which AUs the graph connects (CRM), one of `RELATIONS`; "none" leaves the graph out.
        temporal: Whether nodes pass a temporal convolution before they are scored (TCN).
        scales: Numbers of the backbone's scales that the facial dynamics look at, 1 being the largest map.
        fusion: Fusion of the dynamics of several scales, one of `FUSIONS`; a single scale needs none.
    """

    layout: Layout
    backbone: Text = "resnet50"
    node_features: Size = 512
    radius: Size = 5
    dynamics_channels: Size | None = None
    clip_frames: Size = 16
    dynamics: bool = True
    extractors: bool = True
    auxiliary: bool = True
    relations: str = ACTIVATED
    temporal: bool = True
    scales: tuple[int, ...] = SCALES
    fusion: str = WEIGHTED

    def __post_init__(self) -> None:
        for name in SIZES:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise _refused(name, value, "It must be a whole number of at least 1.", f"Set {name} to 1 or more.")
        for name in SWITCHES:
            if not isinstance(value := getattr(self, name), bool):
                raise _refused(name, value, "It is a switch.", f"Set {name} to true or false.")
        for name, known in CHOICES.items():
            if (value := getattr(self, name)) not in known:
                raise _refused(name, value, "There is no such choice.", f"Choose one of {', '.join(known)}.")
        if not _are_scales(self.scales):
            raise _refused(
                "scales",
                self.scales,
                "It must be a list of different scales in ascending order, 1 for 1/4 to 4 for 1/32.",
                "Set scales to [1, 2, 3, 4] or to a part of it.",
            )
        object.__setattr__(self, "scales", tuple(self.scales))  # a configuration file has a list

    @property
    def activated(self) -> bool:
        """Whether the graph's edges depend on which AUs are active."""
        return self.auxiliary and self.relations == ACTIVATED

    @property
    def node_lookahead(self) -> int:
        """Frames after a frame that its nodes depend on: the radius of the facial dynamics."""
        return self.radius if self.dynamics else 0

    @property
    def lookahead(self) -> int:
        """Frames after a frame that its scores depend on. The receptive field is as long in front of the frame."""
        return self.node_lookahead + (TEMPORAL_RADIUS if self.temporal else 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return asdict(self)


def architecture(backbone: str) -> str:
    """A backbone's name without the tag of its weights."""
    return backbone.partition(".")[0]


def imagenet_weights(backbone: str) -> str:
    """Name in timm of the weights that a backbone starts from: the paper's, unless it has a tag of its own."""
    tag = IMAGENET_TAGS.get(backbone)
    return f"{backbone}.{tag}" if tag else backbone


def _are_scales(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return len(value) > 0 and list(value) == [number for number in SCALES if number in value]


def _refused(name: str, value: object, why: str, fix: str) -> ConfigError:
    return ConfigError(f"The model configuration has {name} = {value!r}.", why, fix)
