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

    swapped = np.array([0, 2, 1])
    for patches in model.get_ordered_ops():
        if patches.get_type_name() != "SpaceToDepth":
            continue
        channels, height, width = (size.get_length() for size in list(patches.output(0).partial_shape)[1:])
        for user in patches.output(0).get_target_inputs():
            conv = user.get_node()
            if conv.get_type_name() != "Convolution" or height * width >= channels:
                continue
            weight = ops.squeeze(conv.input_value(1), np.array([2, 3]))  # folded when it is compiled: no second copy
            # A frame alone takes longer than as a convolution; with its rows in a dimension of their own, the least so.
            columns = ops.reshape(patches, np.array([0, channels, height * width]), special_zero=True)
            product = ops.matmul(ops.transpose(columns, swapped), weight, transpose_a=False, transpose_b=True)
            maps = np.array([0, weight.get_output_shape(0)[0], height, width])
            replace_node(conv, ops.reshape(ops.transpose(product, swapped), maps, special_zero=True))
    return model
