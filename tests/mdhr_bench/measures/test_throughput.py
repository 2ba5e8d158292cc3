from types import SimpleNamespace

import pytest
from stopwatch import Stopwatch

from mdhr_bench.measures import sampling, throughput
from mdhr_bench.measures.pipeline import Clock, TimedBackend
from mdhr_bench.measures.throughput import CURVES, SIZES, measure_throughput
from mdhr_runtime.backends.table import open_backend
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.streaming.model import Model

MILLISECONDS = {
    # A run that costs 40 ms and 1 ms per frame: only the largest size comes near the best.
    "encoder": lambda size: 40 + size,
    # Streams that take their turn: more are no faster.
    "streams": lambda size: 10 * size,
    # From 4 frames on, each costs 5 ms.
    "clip": lambda size: max(20, 5 * size),
}


def limited(frames, most):
    """A model whose encoder takes so many frames at once, and whose streams so many in a push."""
    return SimpleNamespace(
        graph=lambda _: SimpleNamespace(limits={} if frames is None else {"frames": frames}),
        batch=lambda: SimpleNamespace(most_frames=most),
    )


@pytest.fixture
def clocked(monkeypatch):
    """Let every call take as long as `MILLISECONDS` says."""
    clock = Stopwatch()
    monkeypatch.setattr(sampling, "perf_counter", clock)

    def curve(milliseconds):
        return lambda _, size: lambda: clock.pass_by(milliseconds(size) / 1e3)

    monkeypatch.setattr(throughput, "CURVES", {name: curve(each) for name, each in MILLISECONDS.items()})


@pytest.mark.usefixtures("clocked")
def test_every_curve_has_its_frames_per_second_and_one_knee():
    points = measure_throughput(limited(None, 16), 3)
    assert [(each.curve, each.size) for each in points] == [
        *(("encoder", size) for size in SIZES),
        *(("streams", size) for size in SIZES),
        *(("clip", size) for size in SIZES if size <= 16),
    ]
    for each in points:
        rate = 1e3 * each.size / MILLISECONDS[each.curve](each.size)
        assert (each.frames_per_second, each.low, each.high) == pytest.approx((rate, rate, rate))
    assert {each.curve: each.size for each in points if each.knee} == {"encoder": 32, "streams": 1, "clip": 4}
    assert sum(each.knee for each in points) == 3


@pytest.mark.usefixtures("clocked")
def test_graphs_are_given_no_more_than_they_take():
    points = measure_throughput(limited(4, 2), 3)
    largest = {curve: max(each.size for each in points if each.curve == curve) for curve in MILLISECONDS}
    assert largest == {"encoder": 4, "streams": 32, "clip": 2}


@pytest.fixture(scope="module")
def counted(tiny_bundle):
    """A model, and the sizes of its encoder's runs."""
    bundle = open_bundle(tiny_bundle)
    model = Model(bundle, TimedBackend(open_backend(bundle, "cpu"), {"encoder": Clock()}))
    return model, model.graph("encoder").rows


@pytest.mark.parametrize("curve", CURVES)
def test_a_call_of_a_size_takes_as_many_frames_through_the_encoder(counted, curve):
    model, rows = counted
    call = CURVES[curve](model, 3)
    rows.clear()
    call()
    call()
    assert rows == [3, 3]
