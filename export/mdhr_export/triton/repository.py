"""From a bundle to a model repository, with the engines that Triton can serve on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mdhr_runtime.backends.tensorrt.backend import choose_engines
from mdhr_runtime.bundle import Bundle, EngineRecord, Manifest, file_hash
from mdhr_runtime.contract import CLIP, ENCODER, TEMPORAL
from mdhr_runtime.errors import ExportError, ProviderError
from mdhr_runtime.files import staged, told
from mdhr_runtime.targets import Claim, is_sealed, refuse_foreign, sealed

from .serving import Limits, model_config, to_text

CONFIG = "config.pbtxt"
COMMENT = "# {}"
VERSION = "1"  # Triton keeps versions of a model in folders with numbers

PREFIX = "mdhr_"
BATCHES = {  # graphs that are served, the clip graph where the bundle has it → the limit of their batch
    ENCODER: "frames",
    TEMPORAL: "streams",
    CLIP: "streams",
}

ONNX_RUNTIME, TENSORRT = "onnxruntime", "tensorrt"

FILES = {  # Triton's backends → the name that each gives a model's file
    ONNX_RUNTIME: "model.onnx",
    TENSORRT: "model.plan",
}


class Executable(NamedTuple):
    """A file that Triton can run.

    Attributes:
        backend: Triton's name of the backend, "onnxruntime" or "tensorrt".
        file: The file.
    """

    backend: str
    file: Path


def servable_engines(bundle: Bundle) -> tuple[dict[str, Executable], Limits, str | None]:
    """Choose the engines of TensorRT that were built for this machine, to be served in place of their ONNX files.

    Returns:
        The engines by graph, limits that they keep, and the reason, a sentence, if none of the bundle's can be served.
    """
    if not bundle.manifest.engines:
        return {}, Limits(), None
    try:
        engines = choose_engines(bundle)
    except ProviderError as error:
        return {}, Limits(), error.why
    if engines.flavor.name != TENSORRT:
        return {}, Limits(), f"Triton has no backend for engines of {engines.flavor}."
    executables = {name: Executable(TENSORRT, bundle.path / record.file) for name, record in engines.records.items()}
    frames, streams = _largest(engines.records[ENCODER]), _largest(engines.records[TEMPORAL])
    return executables, Limits(frames=frames, streams=streams), None


def _largest(record: EngineRecord) -> int:
    """The largest batch, the first dimension, that an engine takes."""
    return max(bounds[-1][0] for profile in record.profiles for bounds in profile.values())


def write_repository(
    bundle: Bundle,
    out: Path,
    executables: Mapping[str, Executable | tuple[str, Path]] | None = None,
    limits: Limits | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write a model repository: a folder per graph, with its file and its configuration.

    All models appear when the last is complete; on any error what stood there stays. Models of others in the repository
    are left alone; those of an older bundle are replaced, also if this one lacks their graph.

    Args:
        bundle: The bundle.
        out: The repository's folder, which may exist.
        executables: Engines of TensorRT that replace ONNX files, by graph.
        limits: The load that the server must be ready for; None for the defaults.
        overwrite: Whether models are replaced whose configuration or graph was changed. Files of others stay safe.

    Returns:
        Names of the models.

    Raises:
        ExportError: The folder cannot be written, an executable is for no graph or no backend of Triton's, or a limit
            is below 1.
        OutputError: The folder of a model may not be written; see `Claim`.
    """
    limits = limits or Limits()
    chosen = _executables(bundle, executables or {})
    _check_limits(limits)
    fix = (
        "Choose a folder whose parent exists, can be written and has room for copies of the graphs. "
        "Nothing was left behind."
    )
    folders = {graph: out / (PREFIX + graph) for graph in BATCHES}
    with told(f"The model repository {out}", ExportError, fix), _made(out), ExitStack() as stack:
        for folder in folders.values():
            stack.enter_context(
                Claim(folder, lambda path: _is_ours(path, overwrite), inputs=[bundle.path], overwrite=overwrite)
            )
        for graph, executable in chosen.items():
            stage = stack.enter_context(staged(folders[graph]))
            _write_model(stage, graph, executable, bundle.manifest, limits)
        for graph in folders.keys() - chosen.keys():
            shutil.rmtree(folders[graph], ignore_errors=True)
    return [PREFIX + graph for graph in chosen]


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder that is not there, and remove it if nothing comes into it."""
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _is_ours(path: Path, changed: bool) -> bool:
    """Whether a path is a model that we wrote, with no other file in it, and unchanged or, if it may be, `changed`."""
    if not path.is_dir():
        return False
    refuse_foreign(path, {CONFIG, *(f"{VERSION}/{file}" for file in FILES.values())}.__contains__)
    config, models = path / CONFIG, list((path / VERSION).glob("*"))
    if changed or not (config.exists() or models):
        return True
    if not config.exists() or len(models) != 1:
        return False
    text = config.read_bytes()
    return is_sealed(text, COMMENT) and _hash_line(models[0]).encode() in text


def _hash_line(model: Path) -> str:
    return COMMENT.format(f"SHA-256 of {VERSION}/{model.name}: {file_hash(model)}") + "\n"


def _write_model(folder: Path, graph: str, executable: Executable, manifest: Manifest, limits: Limits) -> None:
    version = folder / VERSION
    version.mkdir(parents=True)
    shutil.copyfile(executable.file, version / FILES[executable.backend])
    notes = {
        "mdhr_aus": " ".join(manifest.layout.au_names),
        "mdhr_lookahead": str(manifest.lookahead),
    }
    batch = getattr(limits, BATCHES[graph])
    config = model_config(folder.name, manifest.graphs[graph], executable.backend, batch, limits, notes)
    text = to_text(config) + _hash_line(version / FILES[executable.backend])
    (folder / CONFIG).write_bytes(sealed(text.encode(), COMMENT))


def _executables(bundle: Bundle, executables: Mapping[str, Executable | tuple[str, Path]]) -> dict[str, Executable]:
    graphs = [name for name in BATCHES if name in bundle.manifest.graphs]
    unknown = sorted(set(executables) - set(graphs))
    if unknown:
        raise ExportError(
            f"Triton was given an engine for {', '.join(unknown)}.",
            f"The bundle {bundle.path} has {', '.join(graphs)} to serve.",
            "Name engines after these graphs.",
        )
    chosen = {name: Executable(*executables.get(name, (ONNX_RUNTIME, bundle.graph_path(name)))) for name in graphs}
    for name, executable in chosen.items():
        if executable.backend not in FILES:
            raise ExportError(
                f"Triton cannot run the engine of {name}.",
                f"It has no backend {executable.backend!r}.",
                f"Give it files for {' or '.join(FILES)}. Engines of TensorRT-RTX are none: "
                "build with --trt-flavor tensorrt, in Triton's own version of TensorRT.",
            )
    return chosen


def _check_limits(limits: Limits) -> None:
    too_low = [name for name in ("frames", "streams", "sequences") if getattr(limits, name) < 1]
    if limits.idle_seconds <= 0:
        too_low.append("idle_seconds")
    if too_low:
        raise ExportError(
            f"A server cannot be limited to {', '.join(f'{getattr(limits, name)} {name}' for name in too_low)}.",
            "Every limit must be above zero.",
            "Give what is needed at the same time, at least 1.",
        )
