from dataclasses import replace

import bench_result
import pytest

from mdhr_bench.report.plots import histogram, points_of, roofline_plots
from mdhr_runtime.plotting.page import COLOURS
from mdhr_runtime.plotting.style import styled


@pytest.fixture(autouse=True)
def style():
    with styled():
        yield


def test_calls_far_beyond_the_99th_percentile_are_counted_and_do_not_squash_the_rest():
    timing = bench_result.timing("step", 12.0, what="whole")
    samples = (*timing.samples[:-1], 500.0)
    drawn = histogram(replace(timing, samples=samples, summary=bench_result.summary(samples)))
    assert "Beyond the right edge: 1, the longest 500 ms." in drawn
    assert drawn.count("fill: var(--ours)") == 36
    assert ">500<" not in drawn
    assert not any(colour in drawn for pair in COLOURS.values() for colour in pair)  # the page says what they are


def test_calls_that_all_took_the_same_time_can_be_drawn():
    timing = bench_result.timing("step", 12.0, what="whole")
    samples = (12.0,) * 20
    drawn = histogram(replace(timing, samples=samples, summary=bench_result.summary(samples)))
    assert "20 calls" in drawn
    assert "Beyond" not in drawn


def test_points_lie_at_their_intensity_and_at_the_operations_that_they_reach():
    result = bench_result.complete()
    points = {point.name: point for point in points_of(result)}
    assert list(points) == ["encoder", "temporal", "step"]
    cost, timing = result.costs[0], result.timing("encoder")
    assert points["encoder"].intensity == pytest.approx(cost.flops / (cost.weights + cost.inputs + cost.outputs))
    assert points["encoder"].rate == pytest.approx(cost.flops / (timing.summary.p50 / 1000))
    flops = sum(cost.flops for cost in result.costs)
    assert points["step"].rate == pytest.approx(flops / (result.timing("step").summary.p50 / 1000))
    assert all(point.low < point.rate < point.high for point in points.values())


def test_without_both_ceilings_there_is_no_roof():
    result = bench_result.complete()
    assert len(list(roofline_plots(result))) == 1
    result.ceilings = result.ceilings[:1]
    assert list(roofline_plots(result)) == []
