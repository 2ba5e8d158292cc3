"""The image backbone: one frame becomes four feature maps and one final map. Also what it is fed, and its weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from timm.layers.drop import DropPath
from torch import Tensor, nn

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.layout import CropGeometry

from .config import SCALES, imagenet_weights
from .facial_dynamics import scale_size
from .patches import by_patches

INPUT_SIZE = CropGeometry.input_size
"""Side of the network's input in pixels."""

# ImageNet statistics, RGB, as fractions of full scale.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


SIDES = tuple(scale_size(number) for number in SCALES)
"""Sides of the four feature maps."""

REDUCTIONS = tuple(INPUT_SIZE // side for side in SIDES)
"""Reductions of the four feature maps against the frame: 4, 8, 16, 32."""


def normalise(frames: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Scale and shift pixels to the statistics that the backbones were trained with, and move colour first.

    Args:
        frames: (..., H, W, 3) uint8, RGB.
        dtype: Type of the result.

    Returns:
        (..., 3, H, W) of `dtype`: (x / 255 − mean) / std per colour.
    """
    scale = torch.tensor([1 / (255 * std) for std in STD], dtype=dtype, device=frames.device)
    shift = torch.tensor([-mean / std for mean, std in zip(MEAN, STD, strict=True)], dtype=dtype, device=frames.device)
    # Cast first: TensorRT lets an 8-bit input feed nothing but a cast. Then move colour: ONNX Runtime scales whole
    # planes seven times as fast as rows of three numbers.
    return frames.to(dtype).movedim(-1, -3) * scale[:, None, None] + shift[:, None, None]


class BackboneOutput(NamedTuple):
    """Feature maps of F frames.

    Attributes:
        scales: Four maps (F, C_l, H_l, W_l), 56², 28², 14² and 7² positions for a 224² frame.
        final: (F, C, 7, 7), the map that the static feature is made of.
    """

    scales: tuple[Tensor, ...]
    final: Tensor


class StageOutputs(nn.Module):
    """A backbone whose scales are the outputs of its stages, as for ResNet-50; the final map is the last scale.

    Args:
        features: timm's model, which tells about its feature maps in an attribute `feature_info`.

    Attributes:
        channels: Channels of the four scales; the final map has those of the last.
    """

    features: Any

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.channels: tuple[int, ...] = tuple(self.features.feature_info.channels())

    def forward(self, frames: Tensor) -> BackboneOutput:
        """Map normalised frames (F, 3, 224, 224) to their feature maps."""
        scales = tuple(self.features(frames))
        return BackboneOutput(scales, scales[-1])


class ChannelsLastStageOutputs(StageOutputs):
    """The same for models of timm that keep their channels last, such as MambaOut."""

    def forward(self, frames: Tensor) -> BackboneOutput:
        """See `StageOutputs`."""
        scales = tuple(scale.movedim(-1, 1) for scale in self.features(frames))
        return BackboneOutput(scales, scales[-1])


class StageInputs(nn.Module):
    """A Swin transformer whose scales are the tensors that ENTER the blocks of its stages.

    That is after patch embedding, then after each patch merging; the final map is the output after the last LayerNorm.
    Arguments and attributes are those of `StageOutputs`.
    """

    features: Any

    def __init__(self, swin: nn.Module) -> None:
        super().__init__()
        self.features = swin
        self.channels: tuple[int, ...] = tuple(info["num_chs"] for info in self.features.feature_info)

    def forward(self, frames: Tensor) -> BackboneOutput:
        """See `StageOutputs`."""
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
    name: str, pretrained: bool = False, pretrained_file: Path | None = None, drop_path: float | None = None
) -> StageOutputs | StageInputs:
    """Build a timm model as an MDHR backbone.

    Args:
        name: Name of a timm model, for example "resnet50" or "swin_base_patch4_window7_224".
        pretrained: Whether to load ImageNet weights, which timm downloads; see `imagenet_weights` for which.
        pretrained_file: A file to take such weights from instead, as timm or the model's authors publish them
            (safetensors, or a state dict of PyTorch, of which only tensors are read).
        drop_path: Stochastic depth: for how many of the frames a block is skipped in training, as a fraction that grows
            from 0 for the first block to this for the last. None takes timm's default for the model.

    Raises:
        ConfigError: timm has no such model, it has not the four scales or no stochastic depth, or its weights cannot be
            had.
    """
    if not timm.is_model(name):
        similar = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5])
        raise ConfigError(
            f"There is no backbone {name!r}.",
            "timm has no model of this name" + (f"; similar ones are {similar}." if similar else "."),
            "Name a timm model with feature maps at 1/4, 1/8, 1/16 and 1/32, for example resnet50.",
        )
    depth: dict[str, Any] = {}
    if drop_path is not None:
        _require_drop_path(name, drop_path)
        depth["drop_path_rate"] = drop_path
    if name.startswith("swin_"):
        return StageInputs(by_patches(_load(name, {"num_classes": 0} | depth, pretrained, pretrained_file)))
    indices, kind = _four_scales(name)
    options = {"features_only": True, "out_indices": indices} | depth
    return kind(by_patches(_load(name, options, pretrained, pretrained_file)))


def _require_drop_path(name: str, rate: float) -> None:
    """Refuse a stochastic depth that would do nothing.

    Raises:
        ConfigError: The model has no blocks that can be skipped.
    """
    with torch.device("meta"):
        try:
            model = timm.create_model(name, drop_path_rate=rate)
        except TypeError:  # it does not know the option
            model = None
    if model is None or (rate > 0 and not any(isinstance(module, DropPath) for module in model.modules())):
        raise ConfigError(
            f"The backbone {name!r} cannot be trained with stochastic depth.",
            "It has no blocks that timm can skip.",
            "Leave out --drop-path, or choose a backbone with residual blocks, for example resnet50.",
        )


def _four_scales(name: str) -> tuple[tuple[int, ...], type[StageOutputs]]:
    """Find the maps at the four reductions, and which axis of them has the channels.

    Returns:
        Their indices among the model's feature maps, and the class that takes them.

    Raises:
        ConfigError: There are no such maps, or their sides are not those that the facial dynamics meet on.
    """
    # A model that pads otherwise, or divides its maps into windows of another size, tells only when it runs.
    with torch.device("meta"), torch.inference_mode():
        try:
            features: Any = timm.create_model(name, features_only=True).eval()
            reductions = features.feature_info.reduction()
            if any(reduction not in reductions for reduction in REDUCTIONS):
                raise _not_four_scales(name, f"its feature maps are reduced by {', '.join(map(str, reductions))}")
            maps = features(torch.empty(1, 3, INPUT_SIZE, INPUT_SIZE))
        except (RuntimeError, AttributeError, AssertionError) as error:
            raise _not_four_scales(name, str(error)) from error
    indices = tuple(reductions.index(reduction) for reduction in REDUCTIONS)
    shapes = [tuple(maps[index].shape[1:]) for index in indices]
    channels = [features.feature_info.channels()[index] for index in indices]
    if shapes == [(count, side, side) for side, count in zip(SIDES, channels, strict=True)]:
        return indices, StageOutputs
    if shapes == [(side, side, count) for side, count in zip(SIDES, channels, strict=True)]:
        return indices, ChannelsLastStageOutputs
    raise _not_four_scales(name, f"its maps are {', '.join('×'.join(map(str, shape)) for shape in shapes)}")


def _not_four_scales(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"{name!r} cannot be an MDHR backbone.",
        f"MDHR needs feature maps of {', '.join(map(str, SIDES))} pixels, 1/4, 1/8, 1/16 and 1/32 of a "
        f"{INPUT_SIZE}×{INPUT_SIZE} frame: {why.rstrip('.')}.",
        "Choose a model with four such stages, for example resnet50, resnet18 or mobilenetv4_conv_small.",
    )


def _load(name: str, options: dict[str, Any], pretrained: bool, pretrained_file: Path | None) -> nn.Module:
    """Create a timm model with `options`, and with random or ImageNet weights.

    Raises:
        ConfigError: The weights cannot be had, or the file's are those of another model.
    """
    if pretrained_file is not None:
        return _from_file(name, options, pretrained_file)
    if not pretrained:
        return timm.create_model(name, **options)
    weights = imagenet_weights(name)
    try:
        return timm.create_model(weights, pretrained=True, **options)
    except Exception as error:
        # The exception of a failed download depends on the hub client and its version.
        raise ConfigError(
            f"The ImageNet weights {weights!r} could not be loaded.",
            f"timm downloads them on first use: {type(error).__name__}: {error}".splitlines()[0],
            f"Connect to the network once; or get {_address(weights)} elsewhere and name it with --pretrained-file; or "
            "start from random weights with --no-pretrained; the paper's figures are of networks that do not.",
        ) from error


def _address(weights: str) -> str:
    """Where weights are published, by the authors of the model if timm knows."""
    config: Any = timm.get_pretrained_cfg(weights)
    if config is None or not (config.url or config.hf_hub_id):
        return "their file"
    return config.url or f"https://huggingface.co/{config.hf_hub_id}"


def _from_file(name: str, options: dict[str, Any], file: Path) -> nn.Module:
    if not file.is_file():
        raise ConfigError(
            f"There is no file {file} with weights for {name!r}.",
            "It is a folder." if file.is_dir() else "No file has this name.",
            "Check the path.",
        )
    overlay = {"file": str(file), "url": "", "hf_hub_id": None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown pickle protocol becomes an error below
            first, second = (
                timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **options) for _ in range(2)
            )
    except Exception as error:
        # Unpickling raises many kinds, and each model of timm has its own way to convert the names of weights.
        raise _refused(name, file, f"{type(error).__name__}: {error}".splitlines()[0]) from error
    # timm takes the weights that fit and is silent about the others; how a model renames them, only timm knows. Weights
    # that the file does not give stay random, and so differ between two models.
    missing = [key for key, tensor in first.state_dict().items() if not torch.equal(tensor, second.state_dict()[key])]
    if missing:
        raise _refused(name, file, f"It has no weights for {', '.join(missing[:5])}{' …' if missing[5:] else ''}.")
    return first


def _refused(name: str, file: Path, why: str) -> ConfigError:
    return ConfigError(
        f"The weights in {file} are not those of {name!r}.",
        why,
        f"Give the file that timm publishes for {name!r} (model.safetensors on its Hugging Face page), or the state "
        "dict of a timm model of this name.",
    )
