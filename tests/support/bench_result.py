"""A made-up result of the benchmark."""

import numpy as np

from mdhr_bench.results import (
    Ceiling,
    ColdStart,
    Cost,
    Distribution,
    Energy,
    Floor,
    Memory,
    Missing,
    Pipeline,
    Prediction,
    Ratio,
    Result,
    Stage,
    Throughput,
    Timing,
    Transfer,
    Variant,
)

ROUNDS, CALLS = 12, 25


def summary(samples):
    """The distribution of some samples."""
    samples = np.asarray(samples, float).ravel()
    p50, p90, p95, p99 = map(float, np.percentile(samples, (50, 90, 95, 99)))
    return Distribution(
        len(samples), float(samples.mean()), float(samples.std()), p50, p90, p95, p99, float(samples.max())
    )


def timing(name, middle, *, what="part", frames=1, title=None, noise=0.02, steady=True, rounds=ROUNDS, seed=0):
    """A timing whose rounds lie around `middle` milliseconds, `noise` of it apart."""
    generator = np.random.default_rng([seed, *name.encode()])
    levels = middle * (1 + noise * generator.standard_normal(rounds))
    calls = levels[:, None] * (1 + 0.03 * generator.gamma(1.5, 1.0, (rounds, CALLS)))
    medians = np.median(calls, axis=1)
    low, half, high = np.percentile(medians, (10, 50, 90))
    return Timing(
        name,
        title or f"{name}, called by itself",
        what,
        frames,
        tuple(map(float, calls.ravel())),
        tuple(map(float, medians)),
        summary(calls),
        float((high - low) / 2 / half),
        steady,
        40,
    )


def ratio(of, to, *, steady=True):
    """The ratio of two timings per frame."""
    values = np.array(of.rounds) / of.frames / (np.array(to.rounds) / to.frames)
    low, value, high = map(float, np.percentile(values, (10, 50, 90)))
    return Ratio(of.id, to.id, value, low, high, steady)


def variants(scale=1.0, seed=0):
    """The encoder and the step in ONNX Runtime's float32 and OpenVINO's bfloat16."""
    found = []
    for part, frames, middle in (("encoder", 1, 10.1), ("encoder", 16, 140.0), ("step", 1, 12.4), ("step", 16, 150.0)):
        times = {"cpu float32": middle * scale, "openvino bfloat16": 0.3 * middle * scale}
        first, second = (
            timing(f"{part} × {frames}, {name}", time, frames=frames, seed=seed) for name, time in times.items()
        )
        for each in (first, second):
            floor = Floor(2.0, 2.0, 1.0, each.summary.p50 / 2) if part == "encoder" else None
            layers = {"Convolution brgconv_avx512_amx_bf16": 0.875, "Reorder jit_uni_f32": 0.125}
            layers = layers if each is second and part == "encoder" else {}
            found.append(Variant(each, ratio(each, first), floor, layers))
    return found


def complete(*, name="bp4d-resnet50", steady=True, scale=1.0, seed=0):
    """A result with all its parts.

    Args:
        name: Name of the bundle.
        steady: Whether the step's times are steady.
        scale: How many times as long everything takes.
        seed: Other noise for another number.
    """
    whole = timing(
        "step",
        12.4 * scale,
        what="whole",
        title="one frame in, one frame's scores out",
        noise=0.02 if steady else 0.2,
        steady=steady,
        seed=seed,
    )
    parts = [timing("encoder", 10.1 * scale, seed=seed), timing("temporal", 1.87 * scale, seed=seed)]
    baselines = [
        timing(each, time * scale, what="baseline", frames=frames, seed=seed)
        for each, time, frames in (
            ("clip", 190.0, 16),
            ("backbone", 8.2, 1),
            ("torch-clip", 410.0, 16),
            ("torch-window", 411.0, 1),
        )
    ]
    return Result(
        environment={
            "machine": {"name": "Example CPU 3000, 4 cores", "slug": "example-cpu-3000-4-cores"},
            "system": {"os": "Debian GNU/Linux 12", "kernel": "6.1.0", "python": "CPython 3.11.2"},
            "cpu": {
                "model": "Example CPU 3000",
                "logical_cores": 4,
                "instructions": "avx2, fma",
                "clocks": {"current_mhz": 2600.0, "governor": "performance"},
            },
            "memory": {"total_bytes": 25_276_067_840, "available_bytes": 23_796_244_480},
            "packages": {"numpy": "1.26.4", "onnxruntime": "1.20.1"},
            "provider": {"name": "cpu", "precision": "float32", "reason": "tried here: cpu float32: 12.4 ms a frame"},
        },
        bundle={"name": name, "hash": "3f" * 32, "backbone": "resnet50", "dataset": "bp4d", "precision": "float32"},
        settings={"provider": "cpu", "threads": 4, "rounds": ROUNDS},
        started="2025-05-06T07:08:09Z",
        seconds=251.4,
        complete=True,
        warnings=["Other programs used 12 % of the CPU while this ran."],
        missing=[Missing("power of the GPU", "There is no GPU.")],
        cold_start=ColdStart(0.412, 0.893, 0.0361, 1.4, 5),
        timings=[whole, *parts, *baselines],
        ratios=[
            *(ratio(whole, baseline, steady=steady) for baseline in baselines),
            ratio(parts[0], baselines[1]),
        ],
        transfers=[
            Transfer("host to device", 150_528, summary([0.021, 0.022, 0.024])),
            Transfer("device to host", 48, summary([0.008, 0.009, 0.011])),
        ],
        throughput=[
            Throughput(curve, size, rate / scale, 0.95 * rate / scale, 1.04 * rate / scale, size == knee)
            for curve, knee, rates in (
                ("encoder", 8, {1: 99.0, 2: 131.0, 4: 152.0, 8: 171.0, 16: 174.0}),
                ("streams", 4, {1: 80.6, 2: 104.0, 4: 121.0, 8: 122.0}),
                ("clip", 1, {1: 80.0, 16: 79.0}),
            )
            for size, rate in rates.items()
        ],
        pipeline=[
            Pipeline(
                "faces.mp4",
                1280,
                720,
                300,
                288,
                6.31 * scale,
                6.2 * scale,
                6.5 * scale,
                tuple(
                    Stage(stage, share * 6.31 * scale, share)
                    for stage, share in {
                        "decode": 0.11,
                        "detection": 0.46,
                        "alignment": 0.03,
                        "encoding": 0.82,
                        "temporal": 0.09,
                        "output": 0.004,
                    }.items()
                ),
                4.4 * scale,
                0.18,
                3,
            )
        ],
        memory=Memory(61_000_000, 402_000_000, 455_000_000, 498_000_000, 1_240_000, 1_900_000, None),
        energy=[Energy("RAPL, package", 0.412, 33.2, 9.1, 900)],
        ceilings=[
            Ceiling("matmul float32", "products in float32", "FLOP/s", 1.2e13, summary([1.15e13, 1.2e13])),
            Ceiling("matmul bfloat16", "products in bfloat16", "FLOP/s", 6e13, summary([5.5e13, 6e13])),
            Ceiling("copy", "copy of 256 MiB", "B/s", 1.9e11, summary([1.8e11, 1.9e11])),
        ],
        costs=[
            Cost(
                "encoder",
                14_100_000_000,
                {"Conv": 12_000_000_000, "MatMul": 2_100_000_000},
                151_000_000,
                602_112,
                98_304,
                412_000_000,
            ),
            Cost(
                "temporal",
                310_000_000,
                {"MatMul": 300_000_000, "Gemm": 10_000_000},
                21_000_000,
                400_000,
                390_000,
                44_000_000,
            ),
        ],
        floor=Floor(1.7, 1.2, 0.9, whole.summary.p50 / 1.7),
        predictions=[
            Prediction(
                "Jetson AGX Orin",
                8.5e13,
                2.048e11,
                "float16",
                0.61,
                "memory",
                "Datasheet DS-10662, https://example.org/a_b/orin/",
            ),
            Prediction("Jetson Orin Nano", 1.7e13, 6.8e10, "float16", 1.92, "memory", "NVIDIA's datasheet DS-11105"),
        ],
        variants=variants(scale, seed),
    )


def partial():
    """A result of a run that was interrupted after its first timings."""
    whole = complete()
    return Result(
        environment=whole.environment,
        bundle=whole.bundle,
        settings=whole.settings,
        started=whole.started,
        seconds=31.0,
        missing=[Missing("energy", "The counters of RAPL may not be read.")],
        cold_start=whole.cold_start,
        timings=[each for each in whole.timings if each.id in ("step", "encoder", "clip")],
        ratios=[each for each in whole.ratios if (each.of, each.to) == ("step", "clip")],
    )
