"""Floating point operations of one ONNX operator.

The conventions: a multiplication with an addition counts as two; padding is multiplied like anything else; a function
of one element, such as an exponential, counts as one however it is computed. Integers and truth values count nothing:
they are shapes and masks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mdhr_runtime.errors import BundleError


@dataclass(frozen=True)
class TensorSize:
    """The size of a tensor.

    Attributes:
        shape: Its sizes.
        bytes: Bytes of its elements.
        floating: Whether its elements are floating point numbers.
    """

    shape: tuple[int, ...]
    bytes: int
    floating: bool

    @classmethod
    def of(cls, shape: Iterable[int], dtype: np.dtype[Any]) -> TensorSize:
        """The size of a tensor of a shape and an element type."""
        shape = tuple(map(int, shape))
        return cls(shape, math.prod(shape) * dtype.itemsize, np.issubdtype(dtype, np.floating))

    @property
    def elements(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Call:
    """An operator and its tensors.

    Attributes:
        kind: Its name in ONNX, such as "Conv".
        attributes: Its attributes.
        inputs: Its inputs, without optional ones that are left out.
        outputs: Its outputs, likewise.
    """

    kind: str
    attributes: Mapping[str, Any]
    inputs: tuple[TensorSize, ...]
    outputs: tuple[TensorSize, ...]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOVES = _names(
    """
    Cast CastLike Compress Concat Constant ConstantOfShape DepthToSpace Dropout Expand EyeLike Flatten Gather
    GatherElements GatherND Identity NonZero OneHot Pad Range Reshape Scatter ScatterElements ScatterND Shape Size Slice
    SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze Where
    """
)
"""Operators that move or make data and compute nothing; Dropout does nothing outside training."""

UNREAD = frozenset({"Shape", "Size"})
"""Operators that do not read the elements of their inputs."""

ONE_BY_ONE = _names(
    """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh CumSum Div Elu Equal Erf Exp Floor Gelu Greater
    GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Mish Mod Mul Neg Not Or PRelu Pow
    Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Tan Tanh ThresholdedRelu Xor
    """
)
"""Operators that compute each element of their output in one operation."""

PER_INPUT_ELEMENT: Mapping[str, int] = {
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ArgMax", "ArgMin"), 1),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), 1),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"), 2),
    "BatchNormalization": 2,  # scale and shift, as it is in inference
    "LpNormalization": 3,  # power, sum, division
    **dict.fromkeys(("Softmax", "LogSoftmax"), 5),  # maximum, difference, exponential, sum, division or difference
    # sum, deviation, its square, their sum, division, scale, shift
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization", "LayerNormalization"), 7),
}
"""Operators that reduce or normalise → operations per element of their first input."""


def operations(call: Call) -> int:
    """Floating point operations of an operator.

    Raises:
        BundleError: The operator is not known here, or of a form that is not.
    """
    if call.kind not in KNOWN:
        raise _refusal(f"the operator {call.kind}")
    if call.kind in MOVES or not any(tensor.floating for tensor in call.inputs):
        return 0
    if call.kind in ONE_BY_ONE:
        return call.outputs[0].elements
    if call.kind in PER_INPUT_ELEMENT:
        return PER_INPUT_ELEMENT[call.kind] * call.inputs[0].elements
    return RULES[call.kind](call)


def _convolution(call: Call) -> int:
    """A product with each weight of a filter, (channels / groups, *kernel), per element of the output."""
    _, weight, *bias = call.inputs
    return call.outputs[0].elements * (2 * math.prod(weight.shape[1:]) + len(bias))


def _transposed_convolution(call: Call) -> int:
    """A product with each weight of a filter, (channels / groups, *kernel), per element of the input."""
    source, weight, *bias = call.inputs
    return 2 * source.elements * math.prod(weight.shape[1:]) + len(bias) * call.outputs[0].elements


def _general_product(call: Call) -> int:
    """A·B + C; the factors alpha and beta are not counted."""
    first, _, *bias = call.inputs
    inner = first.shape[0 if call.attributes.get("transA") else 1]
    return call.outputs[0].elements * (2 * inner + len(bias))


def _product(call: Call) -> int:
    return 2 * call.outputs[0].elements * call.inputs[0].shape[-1]


def _einstein_sum(call: Call) -> int:
    """For every combination of indices: the product of all operands, and its addition to the sum."""
    terms = call.attributes["equation"].decode().replace(" ", "").split("->")[0].split(",")
    if any("." in term for term in terms):
        raise _refusal("an Einsum with an ellipsis")
    sizes = {
        index: size
        for term, tensor in zip(terms, call.inputs, strict=True)
        for index, size in zip(term, tensor.shape, strict=True)
    }
    return len(terms) * math.prod(sizes.values())


def _pooling(call: Call) -> int:
    return call.outputs[0].elements * math.prod(call.attributes["kernel_shape"])


def _joining(call: Call) -> int:
    """Elements of several inputs joined one after the other."""
    return (len(call.inputs) - 1) * call.outputs[0].elements


RULES: Mapping[str, Callable[[Call], int]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Gemm": _general_product,
    "MatMul": _product,
    "Einsum": _einstein_sum,
    **dict.fromkeys(("AveragePool", "MaxPool"), _pooling),
    **dict.fromkeys(("Max", "Min", "Sum"), _joining),
}
"""Operators whose operations depend on more than one size."""

KNOWN = MOVES | ONE_BY_ONE | PER_INPUT_ELEMENT.keys() | RULES.keys()


def _refusal(what: str) -> BundleError:
    return BundleError(
        "The cost of a graph cannot be counted.",
        f"It has {what}, of which the counter does not know how many operations it takes.",
        "Use a bundle that `mdhr-export` of this version wrote, or of another backbone.",
    )
