"""MDHR Edge trainer: the network, its checkpoints and its training."""

import os

# Where a training starts from ImageNet weights, timm downloads them from Hugging Face. Its client would report there
# which software asks; it reads this when timm is imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
