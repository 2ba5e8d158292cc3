"""Checkpoints of the smallest network, and archives with their contents exchanged."""

import io
import zipfile

import tiny_backbone

SIZES = {"backbone": tiny_backbone.NAME, "node_features": 4, "dynamics_channels": 2, "radius": 1, "extractors": False}


def network():
    import torch

    from mdhr_train.datasets import BP4D
    from mdhr_train.model import MDHR, ModelConfig

    torch.manual_seed(0)
    return MDHR(ModelConfig(BP4D, **SIZES)).eval()


def content(model):
    """What save_checkpoint writes, but for what is measured."""
    return {"format": "mdhr", "schema": 1, "config": model.config.to_dict(), "state_dict": model.state_dict()}


def saved(content, legacy=False):
    """The bytes that torch.save writes."""
    import torch

    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def members(archive):
    """Names and contents of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(members, method=zipfile.ZIP_STORED):
    """A zip archive with these contents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()
