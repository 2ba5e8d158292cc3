"""Which product builds the engines."""

from __future__ import annotations

from mdhr_runtime.backends.tensorrt.installed import TITLES, Flavor, Gpu, installed_flavors, load_flavor
from mdhr_runtime.errors import ExportError, ProviderError

NEEDS_NO_GPU = "tensorrt_rtx"


def choose_builder(name: str, gpu: Gpu | None) -> Flavor:
    """Settle what builds the engines.

    Args:
        name: Key of `TITLES`, or "auto"; that is TensorRT where it is installed beside a GPU, else TensorRT-RTX.
        gpu: The GPU of this machine, if there is one.

    Raises:
        ProviderError: The product is not installed, or too old; "auto" finds none.
        ExportError: TensorRT is to build on a machine without a GPU.
    """
    if name == "auto":
        installed = installed_flavors()
        for flavor in installed:
            if gpu is not None or flavor.name == NEEDS_NO_GPU:
                return flavor
        if not installed:
            raise ProviderError(
                "No TensorRT is installed.",
                f"Python can import neither of {', '.join(TITLES)} in a version that can be used.",
                "On a server: `pip install 'mdhr-edge[tensorrt]'`. On a Jetson use JetPack 6.1 or later and its system "
                "package; see docs/jetson.md.",
            )
        name = installed[0].name
    flavor = load_flavor(name)
    if gpu is None and flavor.name != NEEDS_NO_GPU:
        raise ExportError(
            f"{flavor} cannot build engines on this machine.",
            "It times kernels on the GPU while it builds, and the driver finds none.",
            f"Build on the machine that will run the engines, or install tensorrt_rtx, whose builder needs no GPU, and "
            f"choose --trt-flavor {NEEDS_NO_GPU}.",
        )
    return flavor
