"""The command line `mdhr-bench`."""

from __future__ import annotations

import mdhr_runtime.cli.program  # noqa: F401 -- before all that takes time to import

# isort: split
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mdhr_runtime.cli.console import Command, Group, overwrite_option
from mdhr_runtime.cli.signals import Stopped
from mdhr_runtime.errors import ConfigError

RUN = "run"

REPORTS = (".md", ".html")
"""Files beside the JSON file of a run."""

SEAL = "<!-- benchmark: {} -->"
"""Their last line."""


@click.group(cls=Group, unnamed=RUN)
@click.version_option(package_name="mdhr-edge")
def main() -> None:
    """Measure how fast a bundle is on this machine, and how far that is from what the machine could do.

    `mdhr-bench best.mdhr` is short for `mdhr-bench run best.mdhr`.
    """


@main.command(RUN, cls=Command)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--provider",
    default="auto",
    show_default=True,
    help="What runs the model: tensorrt (the bundle's engines), cuda, ort-tensorrt, openvino or cpu; auto takes the "
    "fastest that is there and right, ort-tensorrt left aside.",
)
@click.option(
    "--precision",
    metavar="float32|float16|bfloat16|auto",
    help="What OpenVINO computes the model in; auto takes the fastest that gives the right scores on this machine.  "
    "[default: the bundle's, and float32 in OpenVINO]",
)
@click.option(
    "--video",
    "videos",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also measure the way of a video file to a table. May be given several times.",
)
@click.option(
    "--out",
    metavar="FILE.json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result; a report in Markdown and a page with plots are written beside it.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=5),
    default=20,
    show_default=True,
    help="How often everything takes its turn. More rounds show smaller differences.",
)
@overwrite_option()
def run(bundle: Path, videos: tuple[Path, ...], out: Path | None, overwrite: bool, **choices: Any) -> None:
    """Measure latency, throughput, pipeline, memory and energy of BUNDLE, beside baselines in the same run.

    It takes some minutes, and the machine should have nothing else to do. PyTorch's part is left out where PyTorch is
    not installed.

    Exit status: 0 when it came to its end, and the report names what could not be measured; 1 when it could not begin,
    or could not write; 130, 143 or 129 when it is stopped by Ctrl-C, SIGTERM or SIGHUP. A stopped run leaves a
    valid file of what it had measured, which says that it is partial.
    """
    if out and out.suffix != ".json":
        raise ConfigError(f"{out} is no name for a result.", "It does not end in .json.", "Use --out FILE.json.")
    _need_packages()
    if out:
        _claim(out, [bundle, *videos], overwrite)
    from .report.text import tell
    from .run import Benchmark

    measuring = stopped = None
    try:
        measuring = Benchmark(bundle, videos=videos, out=out, **choices)
        click.echo(f"provider: {measuring.model.provider} ({measuring.model.reason})", err=True)
        measuring()
    except Stopped as signalled:
        stopped = signalled
        click.echo("\nstopped", err=True)
        if measuring:
            measuring.save()
    if measuring:
        click.echo(tell(measuring.result))
        if out:
            _write_reports(measuring.result, out)
    if stopped:
        raise SystemExit(128 + stopped.signal)


@main.command(cls=Command)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def compare(before: Path, after: Path) -> None:
    """Compare two results, and say which differences are more than noise.

    Results of different machines are compared by their ratios to the baselines of the same run.
    """
    from .compare import compare
    from .report.text import tell_comparison
    from .results import read_result

    click.echo(tell_comparison(compare(read_result(before), read_result(after))))


def _claim(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Claim all files of a result until the command ends, before anything is measured.

    Raises:
        OutputError: One of them may not be written; see `Claim`.
    """
    from mdhr_runtime.files import told
    from mdhr_runtime.targets import Claim, is_sealed

    from .results import is_result

    with told(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    reports = {out.with_suffix(suffix): lambda path: is_sealed(path.read_bytes(), SEAL) for suffix in REPORTS}
    for path, is_ours in {out: is_result, **reports}.items():
        claim = Claim(path, is_ours, inputs=inputs, overwrite=overwrite)
        click.get_current_context().with_resource(claim)


def _write_reports(result: Any, out: Path) -> None:
    from mdhr_runtime.files import write_text
    from mdhr_runtime.targets import sealed

    from .report.page import page
    from .report.text import markdown

    files = [out.with_suffix(suffix) for suffix in REPORTS]
    for file, text in zip(files, (markdown(result), page(result)), strict=True):
        write_text(file, sealed(text.encode(), SEAL).decode())
    click.echo("\n".join(("", str(out), *map(str, files))), err=True)


def _need_packages() -> None:
    """Say what to install, before minutes have passed.

    Raises:
        ConfigError: A package of the `bench` extra is not there.
    """
    from importlib.util import find_spec

    absent = [name for name in ("onnx", "psutil", "pynvml", "matplotlib") if find_spec(name) is None]
    if absent:
        raise ConfigError(
            "The benchmark's packages are not installed.",
            f"Python cannot import {', '.join(absent)}.",
            "Run `pip install 'mdhr-edge[bench]'`.",
        )
