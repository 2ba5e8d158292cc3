"""`mdhr-train synthetic-video`: a labelled video to try a model on."""

from __future__ import annotations

from pathlib import Path

import click

from mdhr_runtime.cli.console import Command, Finite
from mdhr_runtime.layout import Layout

from .options import claim_file, layout_option, overwrite_option, seed_option


@click.command("synthetic-video", cls=Command)
@click.argument("out", type=click.Path(path_type=Path))
@layout_option
@click.option("--seconds", type=Finite(min=0.1, max=3600), default=12.0, show_default=True, help="Length.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="CSV of the true labels to write too.")
@seed_option
@overwrite_option
def synthetic_video(out: Path, layout: Layout, seconds: float, labels: Path | None, seed: int, overwrite: bool) -> None:
    """Write a video (OUT, .mp4) of a face that makes expressions, to try a model on."""
    from ..synthetic.photo_clips import FPS, is_labels, is_video, write_labels, write_video

    claim_file(out, is_video, overwrite=overwrite)
    if labels is not None:
        claim_file(labels, is_labels, overwrite=overwrite)
    truth = write_video(out, round(seconds * FPS), layout, seed)
    if labels is not None:
        write_labels(labels, truth, layout)
    click.echo(f"{out}: {len(truth)} frames, {len(truth) / FPS:g} s, {layout.name}")
