"""Converts MTCNN, the face detector of the paper's crops, to ONNX.

Their weights come from the `mtcnn` package; see `mdhr_train.data.detector_weights`.

Every network takes uint8 RGB images, height and width before the colours, and normalises them itself. The face
probability is the softmax over the two classes "no face" and "face", computed as the sigmoid of their difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from mdhr_runtime.errors import ConfigError, ExportError
from mdhr_train.data.detector_weights import published_weights

if TYPE_CHECKING:
    import onnx

OPSET = 18


def write_detector(folder: Path) -> dict[str, Path]:
    """Write `pnet.onnx`, `rnet.onnx` and `onet.onnx`.

    All inputs are called `images`, uint8 (N, H, W, 3) RGB with N free; outputs are float32:

    - pnet, any H and W of at least 12: `offsets` (N, 4, h, w), `scores` (N, 1, h, w) with one cell for every second
      pixel (h is about (H - 10) / 2);
    - rnet, 24×24: `offsets` (N, 4), `scores` (N, 1);
    - onet, 48×48: `offsets` (N, 4), `landmarks` (N, 10): five x, then five y, `scores` (N, 1).

    Args:
        folder: An existing folder.

    Returns:
        The paths of the files, by network: "pnet", "rnet", "onet".

    Raises:
        ExportError: A package that the conversion needs is not installed.
        OSError: A file cannot be written.
    """
    builders: dict[str, Callable[[_Net], None]] = {"pnet": _pnet, "rnet": _rnet, "onet": _onet}
    sides: dict[str, int | None] = {"pnet": None, "rnet": 24, "onet": 48}
    written = {}
    for name, build in builders.items():
        net = _Net(name, sides[name], _weights(name))
        build(net)
        written[name] = folder / f"{name}.onnx"
        written[name].write_bytes(net.model().SerializeToString())
    return written


def _pnet(net: _Net) -> None:
    """Proposals: a fully convolutional network, so that it runs on images of any size."""
    net.convolution()
    net.max_pool(2)
    net.convolution()
    net.convolution()
    features = net.value
    net.output("offsets", net.linear_convolution(features), ("N", 4, "h", "w"))
    net.output("scores", net.sigmoid(net.linear_convolution(features)), ("N", 1, "h", "w"))


def _rnet(net: _Net) -> None:
    """Refinement of the proposals."""
    net.convolution()
    net.max_pool(3)
    net.convolution()
    net.max_pool(3)
    net.convolution()
    net.dense()
    features = net.value
    net.output("offsets", net.linear_dense(features), ("N", 4))
    net.output("scores", net.sigmoid(net.linear_dense(features)), ("N", 1))


def _onet(net: _Net) -> None:
    """Output: the last refinement, and five landmarks."""
    net.convolution()
    net.max_pool(3)
    net.convolution()
    net.max_pool(3)
    net.convolution()
    net.max_pool(2)
    net.convolution()
    net.dense()
    features = net.value
    net.output("offsets", net.linear_dense(features), ("N", 4))
    net.output("landmarks", net.linear_dense(features), ("N", 10))
    net.output("scores", net.sigmoid(net.linear_dense(features)), ("N", 1))


class _Net:
    """An ONNX graph under construction: a chain of layers, which take their weights in the order they are stored in.

    Attributes:
        value: Name of the tensor that the last layer of the chain gave.
    """

    def __init__(self, name: str, side: int | None, weights: Sequence[np.ndarray]) -> None:
        self._onnx = _onnx()
        self._name = name
        self._weights: Iterator[np.ndarray] = iter(weights)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._input = self._onnx.helper.make_tensor_value_info(
            "images", self._onnx.TensorProto.UINT8, ("N", side or "H", side or "W", 3)
        )
        self.value = "images"
        self._normalise()

    def _normalise(self) -> None:
        """Put pixels into [-1, 1], as `(pixel - 127.5) / 128`, and the colours in front."""
        self.value = self._node("Cast", "images", to=self._onnx.TensorProto.FLOAT)
        self.value = self._node("Sub", self.value, self._constant(np.float32(127.5)))
        self.value = self._node("Mul", self.value, self._constant(np.float32(1 / 128)))
        self.value = self._node("Transpose", self.value, perm=(0, 3, 1, 2))

    def convolution(self) -> None:
        """Append a convolution without padding and its PReLU."""
        self.value = self.linear_convolution(self.value)
        self._prelu((-1, 1, 1))

    def linear_convolution(self, value: str) -> str:
        """Apply a convolution without padding; return the result's name."""
        kernel, bias = next(self._weights), next(self._weights)
        return self._node("Conv", value, self._constant(kernel.transpose(3, 2, 0, 1)), self._constant(bias))

    def max_pool(self, side: int) -> None:
        """Append max pooling with stride 2; at the right and lower edge a window may be incomplete."""
        self.value = self._node("MaxPool", self.value, kernel_shape=(side, side), strides=(2, 2), ceil_mode=1)

    def dense(self) -> None:
        """Append a dense layer on the flattened maps and its PReLU. The stored rows count columns, rows, channels."""
        columns_first = self._node("Transpose", self.value, perm=(0, 3, 2, 1))
        self.value = self.linear_dense(self._node("Flatten", columns_first, axis=1))
        self._prelu((-1,))

    def linear_dense(self, value: str) -> str:
        """Apply a dense layer; return the result's name."""
        matrix, bias = next(self._weights), next(self._weights)
        return self._node("Gemm", value, self._constant(matrix), self._constant(bias))

    def sigmoid(self, value: str) -> str:
        """Apply the logistic function; return the result's name."""
        return self._node("Sigmoid", value)

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Declare a tensor as an output of the graph."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, shape))

    def model(self) -> onnx.ModelProto:
        """Finish the graph and check it.

        Raises:
            ExportError: The stored weights are not those of this network.
        """
        if next(self._weights, None) is not None:
            raise ExportError(
                f"The weights of {self._name} are not the expected ones.",
                "the installed `mtcnn` package stores its networks differently from version 1.0",
                "pip install 'mtcnn>=1.0,<2'",
            )
        helper = self._onnx.helper
        graph = helper.make_graph(self._nodes, self._name, [self._input], self._outputs, self._constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph,
            opset_imports=[opset],
            ir_version=helper.find_min_ir_version_for([opset]),
            producer_name="mdhr-export",
        )
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _prelu(self, shape: tuple[int, ...]) -> None:
        slopes = next(self._weights).reshape(shape)
        self.value = self._node("PRelu", self.value, self._constant(slopes))

    def _node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, values: np.ndarray | np.generic) -> str:
        name = f"constant_{len(self._constants)}"
        tensor = self._onnx.numpy_helper.from_array(np.array(values, order="C"), name)
        self._constants.append(tensor)
        return name


def _weights(network: str) -> list[np.ndarray]:
    try:
        return published_weights(network)
    except ConfigError as error:
        raise ExportError(error.what, error.why, "pip install 'mdhr-edge[export]'") from error


def _onnx() -> ModuleType:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ExportError(
            "The face detector cannot be converted without `onnx`.",
            f"the package `onnx` cannot be imported: {error}",
            "pip install 'mdhr-edge[export]'",
        ) from error
    return onnx
