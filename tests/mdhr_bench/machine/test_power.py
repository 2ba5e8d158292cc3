"""Meters of energy on made-up trees of /sys."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from mdhr_bench.machine import power
from mdhr_bench.machine.power import INTERVAL, find_cpu_meter, find_meters, find_module_meter, summed_up
from mdhr_bench.results import Missing
from mdhr_runtime.errors import MdhrError


def plant(root, files):
    """Write a tree of files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def zone(number, name, microjoules, span=262143328850):
    folder = f"sys/class/powercap/intel-rapl:{number}"
    return {
        f"{folder}/name": f"{name}\n",
        f"{folder}/energy_uj": f"{microjoules}\n",
        f"{folder}/max_energy_range_uj": f"{span}\n",
    }


def rail(chip, channel, label, millivolts, milliamperes):
    folder = f"sys/bus/i2c/drivers/ina3221/1-00{chip}/hwmon/hwmon{chip}"
    return {
        f"{folder}/in{channel}_label": f"{label}\n",
        f"{folder}/in{channel}_input": f"{millivolts}\n",
        f"{folder}/curr{channel}_input": f"{milliamperes}\n",
    }


@pytest.fixture
def no_gpu(monkeypatch):
    """Hide the GPU of the machine that runs the tests."""
    monkeypatch.setattr(power, "find_gpu_meter", lambda: None)


def test_the_packages_of_a_server_are_measured_together(tmp_path):
    parts = zone("0:0", "core", 1) | zone("0:1", "dram", 1) | zone("2", "psys", 1)
    plant(tmp_path, zone("0", "package-0", 1_000_000) | zone("1", "package-1", 5_000_000) | parts)
    meter = find_cpu_meter(tmp_path)
    assert meter.name == "RAPL, 2 packages"
    after = zone("0", "package-0", 3_500_000) | zone("1", "package-1", 6_000_000) | zone("0:0", "core", 9e9)
    joules, seconds, answer = meter.measure(lambda: plant(tmp_path, after))
    assert (joules, answer) == (3.5, tmp_path)
    assert 0 < seconds < 10


def test_a_counter_that_begins_again_is_followed(tmp_path):
    plant(tmp_path, zone("0", "package-0", 9_000_000, span=10_000_000))
    meter = find_cpu_meter(tmp_path)
    assert meter.name == "RAPL, package"
    joules, *_ = meter.measure(lambda: plant(tmp_path, zone("0", "package-0", 1_500_000, span=10_000_000)))
    assert joules == 2.5


def test_a_meter_measures_again_from_nothing(tmp_path):
    plant(tmp_path, zone("0", "package-0", 1_000_000))
    meter = find_cpu_meter(tmp_path)
    values = iter((2_000_000, 5_000_000))
    found = [meter.measure(lambda: plant(tmp_path, zone("0", "package-0", next(values))))[0] for _ in range(2)]
    assert found == [1.0, 3.0]


def test_a_counter_that_only_root_may_read_is_missing_with_the_way_to_open_it():
    with tempfile.TemporaryDirectory() as folder:
        root = plant(Path(folder), zone("0", "package-0", 1))
        root.chmod(0o755)
        (root / "sys/class/powercap/intel-rapl:0/energy_uj").chmod(0)
        user = os.geteuid()
        # File modes do not bind root.
        if user == 0:
            os.seteuid(65534)
        try:
            found = find_cpu_meter(root)
        finally:
            os.seteuid(user)
    assert isinstance(found, Missing)
    assert "CVE-2020-8694" in found.why
    assert "sudo chmod" in found.why


def test_a_counter_that_fails_is_missing(tmp_path):
    plant(tmp_path, zone("0", "package-0", 1))
    counter = tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj"
    counter.unlink()
    counter.mkdir()
    found = find_cpu_meter(tmp_path)
    assert (found.what, "directory" in found.why) == ("energy of the CPU", True)


def test_a_counter_that_does_not_count_is_missing(tmp_path):
    found = find_cpu_meter(plant(tmp_path, zone("0", "package-0", 0)))
    assert "zero" in found.why


def test_a_counter_that_vanishes_during_a_measurement_is_an_error(tmp_path):
    meter = find_cpu_meter(plant(tmp_path, zone("0", "package-0", 1)))
    with pytest.raises(MdhrError, match="RAPL, package cannot be read"):
        meter.measure((tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink)


def test_the_input_of_an_orin_nano_is_measured(tmp_path):
    rails = (
        rail(40, 1, "VDD_IN", 5000, 2000) | rail(40, 2, "VDD_CPU_GPU_CV", 5000, 400) | rail(40, 3, "VDD_SOC", 5000, 300)
    )
    meter = find_module_meter(plant(tmp_path, rails))
    assert meter.name == "INA3221, VDD_IN"
    joules, seconds, _ = meter.measure(lambda: time.sleep(0.05))
    assert joules == pytest.approx(10 * seconds, rel=0.02)


def test_the_rails_of_an_agx_orin_are_added_without_the_one_that_branches_from_another(tmp_path):
    first = rail(40, 1, "VDD_GPU_SOC", 20000, 100) | rail(40, 2, "VDD_CPU_CV", 20000, 50)
    second = (
        rail(40, 3, "VIN_SYS_5V0", 5000, 1000) | rail(41, 1, "NC", 0, 0) | rail(41, 2, "VDDQ_VDD2_1V8AO", 1800, 9999)
    )
    meter = find_module_meter(plant(tmp_path, first | second))
    assert meter.name == "INA3221, VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0"
    joules, seconds, _ = meter.measure(lambda: time.sleep(0.05))
    assert joules == pytest.approx(8 * seconds, rel=0.02)


def test_power_that_changes_is_followed(tmp_path):
    meter = find_module_meter(plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000)))

    def work():
        plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 4000))
        time.sleep(0.25)

    joules, seconds, _ = meter.measure(work)
    # At 5 W for at most one interval of 0.1 s (and what a busy machine makes of it), then at 20 W.
    assert 5 * seconds < joules <= 20 * seconds


def test_rails_of_an_unknown_board_are_not_added_by_guess(tmp_path, no_gpu):
    found = find_module_meter(plant(tmp_path, rail(40, 1, "VDD_NEW", 5000, 1000)))
    assert isinstance(found, Missing)
    assert "VDD_NEW" in found.why


def test_power_that_can_no_longer_be_read_is_an_error_with_its_cause():
    readings = iter([5.0])
    with summed_up("sensor", lambda: next(readings)) as joules:
        assert joules() >= 0
        time.sleep(3 * INTERVAL)
        with pytest.raises(MdhrError, match="sensor cannot be read"):
            joules()


def test_power_that_cannot_be_read_at_all_is_an_error_with_its_cause():
    def read():
        raise OSError("the sensor is off")

    with pytest.raises(MdhrError, match="the sensor is off"), summed_up("sensor", read):
        pass


def test_rails_that_cannot_be_read_are_missing(tmp_path):
    plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000))
    (tmp_path / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon40/curr1_input").unlink()
    assert isinstance(find_module_meter(tmp_path), Missing)


def test_an_error_in_the_work_is_passed_on(tmp_path):
    def work():
        raise KeyError("own")

    meter = find_module_meter(plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000)))
    with pytest.raises(KeyError, match="own"):
        meter.measure(work)


def test_a_machine_without_any_meter_says_so(tmp_path, no_gpu):
    meters, missing = find_meters(tmp_path)
    assert meters == []
    assert [each.what for each in missing] == ["energy"]


def test_all_meters_of_a_machine_are_found(tmp_path, no_gpu):
    plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000) | zone("0", "package-0", 0))
    meters, missing = find_meters(tmp_path)
    assert [each.name for each in meters] == ["INA3221, VDD_IN"]
    assert [each.what for each in missing] == ["energy of the CPU"]
