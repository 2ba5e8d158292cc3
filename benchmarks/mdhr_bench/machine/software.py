"""The software that is measured: versions of what is installed, and the revision of the code."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from .system_files import present, read_text

PACKAGES = ("mdhr-edge", "numpy", "onnx", "torch", "timm", "pycuda", "cuda-python", "cuda-bindings", "psutil")
"""Packages whose versions are told."""

FAMILIES = ("onnxruntime", "opencv", "tensorrt", "nvidia-cudnn")
"""Beginnings of the names of such that come in several packages, as `onnxruntime-gpu`."""


def describe_system(root: Path = Path("/")) -> dict[str, Any]:
    """Operating system and Python: `os`, `kernel`, `architecture` and `python`, where known."""
    named = re.search(r'^PRETTY_NAME="?([^"\n]*)', read_text(root / "etc/os-release") or "", re.MULTILINE)
    return present(
        os=named[1] if named else None,
        kernel=read_text(root / "proc/sys/kernel/osrelease"),
        architecture=platform.machine(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )


def describe_packages() -> dict[str, str]:
    """Name → version of the packages that decide about speed, of those that are installed."""
    versions = {_normal(found.metadata["Name"] or ""): found.version for found in distributions()}
    return {
        name: version for name, version in sorted(versions.items()) if name in PACKAGES or name.startswith(FAMILIES)
    }


def describe_code(folder: Path) -> dict[str, str]:
    """The git revision that a package was run from.

    Args:
        folder: The package's. It need not lie in a checkout: a wheel's does not.

    Returns:
        `revision`, and `changes`: "none", or "uncommitted" if a tracked file of the checkout differs from it. Empty
        where git does not track the package.
    """
    # A virtual environment may lie in a checkout of something else, which does not track what is installed in it.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return {}
    revision = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if revision is None or changes is None:
        return {}
    return {"revision": revision, "changes": "uncommitted" if changes else "none"}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        # Without locks: looking at the status must not write to the index.
        answer = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
