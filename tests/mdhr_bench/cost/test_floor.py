"""The least time that graphs can take, here and by datasheets."""

import json
from dataclasses import asdict

import bench_result
import pytest

from mdhr_bench.cost.floor import MACHINES, floor_here, floor_of, in_precision, predict
from mdhr_bench.results import Cost

FLOPS = {  # dense float16, in TFLOP/s
    "H100 80GB SXM": 989.5,
    "A100 80GB SXM": 312,
    "Jetson AGX Orin 64GB, MAXN": 42.5,
    "Jetson Orin NX 16GB, MAXN SUPER": 19.2,
    "Jetson Orin NX 16GB, MAXN": 15,
    "Jetson Orin Nano 8GB, MAXN SUPER": 16.75,
    "Jetson Orin Nano 8GB, 15 W": 10,
}


def cost(flops, weights):
    return Cost("graph", flops, {"Conv": flops}, weights, weights // 10, weights // 10, 0)


def test_every_machine_is_predicted_with_its_peak_and_its_source():
    predictions = predict([cost(10**9, 10**6)], "float16")
    assert {each.machine: pytest.approx(each.flops / 1e12, rel=2e-3) for each in predictions} == FLOPS
    assert all("https://" in each.source and each.precision == "float16" for each in predictions)
    assert all(each.bandwidth == machine.bandwidth for each, machine in zip(predictions, MACHINES, strict=True))


def test_peaks_of_jetsons_follow_from_what_nvidia_states_by_their_clocks():
    # Tensor cores of one kind: peaks are as cores times clock, to NVIDIA's rounding.
    rates = {each.name.split(",")[0] + each.name.split(",")[-1]: each.flops for each in MACHINES if "Orin" in each.name}
    work = {  # tensor cores times MHz
        "Jetson AGX Orin 64GB MAXN": 64 * 1300,
        "Jetson Orin NX 16GB MAXN SUPER": 32 * 1173,
        "Jetson Orin NX 16GB MAXN": 32 * 918,
        "Jetson Orin Nano 8GB MAXN SUPER": 32 * 1020,
        "Jetson Orin Nano 8GB 15 W": 32 * 625,
    }
    each = [rates[name] / work[name] for name in work]
    assert max(each) / min(each) < 1.03


def test_a_prediction_is_the_larger_limit_of_each_graph_and_names_the_one_that_makes_most_of_it():
    (computing, *_), (reading, *_) = predict([cost(10**12, 10)], "float16"), predict([cost(10, 10**9)], "float16")
    assert computing.limit == "compute"
    assert computing.milliseconds == pytest.approx(1e3 * 1e12 / 989.5e12)
    assert reading.limit == "memory"
    assert reading.milliseconds == pytest.approx(1e3 * 1.2e9 / 3.35e12)
    both = predict([cost(10**12, 10), cost(10, 10**9)], "float16")[0]
    assert both.milliseconds == pytest.approx(computing.milliseconds + reading.milliseconds)
    assert both.limit == "compute"
    # Each graph reads for a little longer than it computes: reading is the limit of both.
    close = [cost(28 * 10**10, 10**9), cost(28 * 10**10, 10**9)]
    assert predict(close, "float16")[0].limit == "memory"


def test_bytes_of_float32_graphs_are_halved_and_operations_stay():
    graphs = [cost(10, 10**9)]
    whole, half = predict(graphs, "float32")[0], predict(graphs, "float16")[0]
    assert whole.milliseconds == pytest.approx(half.milliseconds / 2)
    assert (
        predict([cost(10**12, 10)], "float32")[0].milliseconds == predict([cost(10**12, 10)], "float16")[0].milliseconds
    )
    with pytest.raises(ValueError, match="int8"):
        predict(graphs, "int8")


def test_predictions_can_be_written_as_json():
    assert json.loads(json.dumps([asdict(each) for each in predict([cost(1, 1)], "float16")], allow_nan=False))


def work(flops=0, weights=0, inputs=0, outputs=0, traffic=0):
    return Cost("graph", flops, {}, weights, inputs, outputs, traffic)


def test_the_floor_is_the_sum_of_each_graphs_larger_limit():
    busy = work(flops=4_000, weights=100)  # 4 ms of computing, 0.1 ms of reading
    heavy = work(flops=1_000, weights=2_000, inputs=600, outputs=400)  # 1 ms of computing, 3 ms of reading
    floor = floor_of([busy, heavy], flops=1e6, bandwidth=1e6, step_ms=21.0)
    assert floor.milliseconds == pytest.approx(4 + 3)
    assert floor.compute == pytest.approx(4 + 1)
    assert floor.memory == pytest.approx(0.1 + 3)
    assert floor.times == pytest.approx(3)


def test_traffic_between_operators_does_not_raise_the_floor():
    floor = floor_of([work(flops=1_000, traffic=10**9)], flops=1e6, bandwidth=1e6, step_ms=1.0)
    assert floor.milliseconds == pytest.approx(1)


def test_more_frames_are_more_work_with_the_same_weights_and_narrower_numbers_fewer_bytes():
    (found,) = in_precision([work(flops=10, weights=100, inputs=40, outputs=20)], "float32", "bfloat16", frames=16)
    assert (found.flops, found.weights, found.inputs, found.outputs) == (160, 50, 320, 160)


def test_the_floor_here_is_by_the_ceiling_of_the_precision_that_is_computed_in():
    result = bench_result.complete()
    timing, costs = result.timing("step"), [work(flops=12 * 10**9)]
    assert floor_here(result, costs, "float32", timing).milliseconds == pytest.approx(1)
    assert floor_here(result, costs, "bfloat16", timing).milliseconds == pytest.approx(0.2)
    assert floor_here(result, costs, "float16", timing) is None  # which was not measured
    assert floor_here(result, costs, "float32", timing).times == pytest.approx(timing.summary.p50)
    assert floor_here(result, costs, "float32", result.timing("clip")).milliseconds == pytest.approx(16)


def test_graphs_that_do_nothing_have_no_floor():
    with pytest.raises(ValueError, match="no floor"):
        floor_of([], flops=1e6, bandwidth=1e6, step_ms=1.0)
