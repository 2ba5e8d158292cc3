"""Checkpoints of the authors' implementation: which network they hold, and its weights under our names.

Such a file says neither dataset nor backbone; both follow from its keys and shapes. The radius of the facial dynamics
has no weights, so it cannot be inferred and is taken as the published 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from timm.models.swin_transformer import checkpoint_filter_fn
from torch import Tensor

from mdhr_runtime.layout import Layout

from ..datasets import BP4D, DISFA
from ..model import MDHR, ModelConfig
from .weights import build, mismatch, skeleton

PARALLEL_PREFIX = "module."  # from torch.nn.DataParallel, which the authors train with

BACKBONES = {  # a key that only this backbone has → its name in timm
    "Backbone.layer1.0.conv1.weight": "resnet50",
    "Backbone.patch_embed.proj.weight": "swin_base_patch4_window7_224",
}
SWIN = "swin_base_patch4_window7_224"

REGIONS = ((BP4D, ("up", "mid", "down1", "down2")), (DISFA, ("up", "mid", "down")))
"""Names of each layout's regions in the published code, in the layout's order."""

PREFIXES = (  # published prefix, ours; longer published prefixes come first where one starts with another
    ("Backbone.", "backbone.features."),
    ("global_linear.", "static."),
    *((f"MFD.conv{n}.", f"dynamics.scales.{n - 1}.conv.") for n in range(1, 5)),
    *((f"MFD.bn{n}.", f"dynamics.scales.{n - 1}.bn.") for n in range(1, 5)),
    *((f"MFD.weight_{n}.", f"dynamics.scales.{n - 1}.weight_conv.") for n in range(1, 5)),
    *((f"MFD.wbn{n}.", f"dynamics.scales.{n - 1}.weight_bn.") for n in range(1, 5)),
    ("MFD.weight.", "dynamics.weight."),
    ("MFD.convcat.", "dynamics.project."),
    ("MFD.bn.", "dynamics.bn."),
    ("LRM.class_linears.", "local.extractors."),
    ("CRM.gat.linear.", "cross.linear."),
    ("CRM.gat.scoring_fn_source", "cross.source"),
    ("CRM.gat.scoring_fn_target", "cross.target"),
    ("CRM.gat.bias", "cross.bias"),
    ("TCN.temporal_cnn.", "temporal.convs."),
    ("TCN.bn.", "temporal.bn."),
    ("node_classifier.sc", "temporal.classes"),
)


def load(path: Path, weights: Mapping[str, Tensor]) -> MDHR:
    """Build the network that a published state dict belongs to.

    Args:
        path: The file, for error messages.
        weights: Its state dict, with or without the prefix `module.`.

    Returns:
        The network with its weights, in evaluation mode.

    Raises:
        CheckpointError: The weights are not those of a published MDHR network.
    """
    weights = {key.removeprefix(PARALLEL_PREFIX): tensor for key, tensor in weights.items()}
    layout, region_names = _layout(weights)
    marks = [mark for mark in BACKBONES if mark in weights]
    if layout is None or len(marks) != 1:
        raise mismatch(path, _marks_missing(weights), [key for key in weights if not _is_published(key)])
    prefixes = (*PREFIXES, *_region_prefixes(region_names))
    config = _config(layout, BACKBONES[marks[0]], weights)
    ours = _ours(path, config, weights, prefixes)
    return build(path, config, ours, lambda key: _swap(key, prefixes, ours=True))


def _layout(weights: Mapping[str, Tensor]) -> tuple[Layout, tuple[str, ...]] | tuple[None, tuple[str, ...]]:
    """The layout whose regions have classifiers of the right size, with the published names of its regions."""
    for layout, names in REGIONS:
        classifiers = [weights.get(f"LRM.{name}_fc.weight") for name in names]
        sizes = [None if tensor is None or not tensor.ndim else len(tensor) for tensor in classifiers]
        if sizes == [region.combinations for region in layout.regions]:
            return layout, names
    return None, ()


def _region_prefixes(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    kinds = (("linear", "projections"), ("fc", "classifiers"))
    return tuple(
        (f"LRM.{name}_{theirs}.", f"local.{ours}.{index}.")
        for index, name in enumerate(names)
        for theirs, ours in kinds
    )


def _config(layout: Layout, backbone: str, weights: Mapping[str, Tensor]) -> ModelConfig:
    classes, first = weights.get("node_classifier.sc"), weights.get("MFD.conv1.weight")
    config = ModelConfig(layout=layout, backbone=backbone)
    if classes is not None and classes.ndim:
        config = replace(config, node_features=classes.shape[-1])
    if first is not None and first.ndim:
        config = replace(config, dynamics_channels=len(first))
    return config


def _ours(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], prefixes: tuple[tuple[str, str], ...]
) -> dict[str, Tensor]:
    """The weights under our names and in our shapes."""
    renamed = {_swap(key, prefixes): tensor for key, tensor in weights.items()}
    if config.backbone == SWIN:
        renamed = _with_timm_swin(renamed, skeleton(path, config))
    for vector in ("cross.source", "cross.target"):  # published as (1, 1, b)
        if vector in renamed:
            renamed[vector] = renamed[vector].flatten()
    return renamed


def _with_timm_swin(weights: Mapping[str, Tensor], model: MDHR) -> dict[str, Tensor]:
    """Convert the Swin authors' keys to timm's, which moves each patch merging to the stage that it leads into."""
    prefix = "backbone.features."
    backbone = {key.removeprefix(prefix): tensor for key, tensor in weights.items() if key.startswith(prefix)}
    rest = {key: tensor for key, tensor in weights.items() if not key.startswith(prefix)}
    converted = checkpoint_filter_fn(backbone, model.backbone.features)
    return rest | {prefix + key: tensor for key, tensor in converted.items()}


def _swap(key: str, prefixes: tuple[tuple[str, str], ...], ours: bool = False) -> str:
    """Exchange a published prefix for ours or, if the key is ours, the other way round."""
    for published, own in prefixes:
        old, new = (own, published) if ours else (published, own)
        if key.startswith(old):
            return new + key.removeprefix(old)
    return key


def _is_published(key: str) -> bool:
    return key.startswith((*(theirs for theirs, _ in PREFIXES), "LRM."))


def _marks_missing(weights: Mapping[str, Tensor]) -> list[str]:
    """Keys by which a published file is recognised and that this one lacks."""
    classifiers = [f"LRM.{name}_fc.weight" for _, names in REGIONS for name in names]
    marks = dict.fromkeys((*classifiers, *BACKBONES))
    return [mark for mark in marks if mark not in weights]
