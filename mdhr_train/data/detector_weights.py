"""The weights of MTCNN, the face detector of the paper's crops.

They come from the `mtcnn` package (MIT), which carries them as lists of NumPy arrays in Keras's order and layout. Only
that data is read; the package itself, which needs TensorFlow, is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mdhr_runtime.errors import ConfigError


def published_weights(network: str) -> list[np.ndarray]:
    """Read the weights of one network from the installed `mtcnn` package.

    Args:
        network: "pnet", "rnet" or "onet".

    Returns:
        Kernels (height, width, inputs, outputs), matrices (inputs, outputs), biases and PReLU slopes, float32, layer by
        layer. The last kernel or matrix and its bias give the two classes; here they give "face" minus "no face".

    Raises:
        ConfigError: The package, or one that reads its files, is not installed, or is another version.
    """
    spec = find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise _missing("mtcnn", "the face detector's weights come from the package `mtcnn`, which is not installed")
    file = Path(spec.submodule_search_locations[0], "assets", "weights", f"{network}.lz4")
    try:
        import joblib

        *weights, class_kernel, class_bias = joblib.load(file)
    except FileNotFoundError as error:
        raise ConfigError(
            f"The weights of {network} are not the expected ones.",
            "the installed `mtcnn` package stores its networks differently from version 1.0",
            "pip install 'mtcnn>=1.0,<2'",
        ) from error
    except (ImportError, ValueError) as error:
        raise _missing("joblib", f"the package that reads the face detector's weights is missing: {error}") from error
    return [*weights, *(classes[..., 1:] - classes[..., :1] for classes in (class_kernel, class_bias))]


def _missing(package: str, why: str) -> ConfigError:
    return ConfigError(f"The face detector cannot be made without `{package}`.", why, "pip install 'mdhr-edge[train]'")
