"""Latency and throughput on a GPU: TensorRT beside ONNX Runtime and PyTorch, in one run. `make gpu-bench` calls it.

    python benchmarks/gpu.py [--backbone resnet50] [--rounds 200] [--out benchmarks/results]

Weights are random; speed does not depend on them. Every way is timed in turn, round by round, so that what disturbs the
machine disturbs all. Without a GPU it times what is there on the CPU, which serves to try the script.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import torch

from mdhr_export.exporter import Options, export_bundle
from mdhr_export.graphs import EncoderGraph, TemporalGraph
from mdhr_export.tensorrt import EngineOptions, build_engines
from mdhr_export.tensorrt.builder import BuildSettings, build_engine
from mdhr_export.tensorrt.product import choose_builder
from mdhr_export.tensorrt.shapes import profiles_of
from mdhr_export.tracing import GraphSpec, encoder_spec, graph_record, trace
from mdhr_runtime.backends import onnx_runtime
from mdhr_runtime.backends.choosing import open_backend
from mdhr_runtime.backends.tensorrt.gpu import find_gpu
from mdhr_runtime.bundle import Manifest, read_bundle
from mdhr_runtime.console import step, table
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.model import Model
from mdhr_train.checkpoints import save_checkpoint
from mdhr_train.layouts import BP4D
from mdhr_train.model import INPUT_SIZE, MDHR, ModelConfig, normalise

BATCHES = (1, 4, 8, 16)
FLOPS = {"resnet50": (14.4, 8.2), "swin_base_patch4_window7_224": (32.6, 30.9)}
"""Floating point operations of a frame in units of 1e9: whole model, backbone alone."""

ALLOWANCE = 1.25
"""How much longer than its share of operations a step may take, beside the backbone alone."""

Way = Callable[[], object]


class Backbone(torch.nn.Module):
    """The backbone alone, fed as the encoder is."""

    def __init__(self, encoder: EncoderGraph) -> None:
        super().__init__()
        self.backbone, self.dtype = encoder.backbone, encoder.dtype

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.backbone(normalise(frames, self.dtype)).final


class TorchStep:
    """A frame in, a frame's scores out, with PyTorch; the states stay on the device."""

    def __init__(self, model: MDHR, dtype: torch.dtype, device: str, compiled: bool) -> None:
        encoder, temporal = EncoderGraph(model, dtype).eval().to(device), TemporalGraph(model, dtype).eval().to(device)
        encoder.to(memory_format=torch.channels_last)
        self.encoder = torch.compile(encoder) if compiled else encoder
        self.temporal = torch.compile(temporal) if compiled else temporal
        self.states = [torch.zeros(1, *shape, dtype=dtype, device=device) for shape in temporal.state_shapes().values()]
        self.valid = torch.ones(1, 1, dtype=dtype, device=device)
        self.device = device

    def encode(self, frames: np.ndarray) -> tuple[torch.Tensor, ...]:
        with torch.inference_mode():
            outputs = self.encoder(torch.from_numpy(frames).to(self.device))
        if self.device == "cuda":
            torch.cuda.synchronize()
        return outputs

    def step(self, frame: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            features = (x[None] for x in self.encoder(torch.from_numpy(frame).to(self.device)))
            scores, _, *self.states = self.temporal(*features, self.valid, *self.states)
            return scores.cpu().numpy()


@click.command()
@click.option("--backbone", type=click.Choice(list(FLOPS)), default="resnet50", show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=200, show_default=True)
@click.option("--compiled/--no-compiled", default=True, help="Also time torch.compile.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results.")
def main(backbone: str, rounds: int, compiled: bool, out: Path | None) -> None:
    """Time the encoder over batch sizes, and the step of a live stream."""
    gpu = find_gpu()
    precision = "float16" if gpu else "float32"
    frames = np.random.default_rng(0).integers(0, 256, (max(BATCHES), INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    torch.manual_seed(0)
    model = MDHR(ModelConfig(BP4D, backbone)).eval()
    with tempfile.TemporaryDirectory() as folder:
        bundle = _make_bundle(Path(folder), model, precision)
        encoders, steps = _torch_ways(model, precision, "cuda" if gpu else "cpu", compiled)
        for name, loaded in _runtime_models(bundle).items():
            encoders[name], steps[name] = _encoder_way(loaded), _step_way(loaded)
        if gpu:
            encoders["backbone alone, TensorRT"] = _backbone_way(Path(folder), model, bundle)
        results = {
            "machine": _machine(gpu),
            "date": date.today().isoformat(),
            "backbone": backbone,
            "precision": precision,
            "rounds": rounds,
            "encoder": {
                str(batch): _time({name: _bind(way, frames[:batch]) for name, way in encoders.items()}, rounds)
                for batch in BATCHES
            },
            "step": _time({name: _bind(way, frames[:1]) for name, way in steps.items()}, rounds),
        }
    _tell(results, FLOPS[backbone])
    if out:
        path = out / _machine(gpu)["name"].lower().replace(" ", "-") / f"gpu-{backbone}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=2) + "\n")
        click.echo(f"\n{path}")


def _make_bundle(folder: Path, model: MDHR, precision: str) -> Path:
    save_checkpoint(folder / "random.pt", model)
    path = folder / "random.mdhr"
    with step("export"):
        export_bundle(folder / "random.pt", path, Options(precision, verify=False), lambda _: nullcontext())
    if find_gpu():
        build_engines(path, EngineOptions(max_frames=max(BATCHES), verify=False), step)
    return path


def _runtime_models(bundle: Path) -> dict[str, Model]:
    """The bundle with every provider that starts here."""
    found = {}
    for provider, title in {"tensorrt": "TensorRT", "cuda": "ONNX Runtime, CUDA", "cpu": "ONNX Runtime, CPU"}.items():
        try:
            opened = read_bundle(bundle)
            found[title] = Model(opened, open_backend(opened, provider))
            found[title].graph("encoder")
        except MdhrError as error:
            found.pop(title, None)
            click.echo(f"not timed: {title}: {error.why}", err=True)
    if len(found) > 1:
        found.pop("ONNX Runtime, CPU", None)
    return found


def _torch_ways(model: MDHR, precision: str, device: str, compiled: bool) -> tuple[dict[str, Way], dict[str, Way]]:
    dtype = getattr(torch, precision)
    makers = {f"PyTorch, eager, {precision}": (dtype, False)}
    if device == "cuda":
        makers["PyTorch, eager, float32"] = (torch.float32, False)
    if compiled:
        makers[f"PyTorch, compiled, {precision}"] = (dtype, True)
    ways = {name: TorchStep(model, *made[:1], device, made[1]) for name, made in makers.items()}
    return {name: way.encode for name, way in ways.items()}, {name: way.step for name, way in ways.items()}


def _encoder_way(model: Model) -> Way:
    """Frames from the host, features left where the graph runs, as in a stream."""
    encoder, records = model.graph("encoder"), model.bundle.manifest.graphs["encoder"].outputs
    buffers = {name: encoder.allocate(max(BATCHES), tensor.shape[1:], tensor.dtype) for name, tensor in records.items()}

    def run(frames: np.ndarray) -> None:
        encoder.run({"frames": frames}, {name: buffer.region(0, len(frames)) for name, buffer in buffers.items()})
        _finish(encoder)

    return run


def _step_way(model: Model) -> Way:
    return model.stream().push


def _backbone_way(folder: Path, model: MDHR, bundle: Path) -> Way:
    """The backbone alone as an engine, beside the others on the same GPU."""
    from mdhr_runtime.backends.tensorrt.cuda import open_cuda
    from mdhr_runtime.backends.tensorrt.device import Device
    from mdhr_runtime.backends.tensorrt.graph import EngineGraph
    from mdhr_runtime.backends.tensorrt.words import collect_words

    encoder = EncoderGraph(model, torch.float16)
    path = folder / "backbone.onnx"
    trace(GraphSpec(Backbone(encoder), encoder_spec(encoder, INPUT_SIZE).inputs, ("final",)), path)
    manifest: Manifest = read_bundle(bundle).manifest
    flavor = choose_builder("auto", find_gpu())
    built = build_engine(path, flavor, profiles_of("encoder", manifest, 8, max(BATCHES)), BuildSettings())
    device, words = Device(open_cuda()), collect_words(flavor.module)
    runtime = flavor.module.Runtime(words)
    with device.use():
        engine = runtime.deserialize_cuda_engine(built.data)
    record = graph_record(path, folder)
    graph = EngineGraph("backbone", engine, record, device, words.last, "mdhr-export --trt")
    output = record.outputs["final"]
    buffer = graph.allocate(max(BATCHES), output.shape[1:], output.dtype)

    def run(frames: np.ndarray, _alive: object = runtime) -> None:
        graph.run({"frames": frames}, {"final": buffer.region(0, len(frames))})
        _finish(graph)

    return run


def _finish(graph: object) -> None:
    """Wait for a graph whose outputs stay on the GPU."""
    device = getattr(graph, "_device", None)
    if device is not None:
        with device.use():
            device.wait()


def _bind(way: Callable[[np.ndarray], object], frames: np.ndarray) -> Way:
    return lambda: way(frames)


def _time(ways: dict[str, Way], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds per call: median and 99th percentile, taken in turns after a warm-up."""
    for way in ways.values():
        for _ in range(max(3, rounds // 10)):
            way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = perf_counter()
            way()
            seconds[name].append(perf_counter() - start)
    return {
        name: {"p50": 1e3 * float(np.percentile(taken, 50)), "p99": 1e3 * float(np.percentile(taken, 99))}
        for name, taken in seconds.items()
    }


def _machine(gpu: object) -> dict[str, str]:
    name = getattr(gpu, "name", None) or platform.processor() or platform.machine()
    return {
        "name": name,
        "gpu": str(gpu) if gpu else "none",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onnxruntime": onnx_runtime.title(),
    }


def _tell(results: dict, flops: tuple[float, float]) -> None:
    click.echo(f"\n{results['machine']['name']}, {results['backbone']}, {results['precision']}; p50 / p99 in ms\n")
    rows = [
        (name, *(_cell(results["encoder"][str(batch)][name], batch) for batch in BATCHES))
        for name in results["encoder"]["1"]
    ]
    click.echo(table(("encoder, batch", *map(str, BATCHES)), rows))
    rows = [(name, f"{each['p50']:.2f} / {each['p99']:.2f}") for name, each in results["step"].items()]
    click.echo("\n" + table(("step, one stream", "p50 / p99"), rows))
    alone = results["encoder"]["1"].get("backbone alone, TensorRT")
    if alone:
        whole, part = flops
        bound = ALLOWANCE * whole / part * alone["p50"]
        click.echo(
            f"\nstep with TensorRT: {results['step']['TensorRT']['p50']:.2f} ms; "
            f"{ALLOWANCE} × {whole / part:.2f} × the backbone alone: {bound:.2f} ms"
        )


def _cell(each: dict[str, float], batch: int) -> str:
    return f"{each['p50']:.2f} / {each['p99']:.2f} ({1e3 * batch / each['p50']:.0f}/s)"


if __name__ == "__main__":
    main()
