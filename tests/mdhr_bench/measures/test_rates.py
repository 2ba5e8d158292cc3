from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from stopwatch import Stopwatch

import mdhr_runtime
from mdhr_bench.machine import power
from mdhr_bench.machine.power import Meter
from mdhr_bench.measures import rates, timing
from mdhr_bench.measures.pipeline import Clock, TimedBackend
from mdhr_bench.measures.rates import CURVES, IDLE_SECONDS, SIZES, STEPS_SECONDS, measure_energy, measure_throughput
from mdhr_bench.results import Missing
from mdhr_runtime.backends.table import open_backend
from mdhr_runtime.bundle import open_bundle
from mdhr_runtime.errors import MdhrError
from mdhr_runtime.streaming.model import Model

MILLISECONDS = {
    # A run that costs 10 ms and 1 ms per frame: from 64 on 128 gains 7 %, and 256 no more than 4 %.
    "encoder": lambda size: 10 + size,
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
    monkeypatch.setattr(timing, "perf_counter", clock)

    def curve(milliseconds):
        return lambda _, size: lambda: clock.pass_by(milliseconds(size) / 1e3)

    monkeypatch.setattr(rates, "CURVES", {name: curve(each) for name, each in MILLISECONDS.items()})


@pytest.mark.usefixtures("clocked")
def test_every_curve_has_its_frames_per_second_and_one_knee():
    points = measure_throughput(limited(None, 16), 3)
    assert [(each.curve, each.size) for each in points] == [
        *(("encoder", size) for size in (*SIZES, 64, 128, 256)),
        *(("streams", size) for size in SIZES),
        *(("clip", size) for size in SIZES if size <= 16),
    ]
    for each in points:
        rate = 1e3 * each.size / MILLISECONDS[each.curve](each.size)
        assert (each.frames_per_second, each.low, each.high) == pytest.approx((rate, rate, rate))
    assert {each.curve: each.size for each in points if each.knee} == {"encoder": 128, "streams": 1, "clip": 4}
    assert sum(each.knee for each in points) == 3


@pytest.mark.usefixtures("clocked")
def test_graphs_are_given_no_more_than_they_take():
    points = measure_throughput(limited(4, 2), 3)
    largest = {curve: max(each.size for each in points if each.curve == curve) for curve in MILLISECONDS}
    assert largest == {"encoder": 4, "streams": 32, "clip": 2}


@pytest.mark.usefixtures("clocked")
@pytest.mark.parametrize(("limit", "largest"), [(1, 1), (2, 2), (40, 32), (100, 64), (None, 256)])
def test_a_curve_goes_on_while_it_gains_and_the_graph_allows(limit, largest):
    points = measure_throughput(limited(limit, 1), 3)
    assert max(each.size for each in points if each.curve == "encoder") == largest


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


STEP, JOULES, RESTING = 0.5, 3.0, 2.0
"""Seconds and joules of a step, and watts of a machine at rest."""


class Machine(Stopwatch):
    """A machine that takes energy for steps and at rest."""

    def __init__(self):
        super().__init__()
        self.joules = 1000.0

    def sleep(self, seconds):
        self.pass_by(seconds)
        self.joules += RESTING * seconds

    def push(self, frames):
        assert frames.shape == (1, 224, 224, 3)
        self.pass_by(STEP)
        self.joules += JOULES

    @contextmanager
    def counter(self):
        yield lambda: self.joules

    @contextmanager
    def lost(self):
        yield lambda: self.joules
        raise MdhrError("The meter is lost.", "Its cable broke.", "Mend it.")


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    monkeypatch.setattr(rates, "time", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(rates, "monotonic", made)
    monkeypatch.setattr(power, "time", SimpleNamespace(perf_counter=made))
    return made


@pytest.fixture
def model(tiny_bundle, machine, monkeypatch):
    """A model whose steps are the machine's."""
    loaded = mdhr_runtime.load(tiny_bundle, "cpu")
    monkeypatch.setattr(loaded, "stream", lambda: SimpleNamespace(push=machine.push))
    return loaded


@pytest.fixture
def meters(monkeypatch):
    """Say what this machine has."""
    return lambda *found: monkeypatch.setattr(rates, "find_meters", lambda: found)


def test_a_frame_has_its_share_of_the_energy_and_rest_is_measured_before(model, machine, meters):
    meters([Meter("by hand", machine.counter)], [])
    (found,), missing = measure_energy(model)
    assert found.source == "by hand"
    assert found.frames == STEPS_SECONDS / STEP
    assert found.joules_per_frame == pytest.approx(JOULES)
    assert found.watts == pytest.approx(JOULES / STEP)
    assert found.idle_watts == pytest.approx(RESTING)
    assert machine.now == IDLE_SECONDS + STEPS_SECONDS
    assert missing == []


def test_a_meter_that_fails_is_missing_and_the_others_measure(model, machine, meters):
    absent = Missing("energy of the GPU", "The driver does not tell it.")
    meters([Meter("broken", machine.lost), Meter("by hand", machine.counter)], [absent])
    found, missing = measure_energy(model)
    assert [each.source for each in found] == ["by hand"]
    assert missing == [absent, Missing("energy by broken", "The meter is lost. Its cable broke.")]
