import bench_result
import pytest

from mdhr_bench.report.roofline import points_of, roofline_plots


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
