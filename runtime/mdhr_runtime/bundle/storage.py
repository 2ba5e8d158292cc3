"""Bundles on disk: reading with every check, and writing the manifest."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..addresses import redacted
from ..errors import BundleError
from ..file_types import explain
from ..files import staged
from ..records import RecordError, TooNewError, read_json
from .manifest import SCHEMA, EngineRecord, Manifest

MANIFEST = "manifest.json"

EXPORT_AGAIN = "Export the bundle again with mdhr-export, or copy it again from where it came."
ENGINES = "engines"
"""Folder of the engines."""
ENGINE_FILES = "*.*-*.*.*.????????.engine"
"""Names of the engines in it. Those that the manifest does not name are left over from a build that was killed."""

VERIFICATION = "verification.npz"
"""A clip and the PyTorch model's labels of it, from the export; for checks where PyTorch is not installed.

Arrays: `frames` (T, 224, 224, 3) uint8 RGB, `scores` (T, N) float32, and the regional argmaxes, `combinations` (T, R)
int32.
"""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were all found and unaltered.

    Attributes:
        path: Its folder.
        manifest: Its description.
    """

    path: Path
    manifest: Manifest

    @property
    def build_command(self) -> str:
        """The command that builds engines for this machine into the bundle."""
        return f"mdhr-export --bundle {self.path} --trt"

    def graph_path(self, name: str) -> Path:
        """File of a graph.

        Raises:
            BundleError: The bundle has no such graph.
        """
        try:
            return self.path / self.manifest.graphs[name].file
        except KeyError:
            raise BundleError(
                f"The bundle {self.path} has no graph {name!r}.",
                f"It holds {', '.join(self.manifest.graphs)}.",
                "Export it again with the options that add this graph.",
            ) from None


def read_manifest(path: Path | str) -> Manifest:
    """Read a bundle's description of itself, without a look at its other files.

    Args:
        path: The bundle's folder.

    Raises:
        BundleError: There is no bundle, or it is newer than this software, or its manifest is damaged.
    """
    path = Path(path)
    if not os.path.isdir(path):
        raise BundleError(
            f"{path} is no bundle." if os.path.exists(path) else f"There is no bundle {redacted(str(path))}.",
            *explain(path, "Check the path, or make a bundle with mdhr-export."),
        )
    file = path / MANIFEST
    if not os.path.isfile(file):
        raise BundleError(f"{path} is not a bundle.", f"It has no {MANIFEST}.", EXPORT_AGAIN)
    try:
        manifest: Manifest = read_json(_file_of(path, MANIFEST, EXPORT_AGAIN), Manifest, SCHEMA)
    except TooNewError as error:
        raise BundleError(
            f"The bundle {path} is too new for this software.",
            str(error),
            "Upgrade with `pip install -U mdhr-edge`, or export the bundle with this version.",
        ) from error
    except RecordError as error:
        raise BundleError(
            f"The manifest {file} cannot be read.", f"It is damaged or was edited: {error}", EXPORT_AGAIN
        ) from error
    return manifest


def open_bundle(path: Path | str) -> Bundle:
    """Open a bundle and check every file of it against the manifest, which reads some 400 MB.

    Args:
        path: The bundle's folder.

    Raises:
        BundleError: There is no bundle, it is newer than this software, a file is missing, altered or outside the
            bundle, or a graph keeps weights in a file of its own.
    """
    path = Path(path)
    manifest = read_manifest(path)
    for name, digest in manifest.files.items():
        with _readable(path, name):
            _compare(path, name, file_hash(_file_of(path, name, EXPORT_AGAIN)), digest, EXPORT_AGAIN)
    for graph in manifest.graphs.values():
        if graph.file not in manifest.files:
            raise _refused(path, f"Its manifest gives no hash for {graph.file}.")
        if _has_external_data(path / graph.file):
            raise _refused(path, f"{graph.file} keeps weights in other files, which bundles do not.")
    return Bundle(path, manifest)


def write_manifest(folder: Path, manifest: Manifest, files: Mapping[str, str] | None = None) -> Manifest:
    """Write a bundle's manifest, with the hashes of its files, except engines.

    `Bundle(folder, manifest)` with the returned manifest is a whole bundle: an exporter writes the manifest, runs the
    bundle, and writes the manifest again with the differences that it measured.

    Args:
        folder: The bundle's folder, complete but for the manifest.
        manifest: The manifest; its `files` are replaced.
        files: Hashes, like `Manifest.files`, of files that the caller has just written or checked: they alone belong to
            the bundle, whatever a user has laid beside them. None for all that are in the folder now.

    Returns:
        The manifest as it was written.

    Raises:
        OSError: A file cannot be read or written.
    """
    if files is None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
        files = {path.relative_to(folder).as_posix(): file_hash(path) for path in paths if path.parent.name != ENGINES}
    written = replace(manifest, files=files, schema=SCHEMA)
    with staged(folder / MANIFEST) as stage:
        stage.write_text(json.dumps(written.to_dict(), indent=2) + "\n", encoding="utf-8")
    return written


def read_engine(bundle: Bundle, record: EngineRecord) -> bytes:
    """Read an engine, if it is the one that the manifest describes. An engine can carry code: no other is loaded.

    Raises:
        BundleError: It is missing or altered.
    """
    fix = f"Build the engines again: `{bundle.build_command}`."
    with _readable(bundle.path, record.file):
        data = _file_of(bundle.path, record.file, fix).read_bytes()
    _compare(bundle.path, record.file, hashlib.sha256(data).hexdigest(), record.sha256, fix)
    return data


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _has_external_data(path: Path) -> bool:
    """Whether an ONNX file has a tensor in another file, which ONNX Runtime would read unchecked.

    The tensor says where by an entry whose key is "location": Protocol Buffers write its length in front, in one byte
    or, with needless zeros behind, in several.
    """
    if path.stat().st_size == 0:
        return False  # and cannot be mapped
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content[key.start() - 1] in b"\x08\x00" for key in re.finditer(b"location", content))


def _file_of(folder: Path, name: str, fix: str) -> Path:
    """Find a file that a manifest names. A link may not lead out of the bundle."""
    if not Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(folder)):
        raise _refused(folder, f"Its {name!r} is outside of it.")
    file = folder / name
    if not os.path.isfile(file):
        raise BundleError(f"The bundle {folder} is not complete.", f"{name} is missing.", fix)
    return file


def _refused(folder: Path, why: str) -> BundleError:
    return BundleError(f"The bundle {folder} was refused.", why, EXPORT_AGAIN)


@contextmanager
def _readable(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = f"{name}: {error.strerror or error}."
        raise BundleError(f"The bundle {folder} cannot be read.", why, "Make its files readable.") from error


def _compare(folder: Path, name: str, found: str, expected: str, fix: str) -> None:
    if found != expected:
        raise BundleError(
            f"The bundle {folder} was altered or damaged.",
            f"{name} has SHA-256 {found[:12]}…, its manifest says {expected[:12]}….",
            fix,
        )
