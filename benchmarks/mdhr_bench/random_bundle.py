"""A bundle with random weights, to measure with: speed does not depend on the weights.

python -m mdhr_bench.random_bundle OUT.mdhr [--backbone NAME] [--precision float16]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from mdhr_runtime.cli.console import Command, step


@click.command(cls=Command)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--backbone", default="resnet50", show_default=True, help="timm's name of a backbone.")
@click.option("--precision", type=click.Choice(["float32", "float16"]), default="float32", show_default=True)
@click.option("--engines", is_flag=True, help="Also build TensorRT engines for this machine.")
def main(out: Path, backbone: str, precision: str, engines: bool) -> None:
    """Write a bundle of the paper's network for BP4D, with random weights and its clip graph, to OUT."""
    from mdhr_train.threads import share_cores

    share_cores()
    make_bundle(out, backbone, precision, engines=engines)
    click.echo(out)


def make_bundle(out: Path, backbone: str, precision: str, *, engines: bool = False) -> None:
    """Write the bundle.

    Args:
        out: The bundle's folder, which is replaced.
        backbone: timm's name of the backbone.
        precision: "float32" or "float16".
        engines: Whether to build TensorRT engines too.

    Raises:
        MdhrError: There is no such backbone, or the bundle or its engines cannot be made.
    """
    import torch

    from mdhr_export.exporter import Options, export_bundle
    from mdhr_export.tensorrt import EngineOptions, build_engines
    from mdhr_train.checkpoints import save_checkpoint
    from mdhr_train.datasets import BP4D
    from mdhr_train.model import MDHR, ModelConfig

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "random.pt"
        save_checkpoint(checkpoint, MDHR(ModelConfig(BP4D, backbone)))
        export_bundle(checkpoint, out, Options(precision, clip_graph=True), step)
    if engines:
        build_engines(out, EngineOptions(verify=False), step)


if __name__ == "__main__":
    main()
