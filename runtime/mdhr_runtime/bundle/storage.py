"""Bundles on disk: reading with every check, and writing the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..addresses import redacted
from ..errors import BundleError
from ..files import staged
from .manifest import SCHEMA, EngineRecord, Manifest

MANIFEST = "manifest.json"

EXPORT_AGAIN = "Export the bundle again with mdhr-export, or copy it again from where it came."
ENGINES = "engines"
"""Folder of the engines. Files there that the manifest does not name are left over from a build that was killed."""

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
    if not path.is_dir():
        raise BundleError(
            f"There is no bundle {redacted(str(path))}.",
            "It is a file; a bundle is a folder." if path.exists() else "No folder has this name.",
            "Check the path, or make a bundle with mdhr-export.",
        )
    file = path / MANIFEST
    if not file.is_file():
        raise BundleError(f"{path} is not a bundle.", f"It has no {MANIFEST}.", EXPORT_AGAIN)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        schema = int(data["schema"])
        if schema <= SCHEMA:
            return Manifest.from_dict(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"The manifest {file} cannot be read.",
            f"It is damaged or not that of a bundle ({type(error).__name__}: {error}).",
            EXPORT_AGAIN,
        ) from error
    raise BundleError(
        f"The bundle {path} is too new for this software.",
        f"Its manifest has schema {schema}; this version reads up to {SCHEMA}.",
        "Upgrade with `pip install -U mdhr-edge`, or export the bundle with this version.",
    )


def open_bundle(path: Path | str) -> Bundle:
    """Open a bundle and check every file of it against the manifest, which reads some 400 MB.

    Args:
        path: The bundle's folder.

    Raises:
        BundleError: There is no bundle, it is newer than this software, or a file is missing or altered.
    """
    path = Path(path)
    manifest = read_manifest(path)
    for name, digest in manifest.files.items():
        _compare(path, name, file_hash(_file_of(path, name, EXPORT_AGAIN)), digest, EXPORT_AGAIN)
    unlisted = {record.file for record in manifest.graphs.values()} - set(manifest.files)
    if unlisted:
        raise BundleError(
            f"The bundle {path} was refused.",
            f"Its manifest gives no hash for {', '.join(sorted(unlisted))}.",
            EXPORT_AGAIN,
        )
    return Bundle(path, manifest)


def write_manifest(folder: Path, manifest: Manifest, known: Mapping[str, str] | None = None) -> Manifest:
    """Write a bundle's manifest, with the hashes of all other files that are in the folder now, except engines.

    `Bundle(folder, manifest)` with the returned manifest is a whole bundle: an exporter writes the manifest, runs the
    bundle, and writes the manifest again with the differences that it measured.

    Args:
        folder: The bundle's folder, complete but for the manifest.
        manifest: The manifest; its `files` are replaced by what is found.
        known: Hashes, like `Manifest.files`, of files that the caller has just written or checked. They are not read
            again.

    Returns:
        The manifest as it was written.

    Raises:
        OSError: A file cannot be read or written.
    """
    known = known or {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    names = {path.relative_to(folder).as_posix(): path for path in paths if path.parent.name != ENGINES}
    files = {name: known.get(name) or file_hash(path) for name, path in names.items()}
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


def _file_of(folder: Path, name: str, fix: str) -> Path:
    """Find a file that a manifest names."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise BundleError(f"The bundle {folder} was refused.", f"Its manifest names {name!r}, outside the bundle.", fix)
    file = folder / name
    if not file.is_file():
        raise BundleError(f"The bundle {folder} is not complete.", f"{name} is missing.", fix)
    return file


def _compare(folder: Path, name: str, found: str, expected: str, fix: str) -> None:
    if found != expected:
        raise BundleError(
            f"The bundle {folder} was altered or damaged.",
            f"{name} has SHA-256 {found[:12]}…, its manifest says {expected[:12]}….",
            fix,
        )
