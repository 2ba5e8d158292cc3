"""From pixels to what the network is fed."""

import torch
from torch import Tensor

from mdhr_runtime.layout import CropGeometry

INPUT_SIZE = CropGeometry.input_size
"""Side of the network's input in pixels."""

# ImageNet statistics, RGB, as fractions of full scale.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


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
