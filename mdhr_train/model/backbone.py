"""The image backbone: one frame becomes four feature maps and one final map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import timm
import torch
from torch import Tensor, nn

from mdhr_runtime.errors import ConfigError

from .facial_dynamics import SCALES, scale_size
from .frames import INPUT_SIZE
from .pretrained import load_features

SIDES = tuple(scale_size(number) for number in SCALES)
"""Sides of the four feature maps."""

REDUCTIONS = tuple(INPUT_SIZE // side for side in SIDES)
"""How much smaller than the frame the four feature maps are: 4, 8, 16, 32."""


class BackboneOutput(NamedTuple):
    """Feature maps of F frames.

    Attributes:
        scales: Four maps (F, C_l, H_l, W_l), 56², 28², 14² and 7² positions for a 224² frame.
        final: (F, C, 7, 7), the map that the static feature is made of.
    """

    scales: tuple[Tensor, ...]
    final: Tensor


class Backbone(Protocol):
    """What MDHR asks of a backbone module.

    Attributes:
        channels: Channels of the four scales; the final map has those of the last.
    """

    channels: tuple[int, ...]

    def __call__(self, frames: Tensor) -> BackboneOutput:
        """Map normalised frames (F, 3, 224, 224) to their feature maps."""
        ...


class StageOutputs(nn.Module):
    """A backbone whose scales are the outputs of its stages, as for ResNet-50; the final map is the last scale."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.channels = tuple(features.feature_info.channels())

    def forward(self, frames: Tensor) -> BackboneOutput:
        """See `Backbone`."""
        scales = tuple(self.features(frames))
        return BackboneOutput(scales, scales[-1])


class ChannelsLastStageOutputs(StageOutputs):
    """The same for models of timm that keep their channels last, such as MambaOut."""

    def forward(self, frames: Tensor) -> BackboneOutput:
        """See `Backbone`."""
        scales = tuple(scale.movedim(-1, 1) for scale in self.features(frames))
        return BackboneOutput(scales, scales[-1])


class StageInputs(nn.Module):
    """A Swin transformer whose scales are the tensors that ENTER the blocks of its stages.

    That is after patch embedding, then after each patch merging; the final map is the output after the last LayerNorm.
    """

    def __init__(self, swin: nn.Module) -> None:
        super().__init__()
        self.features = swin
        self.channels = tuple(info["num_chs"] for info in swin.feature_info)

    def forward(self, frames: Tensor) -> BackboneOutput:
        """See `Backbone`."""
        x = self.features.patch_embed(frames)
        scales = []
        for stage in self.features.layers:
            x = stage.downsample(x)
            scales.append(x)
            x = stage.blocks(x)
        x = self.features.norm(x)
        # timm's Swin keeps its channels last.
        return BackboneOutput(tuple(scale.movedim(-1, 1) for scale in scales), x.movedim(-1, 1))


def build_backbone(
    name: str, pretrained: bool = False, pretrained_file: Path | None = None
) -> StageOutputs | StageInputs:
    """Build a timm model as an MDHR backbone.

    Args:
        name: Name of a timm model, for example "resnet50" or "swin_base_patch4_window7_224".
        pretrained: Whether to load ImageNet weights, which timm downloads.
        pretrained_file: A file to take such weights from instead, as timm or the model's authors publish them
            (safetensors, or a state dict of PyTorch, of which only tensors are read).

    Raises:
        ConfigError: timm has no such model, it has not the four scales, or its weights cannot be had.
    """
    if not timm.is_model(name):
        similar = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5])
        raise ConfigError(
            f"There is no backbone {name!r}.",
            "timm has no model of this name" + (f"; similar ones are {similar}." if similar else "."),
            "Name a timm model with feature maps at 1/4, 1/8, 1/16 and 1/32, for example resnet50.",
        )
    if name.startswith("swin_"):
        options: dict[str, object] = {"num_classes": 0}
        kind = StageInputs
    else:
        options = {"features_only": True, "out_indices": _four_scales(name)}
        kind = _kind_of_maps(name, options)
    return kind(load_features(name, options, pretrained, pretrained_file))


def _four_scales(name: str) -> tuple[int, ...]:
    """Indices of the feature maps at the four reductions."""
    with torch.device("meta"):
        try:
            reductions = timm.create_model(name, features_only=True).feature_info.reduction()
        except (RuntimeError, AttributeError, AssertionError) as error:
            raise _not_four_scales(name, str(error)) from error
    if any(reduction not in reductions for reduction in REDUCTIONS):
        raise _not_four_scales(name, f"its feature maps are reduced by {', '.join(map(str, reductions))}")
    return tuple(reductions.index(reduction) for reduction in REDUCTIONS)


def _kind_of_maps(name: str, options: Mapping[str, object]) -> type[StageOutputs]:
    """See which axis of the four maps has the channels, and that their sides are those that the dynamics meet on."""
    # A model that pads otherwise, or divides its maps into windows of another size, tells only when it runs.
    with torch.device("meta"), torch.inference_mode():
        features = timm.create_model(name, **options).eval()
        try:
            shapes = [tuple(scale.shape[1:]) for scale in features(torch.empty(1, 3, INPUT_SIZE, INPUT_SIZE))]
        except (RuntimeError, AssertionError) as error:
            raise _not_four_scales(name, str(error)) from error
    sizes = list(zip(SIDES, features.feature_info.channels(), strict=True))
    if shapes == [(channels, side, side) for side, channels in sizes]:
        return StageOutputs
    if shapes == [(side, side, channels) for side, channels in sizes]:
        return ChannelsLastStageOutputs
    raise _not_four_scales(name, f"its maps are {', '.join('×'.join(map(str, shape)) for shape in shapes)}")


def _not_four_scales(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"{name!r} cannot be an MDHR backbone.",
        f"MDHR needs feature maps of {', '.join(map(str, SIDES))} pixels, 1/4, 1/8, 1/16 and 1/32 of a "
        f"{INPUT_SIZE}×{INPUT_SIZE} frame: {why.rstrip('.')}.",
        "Choose a model with four such stages, for example resnet50, resnet18 or mobilenetv4_conv_small.",
    )
