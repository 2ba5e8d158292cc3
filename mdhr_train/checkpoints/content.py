"""What is in a checkpoint file, read with every check that can be made before anything is unpacked.

Nothing in a file is executed: only tensors and plain data are unpickled. What a file would unpack to, and what its
pickles ask for, is known before PyTorch sees it.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from mdhr_runtime.errors import CheckpointError, MdhrError, shortage
from mdhr_runtime.file_types import (
    BUNDLE,
    CHECKPOINT,
    DOWNLOAD,
    HEAD,
    TEXT,
    FileType,
    archive_type,
    explain,
    file_type,
    start_type,
)
from mdhr_runtime.files import staged, told
from mdhr_runtime.records import from_json, from_plain

from .pickles import LEGACY, imports
from .weights import SHOWN

FORMAT = "mdhr"
"""Mark of our own files; in a safetensors file, the key of the metadata that holds all but the weights, as JSON."""

LARGEST_DESCRIPTION = 1 << 23
"""Bytes of the pickle or header that describes tensors and data; that of Swin-B has some 100 kB."""

MOST_MEMBERS = 1 << 16
"""Files in an archive: torch.save makes one per tensor, and three more."""


def write_content(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write tensors and plain data to a file, completely or not at all.

    Raises:
        CheckpointError: The file cannot be written.
    """
    fix = "Choose a folder that exists, can be written and has room."
    with told(f"The checkpoint {path}", CheckpointError, fix), staged(Path(path)) as stage:
        try:
            torch.save(content, stage)
        except RuntimeError as error:  # so PyTorch reports a full disk
            raise OSError(str(error).splitlines()[0]) from error


def read_content(path: Path) -> Any:
    """Read what `torch.save` or safetensors wrote.

    Returns:
        What was saved. Of a safetensors file: {"state_dict": …}, and what else its metadata say.

    Raises:
        CheckpointError: There is no such file, it is of another kind, damaged, larger inside than outside, or asks for
            more than tensors and plain data.
    """
    try:
        if not path.is_file():
            raise _no_file(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
        reader = _reader(path, head)
        with _told_damaged(path):
            return reader(path)
    except OSError as error:
        raise _no_checkpoint(path, error.strerror or str(error), "Check the path and its permissions.") from error


def _no_file(path: Path) -> CheckpointError:
    why, fix = explain(path, "Give the file of a checkpoint.", "It is no regular file.")
    if file_type(path) == BUNDLE:
        fix = f"Name it with --bundle {path}."
    return CheckpointError(f"There is no checkpoint {path}.", why, fix)


def _reader(path: Path, head: bytes) -> Callable[[Path], Any]:
    """What reads a file that begins like this."""
    if head.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        return _read_archive
    if head[6:9] == b"\0\0{":  # after the header's length, in eight bytes
        return _read_safetensors
    if head.startswith(LEGACY):
        return _read_legacy
    with suppress(ValueError), path.open("rb") as file:  # no pickle
        _refuse_code(path, imports(file.read(LARGEST_DESCRIPTION)))
    kind = start_type(head)
    if kind is None or kind == TEXT:
        unknown = f"of a kind that is not known here (it begins with {head[:8].hex(' ')})"
        kind = FileType(kind.noun if kind else unknown, DOWNLOAD)
    why = f"It is {kind.noun}; it has {path.stat().st_size:,} bytes."
    raise _no_checkpoint(path, why, kind.use.replace("{}", str(path)))


def _read_archive(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        kind = archive_type(archive)
        if kind != CHECKPOINT:
            raise _no_checkpoint(path, f"It is {kind.noun}.", kind.use)
        members = archive.infolist()
        size, unpacked = path.stat().st_size, sum(member.file_size for member in members)
        if unpacked > size or len(members) > MOST_MEMBERS or any(member.compress_type for member in members):
            raise _refused(path, f"It has {size:,} bytes and would unpack to {unpacked:,}, in {len(members):,} files")
        descriptions = [each for each in members if each.filename.lower().endswith("data.pkl")]  # as PyTorch finds it
        for each in descriptions:
            _check_description(path, each.file_size)
        torn = archive.testzip()
        if torn is not None:
            why = f"It was altered or damaged after it was written: {torn} in it has another checksum."
            raise _no_checkpoint(path, why, DOWNLOAD)
        for each in descriptions:
            _refuse_code(path, imports(archive.read(each)))
    return _load(path)


def _read_legacy(path: Path) -> Any:
    with path.open("rb") as file:
        # What it is, its version, the machine, what was saved, and the names of the storages that follow.
        _refuse_code(path, imports(file.read(LARGEST_DESCRIPTION), pickles=5))
    return _load(path)


def _load(path: Path) -> Any:
    with warnings.catch_warnings():
        # An unknown pickle protocol becomes an error.
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path) -> Any:
    from safetensors import safe_open

    with path.open("rb") as file:
        _check_description(path, int.from_bytes(file.read(8), "little"))
    with safe_open(path, "pt") as tensors:
        weights = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118  # it is no dictionary
        description = (tensors.metadata() or {}).get(FORMAT)
    if description is None:
        return weights
    return {**from_plain(dict[str, Any], from_json(description.encode())), "format": FORMAT, "state_dict": weights}


@contextmanager
def _told_damaged(path: Path) -> Iterator[None]:
    """Tell in our words why libraries could not read a file: what is damaged makes them raise errors of any kind."""
    try:
        yield
    except MdhrError:
        raise
    except Exception as error:
        if short := shortage(error):
            raise short from error
        why = (str(error).splitlines() or [""])[0]
        why = f"It is truncated or damaged ({type(error).__name__}: {why[:200]})."
        raise _no_checkpoint(path, why, DOWNLOAD) from error


def _check_description(path: Path, size: int) -> None:
    if size > path.stat().st_size:
        raise _no_checkpoint(path, "It is truncated: its description alone is longer than the file.", DOWNLOAD)
    if size > LARGEST_DESCRIPTION:
        raise _refused(path, f"The description of its tensors has {size:,} bytes; {LARGEST_DESCRIPTION:,} are read")


def _refuse_code(path: Path, wanted: list[str]) -> None:
    if wanted:
        names = ", ".join(wanted[:SHOWN]) + (" and more" if wanted[SHOWN:] else "")
        why = f"It asks for {names} besides tensors and plain data, so loading it could run code. Nothing of it was run"
        raise _refused(path, why)


def _refused(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} was refused.",
        f"{why}.",
        "Get the file from a source that you trust, and save its state_dict alone with torch.save.",
    )


def _no_checkpoint(path: Path, why: str, fix: str) -> CheckpointError:
    return CheckpointError(f"{path} cannot be read as a checkpoint.", why, fix)
