"""The command line `mdhr-export`."""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mdhr_runtime.backends.tensorrt.installed import TITLES, find_gpu, load_flavor
from mdhr_runtime.bundle import Bundle, EngineRecord, Manifest, open_bundle, read_manifest
from mdhr_runtime.cli.console import Command, Option, overwrite_option, step, table
from mdhr_runtime.cli.log_level import inform, log_level_option, warn
from mdhr_runtime.errors import ExportError, not_imported
from mdhr_runtime.names import name_of_file

from . import MAX_BATCH, MAX_FRAMES

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _option(section: str, *names: str, **settings: Any) -> Decorator:
    return click.option(*names, cls=Option, section=section, **settings)


def _path(section: str, *names: str, **settings: Any) -> Decorator:
    return _option(section, *names, type=click.Path(path_type=Path), **settings)


def _count(section: str, *names: str, **settings: Any) -> Decorator:
    return _option(section, *names, type=click.IntRange(min=1), **settings)


@click.command(cls=Command)
@_path(
    "What to export",
    "--ckpt",
    "checkpoint",
    metavar="FILE",
    help="Checkpoint of mdhr-train or of the published implementation; which one, and its dataset and backbone, "
    "are recognised.",
)
@_path("What to export", "--bundle", metavar="DIR", help="A bundle, to build engines of; needs no PyTorch.")
@_path(
    "What to export",
    "--out",
    metavar="DIR",
    help="Bundle to write. [default: name of FILE with .mdhr added, in the current folder]",
)
@overwrite_option("What to export")
@_option(
    "Graphs",
    "--fp16/--fp32",
    "fp16",
    default=None,
    help="Compute in float16, with softmax, normalisation, regional classifiers and scores in float32; or all in "
    "float32. "
    "[default: --fp32; with --trt, --fp16]",
)
@_option("Graphs", "--clip-graph", is_flag=True, help="Add clip.onnx: whole clips in, scores out, for other runtimes.")
@_option(
    "Graphs",
    "--no-identity",
    is_flag=True,
    help="Leave out the face recognition: the bundle then tells people apart by colours only, and is 11 MB smaller.",
)
@_option("Engines", "--trt", is_flag=True, help="Build TensorRT engines for this machine into the bundle.")
@_option(
    "Engines",
    "--trt-flavor",
    type=click.Choice(("auto", *TITLES)),
    default="auto",
    show_default=True,
    help="TensorRT, or TensorRT-RTX, whose builder needs no GPU and whose engines serve RTX cards.",
)
@_count(
    "Engines", "--max-batch", default=MAX_BATCH, show_default=True, help="Cameras or faces that are analysed at once."
)
@_count(
    "Engines",
    "--max-frames",
    default=MAX_FRAMES,
    show_default=True,
    help="Frames of one video that are analysed at once.",
)
@_count("Engines", "--workspace", metavar="MIB", help="Most memory on the GPU for kernels. [default: TensorRT's]")
@_path(
    "Engines",
    "--timing-cache",
    metavar="FILE",
    help="Keeps timings of kernels for the next build, which is then faster. [default: beside the bundle, .timing]",
)
@_option("Engines", "--dla", type=click.IntRange(min=0), metavar="CORE", help="Use a Jetson's accelerator.")
@_path("Engines", "--triton", metavar="DIR", help="Write a model repository for Triton Inference Server.")
@_path("Checks", "--verify-data", metavar="VIDEO", help="Compare on a video of yours instead of a synthetic clip.")
@_option("Checks", "--no-verify", is_flag=True, help="Do not compare what was made with the PyTorch model.")
@log_level_option("Checks")
@click.version_option(package_name="mdhr-edge", cls=Option, section="Checks")
@click.help_option("-h", "--help", cls=Option, section="Checks")
def main(
    checkpoint: Path | None,
    bundle: Path | None,
    out: Path | None,
    overwrite: bool,
    fp16: bool | None,
    clip_graph: bool,
    no_identity: bool,
    trt: bool,
    trt_flavor: str,
    max_batch: int,
    max_frames: int,
    workspace: int | None,
    timing_cache: Path | None,
    dla: int | None,
    triton: Path | None,
    verify_data: Path | None,
    no_verify: bool,
) -> None:
    """Export an MDHR checkpoint as a bundle, a folder with ONNX graphs, face detector and manifest; or build a bundle's
    TensorRT engines on the machine that will run them.

    The graphs are run in ONNX Runtime, and engines on the GPU, beside the PyTorch model, as one clip and as a stream.
    Where they differ the export fails and leaves nothing behind.
    """  # noqa: D205
    if checkpoint is not None and bundle is None:
        path = out or Path(name_of_file(checkpoint, ".mdhr"))
        # Engines are worth their trouble in float16, so that is what they get unless told otherwise.
        precision = "float16" if fp16 or (fp16 is None and trt) else "float32"
        _prepare_export(trt_flavor if trt else None)
        from .exporter import Options, export_bundle

        options = Options(precision, clip_graph, not no_identity, not no_verify, verify_data)
        exported = export_bundle(checkpoint, path, options, step, overwrite)
        manifest, reference = exported.manifest, exported.reference
        if exported.no_card:
            warn(exported.no_card)
        inform("made with " + ", ".join(f"{name} {version}" for name, version in manifest.versions.items()))
    elif bundle is not None and checkpoint is None:
        if out or fp16 is not None or clip_graph or no_identity:
            fixed = "--out, --fp16, --fp32, --clip-graph and --no-identity"
            raise click.UsageError(f"{fixed} need --ckpt: a bundle's graphs are fixed.")
        if not (trt or triton):
            raise click.UsageError("Say what to do with the bundle: --trt builds engines, --triton a repository.")
        path, manifest, reference = bundle, None, None
    else:
        raise click.UsageError("Give a checkpoint, --ckpt FILE, or a bundle that is there already, --bundle DIR.")

    if trt:
        from .tensorrt import EngineOptions, build_engines
        from .tensorrt.builder import BuildSettings

        settings = BuildSettings(workspace, timing_cache or path.with_suffix(".timing"), dla)
        engines = EngineOptions(trt_flavor, max_batch, max_frames, settings, not no_verify, verify_data, overwrite)
        manifest = build_engines(path, engines, step, reference)
        if manifest.precision == "float32" and fp16 is None:
            warn("the bundle's graphs are float32, and so are its engines; export it with --fp16 for faster ones")
        gpu, flavor = find_gpu(), load_flavor(manifest.engines[-1].flavor)
        if not no_verify and (gpu is None or not flavor.supports(gpu)):
            why = "there is no GPU here" if gpu is None else f"{flavor} does not support the {gpu}"
            warn(f"{why}: the engines were built and not run")
    if triton:
        # The files behind a manifest of this run were hashed a moment ago.
        _write_triton(Bundle(path, manifest) if manifest else open_bundle(path), triton, overwrite)
    _report(path, manifest or read_manifest(path))


def _prepare_export(builder: str | None) -> None:
    """Find what is missing before the work rather than after it."""
    try:
        from mdhr_train.threads import share_cores

        share_cores()  # before PyTorch is imported
        from . import exporter  # noqa: F401
    except ImportError as error:
        raise ExportError(
            *not_imported("A library of the exporter", error, "Run `pip install 'mdhr-edge[export,cpu]'`.")
        ) from error
    if builder is not None:
        from .tensorrt.builder import choose_builder

        choose_builder(builder, find_gpu())


def _write_triton(bundle: Bundle, out: Path, overwrite: bool) -> None:
    from .triton import servable_engines, write_repository

    engines, limits, why_not = servable_engines(bundle)
    if why_not:
        warn(f"the repository holds ONNX graphs: {why_not}")
    models = write_repository(bundle, out, engines, limits, overwrite=overwrite)
    click.echo(f"{out}: {', '.join(models)}, for `tritonserver --model-repository={out}`")


PARITY_HEADER = ("against PyTorch", "output", "largest", "mean", "flipped argmaxes")
ENGINE_HEADER = ("engine", "built by", "for", "layers by type", "size", "time")


def _report(out: Path, manifest: Manifest) -> None:
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    for header, rows in ((PARITY_HEADER, _parity_rows(manifest)), (ENGINE_HEADER, _engine_rows(manifest))):
        if rows:
            click.echo(f"\n{table(header, rows)}")
    aus = " ".join(manifest.layout.au_names)
    click.echo(
        f"\n{out}: {manifest.layout.name} ({aus}), {manifest.backbone}, {manifest.precision}, {size / 1e6:.0f} MB"
    )


def _parity_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    return [
        (
            record.form,
            record.output,
            f"{record.largest:.1e}",
            f"{record.mean:.1e}",
            f"{record.flips} of {record.argmaxes}" if record.argmaxes else "–",
        )
        for record in manifest.parity
    ]


def _engine_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    def layers(record: EngineRecord) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in record.layers.items())

    return [
        (
            record.graph,
            f"{record.flavor} {record.version}",
            f"{record.gpu} {record.compute_capability}",
            layers(record),
            f"{record.size / 1e6:.0f} MB",
            f"{record.build_seconds:.0f} s",
        )
        for record in manifest.engines
    ]
