"""The least time that graphs can take."""

import pytest

from mdhr_bench.cost.floor import floor_of
from mdhr_bench.results import Cost


def cost(flops=0, weights=0, inputs=0, outputs=0, traffic=0):
    return Cost("graph", flops, {}, weights, inputs, outputs, traffic)


def test_the_floor_is_the_sum_of_each_graphs_larger_limit():
    busy = cost(flops=4_000, weights=100)  # 4 ms of computing, 0.1 ms of reading
    heavy = cost(flops=1_000, weights=2_000, inputs=600, outputs=400)  # 1 ms of computing, 3 ms of reading
    floor = floor_of([busy, heavy], flops=1e6, bandwidth=1e6, step_ms=21.0)
    assert floor.milliseconds == pytest.approx(4 + 3)
    assert floor.compute == pytest.approx(4 + 1)
    assert floor.memory == pytest.approx(0.1 + 3)
    assert floor.times == pytest.approx(3)


def test_traffic_between_operators_does_not_raise_the_floor():
    floor = floor_of([cost(flops=1_000, traffic=10**9)], flops=1e6, bandwidth=1e6, step_ms=1.0)
    assert floor.milliseconds == pytest.approx(1)


def test_graphs_that_do_nothing_have_no_floor():
    with pytest.raises(ValueError, match="no floor"):
        floor_of([], flops=1e6, bandwidth=1e6, step_ms=1.0)
