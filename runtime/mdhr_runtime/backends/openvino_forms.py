"""The form in which OpenVINO computes a part of a model's graphs fastest on a CPU, put in before they are compiled."""

from __future__ import annotations

from typing import Any

import numpy as np


def patches_as_rows(model: Any) -> Any:
    """Make products of the 1×1 convolutions of `SpaceToDepth`'s patches, in place; returns the model.

    These are the same sums with the same weights. A convolution goes through its weights once a frame, and those of the
    facial dynamics are most of the model; a product, with a row for each patch of all frames, goes through them once.
    Convolutions of more patches than weights for each are left as they are: of those the pixels are the most to read.

    Args:
        model: An `openvino.Model`, of which only numbers of frames need be unknown.
    """
    from openvino import opset13 as ops
    from openvino.utils import replace_node

    first, last = np.array([0, 3, 1, 2]), np.array([0, 2, 3, 1])  # the channels
    for patches in model.get_ordered_ops():
        if patches.get_type_name() != "SpaceToDepth":
            continue
        channels, height, width = (size.get_length() for size in list(patches.output(0).partial_shape)[1:])
        for user in patches.output(0).get_target_inputs():
            conv = user.get_node()
            if conv.get_type_name() != "Convolution" or height * width >= channels:
                continue
            weight = ops.squeeze(conv.input_value(1), np.array([2, 3]))  # folded when it is compiled: no second copy
            rows = ops.matmul(ops.transpose(patches, last), weight, transpose_a=False, transpose_b=True)
            replace_node(conv, ops.transpose(rows, first))
    return model
