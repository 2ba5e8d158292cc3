"""The command line `mdhr-export`."""

from __future__ import annotations

from pathlib import Path

import click

from mdhr_runtime.bundle import Manifest
from mdhr_runtime.console import Command, share_cores, step, table
from mdhr_runtime.errors import ExportError


@click.command(cls=Command)
@click.option(
    "--ckpt",
    "checkpoint",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Checkpoint of mdhr-train or of the published implementation; which one, and its dataset and backbone, "
    "are recognised.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Bundle to write. [default: name of FILE with .mdhr, in the current folder]",
)
@click.option("--fp16", is_flag=True, help="Compute in float16, with softmax, normalisation and scores in float32.")
@click.option("--clip-graph", is_flag=True, help="Add clip.onnx: whole clips in, scores out, for other runtimes.")
@click.option("--no-verify", is_flag=True, help="Do not compare the graphs with the PyTorch model.")
@click.version_option(package_name="mdhr-edge")
def main(checkpoint: Path, out: Path | None, fp16: bool, clip_graph: bool, no_verify: bool) -> None:
    """Export an MDHR checkpoint as a bundle: ONNX graphs, face detector and manifest in one folder.

    The export ends by running the new graphs in ONNX Runtime beside the PyTorch model, as one clip and as a stream;
    it fails, and leaves nothing behind, where they differ.
    """
    share_cores()
    try:
        from .exporter import Options, export_bundle
    except ImportError as error:
        raise ExportError(
            "The exporter's libraries are not installed.", str(error), "Run `pip install 'mdhr-edge[export,cpu]'`."
        ) from error

    out = out or Path(f"{checkpoint.stem}.mdhr")
    options = Options("float16" if fp16 else "float32", clip_graph, verify=not no_verify)
    manifest = export_bundle(checkpoint, out, options, step)
    _report(out, manifest)


def _report(out: Path, manifest: Manifest) -> None:
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    if manifest.parity:
        click.echo()
        click.echo(
            table(
                ("against PyTorch", "output", "largest", "mean", "flipped argmaxes"),
                [
                    (
                        r.form,
                        r.output,
                        f"{r.largest:.1e}",
                        f"{r.mean:.1e}",
                        f"{r.flips} of {r.argmaxes}" if r.argmaxes else "–",
                    )
                    for r in manifest.parity
                ],
            )
        )
        click.echo()
    aus = " ".join(manifest.layout.au_names)
    click.echo(f"{out}: {manifest.layout.name} ({aus}), {manifest.backbone}, {manifest.precision}, {size / 1e6:.0f} MB")
