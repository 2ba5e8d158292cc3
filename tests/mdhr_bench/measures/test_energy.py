from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from stopwatch import Stopwatch

import mdhr_runtime
from mdhr_bench.machine import power
from mdhr_bench.machine.power import Meter
from mdhr_bench.measures import energy
from mdhr_bench.measures.energy import IDLE, SECONDS, measure_energy
from mdhr_bench.results import Missing
from mdhr_runtime.errors import MdhrError

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
    monkeypatch.setattr(energy, "time", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(energy, "monotonic", made)
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
    return lambda *found: monkeypatch.setattr(energy, "find_meters", lambda: found)


def test_a_frame_has_its_share_of_the_energy_and_rest_is_measured_before(model, machine, meters):
    meters([Meter("by hand", machine.counter)], [])
    (found,), missing = measure_energy(model)
    assert found.source == "by hand"
    assert found.frames == SECONDS / STEP
    assert found.joules_per_frame == pytest.approx(JOULES)
    assert found.watts == pytest.approx(JOULES / STEP)
    assert found.idle_watts == pytest.approx(RESTING)
    assert machine.now == IDLE + SECONDS
    assert missing == []


def test_a_meter_that_fails_is_missing_and_the_others_measure(model, machine, meters):
    absent = Missing("energy of the GPU", "The driver does not tell it.")
    meters([Meter("broken", machine.lost), Meter("by hand", machine.counter)], [absent])
    found, missing = measure_energy(model)
    assert [each.source for each in found] == ["by hand"]
    assert missing == [absent, Missing("energy by broken", "The meter is lost. Its cable broke.")]
