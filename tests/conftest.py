"""Fixtures that several parts of the suite use."""

import fcntl
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest

import mdhr_runtime.cli.program  # noqa: F401 -- before what it does is undone below
from mdhr_runtime.backends.tensorrt.installed import find_gpu
from mdhr_train.threads import share_cores

share_cores()

# Programs that tests start inherit that Ctrl-C is ignored, as it is in what a shell runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What was tried on this machine is remembered for the processes of one run of the suite, and no longer.
if "PYTEST_XDIST_WORKER" not in os.environ:
    CACHE = tempfile.TemporaryDirectory(prefix="mdhr-cache-")
    os.environ.setdefault("MPLCONFIGDIR", os.path.expanduser("~/.cache/matplotlib"))  # its fonts take long to find
    os.environ["XDG_CACHE_HOME"] = CACHE.name

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


LONGEST = ("test_field.py", "test_readme.py", "test_golden.py")
"""Files that take minutes, begun first: on several cores the suite otherwise ends with one of them alone."""


def pytest_collection_modifyitems(items):
    """Begin with the longest, and skip what needs a GPU where there is none."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    if find_gpu() is None:
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip("needs an NVIDIA GPU; `make gpu-test` on a machine that has one"))


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of the golden vectors."""
    return _beside("golden")


@pytest.fixture(scope="session")
def media() -> Path:
    """Folder of real videos."""
    return _beside("media")


def _beside(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs {name}/ in the folder shared/ beside the repository")
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Make something that takes long once for all processes of a run of the suite: a function of its path and maker.

    The first process that wants it makes it, the others wait for that. Nobody may change it.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which only the processes of this run have in common

    def path_of(name, make):
        path = folder / "made-once" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                make(path)
        return path

    return path_of


@pytest.fixture(scope="session")
def tiny_checkpoint(made_once) -> Path:
    """A checkpoint of a small network with random weights."""

    def make(path):
        import torch

        from mdhr_train.checkpoints import save_checkpoint
        from mdhr_train.datasets import BP4D
        from mdhr_train.model import MDHR, ModelConfig

        torch.manual_seed(0)
        model = MDHR(ModelConfig(BP4D, backbone="resnet10t", node_features=32, dynamics_channels=24))
        save_checkpoint(path, model, {"mean F1": 0.5})

    return made_once("checkpoint/tiny.pt", make)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_checkpoint, made_once) -> Path:
    """The bundle of the small network, with its clip graph and its parity measured."""

    def make(path):
        from contextlib import nullcontext

        from mdhr_export.exporter import Options, export_bundle

        export_bundle(tiny_checkpoint, path, Options(clip_graph=True), lambda _: nullcontext())

    return made_once("bundle/tiny.mdhr", make)


@pytest.fixture(scope="session")
def variant(made_once):
    """Make the network of an ablation, with weights from a rule, and its bundle: (model, path); each but once."""
    from contextlib import nullcontext
    from functools import cache
    from hashlib import sha256

    import golden
    import tiny_backbone
    import torch

    from mdhr_export.exporter import Options, export_bundle
    from mdhr_train.checkpoints import save_checkpoint
    from mdhr_train.datasets import BP4D
    from mdhr_train.model import MDHR, ModelConfig

    @cache
    def export(config):
        model = MDHR(config).eval()
        for key, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.as_tensor(golden.rule_tensor(key, tuple(tensor.shape))))

        def make(path):
            save_checkpoint(path.with_name("a.pt"), model)
            export_bundle(path.with_name("a.pt"), path, Options(identity=False), lambda _: nullcontext())

        name = sha256(repr(config).encode()).hexdigest()[:16]
        return model, made_once(f"variants/{name}/a.mdhr", make)

    def make(**overrides):
        sizes = {"node_features": 16, "dynamics_channels": 8, "radius": 2}
        return export(ModelConfig(BP4D, tiny_backbone.NAME, **sizes, **overrides))

    return make


@pytest.fixture(scope="session")
def face_frames() -> np.ndarray:
    """(24, 224, 224, 3) uint8: aligned crops of a face that moves."""
    from mdhr_train.datasets import BP4D
    from mdhr_train.synthetic.photo_clips import SyntheticClips

    return SyntheticClips(BP4D, clips=1, frames=24, seed=3)[0][0]
