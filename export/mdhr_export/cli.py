"""The command line `mdhr-export`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdhr_runtime.backends.tensorrt.installed import TITLES
from mdhr_runtime.bundle import EngineRecord, Manifest, open_bundle, read_manifest
from mdhr_runtime.cli.console import Command, Option, step, table
from mdhr_runtime.errors import ExportError

if TYPE_CHECKING:
    from .verification import Reference

FLAVORS = ("auto", *TITLES)


@dataclass(frozen=True)
class Settings:
    """What the command line says; see the options."""

    checkpoint: Path | None
    bundle: Path | None
    out: Path | None
    fp16: bool | None
    clip_graph: bool
    no_verify: bool
    verify_data: Path | None
    trt: bool
    trt_flavor: str
    max_batch: int
    max_frames: int
    workspace: int | None
    timing_cache: Path | None
    dla: int | None
    triton: Path | None

    def __post_init__(self) -> None:
        if (self.checkpoint is None) == (self.bundle is None):
            raise click.UsageError("Give a checkpoint, --ckpt FILE, or a bundle that is there already, --bundle DIR.")
        if self.bundle and (self.out or self.fp16 is not None or self.clip_graph):
            raise click.UsageError("--out, --fp16, --fp32 and --clip-graph need --ckpt: a bundle's graphs are fixed.")
        if self.bundle and not (self.trt or self.triton):
            raise click.UsageError("Say what to do with the bundle: --trt builds engines, --triton a repository.")

    @property
    def path(self) -> Path:
        """The bundle's folder."""
        return self.bundle or self.out or Path(f"{self.checkpoint.stem}.mdhr")

    @property
    def precision(self) -> str:
        """Engines are worth their trouble in float16, so that is what they get unless told otherwise."""
        return "float16" if self.fp16 or (self.fp16 is None and self.trt) else "float32"


def _option(section: str, *names: str, **settings: Any) -> Callable[[Callable], Callable]:
    return click.option(*names, cls=Option, section=section, **settings)


def _path(section: str, *names: str, **settings: Any) -> Callable[[Callable], Callable]:
    return _option(section, *names, type=click.Path(path_type=Path), **settings)


def _count(section: str, *names: str, **settings: Any) -> Callable[[Callable], Callable]:
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
    help="Bundle to write. [default: name of FILE with .mdhr, in the current folder]",
)
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
@_option("Engines", "--trt", is_flag=True, help="Build TensorRT engines for this machine into the bundle.")
@_option(
    "Engines",
    "--trt-flavor",
    type=click.Choice(FLAVORS),
    default="auto",
    show_default=True,
    help="TensorRT, or TensorRT-RTX, whose builder needs no GPU and whose engines serve RTX cards.",
)
@_count("Engines", "--max-batch", default=8, show_default=True, help="Cameras or faces that are analysed at once.")
@_count("Engines", "--max-frames", default=16, show_default=True, help="Frames of one video that are analysed at once.")
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
@click.version_option(package_name="mdhr-edge", cls=Option, section="Checks")
@click.help_option(cls=Option, section="Checks")
def main(**options: Any) -> None:
    """Export an MDHR checkpoint as a bundle, a folder with ONNX graphs, face detector and manifest; or build a bundle's
    TensorRT engines on the machine that will run them.

    The graphs are run in ONNX Runtime, and engines on the GPU, beside the PyTorch model, as one clip and as a stream.
    Where they differ the export fails and leaves nothing behind.
    """  # noqa: D205
    settings = Settings(**options)
    reference = _export(settings) if settings.checkpoint else None
    if settings.trt:
        _build_engines(settings, reference)
    if settings.triton:
        _write_triton(settings)
    _report(settings.path, read_manifest(settings.path))


def _export(settings: Settings) -> Reference | None:
    """Make the bundle; returns what PyTorch said of the clip that it was verified on."""
    try:
        from mdhr_train.threads import share_cores

        share_cores()  # before PyTorch is imported
        from .exporter import Options, export_bundle
    except ImportError as error:
        raise ExportError(
            "The exporter's libraries are not installed.", str(error), "Run `pip install 'mdhr-edge[export,cpu]'`."
        ) from error
    if settings.trt:
        _check_builder(settings)
    options = Options(settings.precision, settings.clip_graph, not settings.no_verify, settings.verify_data)
    return export_bundle(settings.checkpoint, settings.path, options, step).reference


def _check_builder(settings: Settings) -> None:
    """Fail before the work rather than after it."""
    from mdhr_runtime.backends.tensorrt.installed import find_gpu

    from .tensorrt.product import choose_builder

    choose_builder(settings.trt_flavor, find_gpu())


def _build_engines(settings: Settings, reference: Reference | None) -> None:
    from mdhr_runtime.backends.tensorrt.installed import find_gpu

    from .tensorrt import EngineOptions, build_engines
    from .tensorrt.builder import BuildSettings

    cache = settings.timing_cache or settings.path.with_suffix(".timing")
    options = EngineOptions(
        settings.trt_flavor,
        settings.max_batch,
        settings.max_frames,
        BuildSettings(settings.workspace, cache, settings.dla),
        not settings.no_verify,
        settings.verify_data,
    )
    manifest = build_engines(settings.path, options, step, reference)
    if manifest.precision == "float32" and settings.fp16 is None:
        click.secho(
            "note: the bundle's graphs are float32, and so are its engines; export it with --fp16 for faster ones",
            fg="yellow",
            err=True,
        )
    if not settings.no_verify and find_gpu() is None:
        click.secho("note: there is no GPU here: the engines were built and not run", fg="yellow", err=True)


def _write_triton(settings: Settings) -> None:
    from .triton import servable_engines, write_repository

    bundle = open_bundle(settings.path)
    engines, limits, why_not = servable_engines(bundle)
    if why_not:
        click.secho(f"note: the repository holds ONNX graphs: {why_not}", fg="yellow", err=True)
    models = write_repository(bundle, settings.triton, engines, limits)
    click.echo(f"{settings.triton}: {', '.join(models)}, for `tritonserver --model-repository={settings.triton}`")


def _report(out: Path, manifest: Manifest) -> None:
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    for header, rows in ((PARITY_HEADER, _parity_rows(manifest)), (ENGINE_HEADER, _engine_rows(manifest))):
        if rows:
            click.echo(f"\n{table(header, rows)}")
    aus = " ".join(manifest.layout.au_names)
    click.echo(
        f"\n{out}: {manifest.layout.name} ({aus}), {manifest.backbone}, {manifest.precision}, {size / 1e6:.0f} MB"
    )


PARITY_HEADER = ("against PyTorch", "output", "largest", "mean", "flipped argmaxes")
ENGINE_HEADER = ("engine", "built by", "for", "layers by type", "size", "time")


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
