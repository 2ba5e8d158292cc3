"""Meters of energy on made-up trees of /sys and with a stand-in for tegrastats."""

import math
import os
import tempfile
import time
from pathlib import Path

import pytest

from mdhr_bench.machine import energy
from mdhr_bench.machine.energy import find_meters
from mdhr_bench.machine.rails import find_rails, parse_rails, total_of
from mdhr_bench.machine.rapl import find_rapl
from mdhr_bench.machine.sampling import polling
from mdhr_bench.results import Missing
from mdhr_runtime.errors import MdhrError

ORIN_NANO = (
    "05-05-2025 06:05:39 RAM 2639/7620MB (lfb 9x4MB) SWAP 0/3810MB (cached 0MB) CPU [1%@729,4%@729,off,off] "
    "GR3D_FREQ 0% cpu@44.156C gpu@45.968C tj@45.968C VDD_IN 5263mW/5039mW VDD_CPU_GPU_CV 717mW/717mW "
    "VDD_SOC 1794mW/1794mW"
)
NANO = (
    "RAM 1409/3964MB (lfb 28x4MB) SWAP 0/1982MB (cached 0MB) IRAM 0/252kB(lfb 252kB) CPU [22%@518,67%@518,off,off] "
    "EMC_FREQ 0%@1600 GR3D_FREQ 0%@76 APE 25 PLL@28.5C CPU@32C PMIC@50C POM_5V_IN 2003/2100 POM_5V_GPU 0/0 "
    "POM_5V_CPU 320/320"
)
AGX_ORIN = (
    "RAM 2000/30000MB (lfb 1x4MB) GR3D_FREQ 0%@[0,0] VIC_FREQ 729 APE 174 CV0@-256C VDD_GPU_SOC 2399mW/2399mW "
    "VDD_CPU_CV 400mW/400mW VIN_SYS_5V0 4032mW/4032mW NC 0mW/0mW VDDQ_VDD2_1V8AO 301mW/301mW NC 0mW/0mW"
)

AGX_XAVIER = (
    "EMC_FREQ 0%@1331 GR3D_FREQ 0%@114 VIC_FREQ 115 APE 150 AUX@36C GPU@35C Tdiode@38.75C PMIC@50C GPU 467mW/467mW "
    "CPU 467mW/467mW SOC 1245mW/1245mW CV 0mW/0mW VDDRQ 311mW/311mW SYS5V 2768mW/2768mW"
)


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
def nothing_else(monkeypatch, tmp_path):
    """Hide the meters of the machine that runs the tests."""
    monkeypatch.setattr(energy, "find_gpu_meter", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def tegrastats(tmp_path, monkeypatch):
    """Put a program on PATH that prints a line over and over, as tegrastats does."""

    def install(line, ending="sleep 0.02"):
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "tegrastats"
        program.write_text(f"#!/bin/sh\n[ \"$1\" = --interval ] || exit 2\nwhile :; do echo '{line}'; {ending}; done\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


def test_the_packages_of_a_server_are_measured_together(tmp_path):
    parts = zone("0:0", "core", 1) | zone("0:1", "dram", 1) | zone("2", "psys", 1)
    plant(tmp_path, zone("0", "package-0", 1_000_000) | zone("1", "package-1", 5_000_000) | parts)
    meter = find_rapl(tmp_path)
    assert meter.name == "RAPL, 2 packages"
    with meter.measure() as reading:
        assert math.isnan(reading.joules)
        plant(
            tmp_path, zone("0", "package-0", 3_500_000) | zone("1", "package-1", 6_000_000) | zone("0:0", "core", 9e9)
        )
    assert reading.joules == 3.5
    assert 0 < reading.seconds < 10


def test_a_counter_that_begins_again_is_followed(tmp_path):
    plant(tmp_path, zone("0", "package-0", 9_000_000, span=10_000_000))
    meter = find_rapl(tmp_path)
    assert meter.name == "RAPL, package"
    with meter.measure() as reading:
        plant(tmp_path, zone("0", "package-0", 1_500_000, span=10_000_000))
    assert reading.joules == 2.5


def test_a_meter_measures_again_from_nothing(tmp_path):
    plant(tmp_path, zone("0", "package-0", 1_000_000))
    meter = find_rapl(tmp_path)
    for value in (2_000_000, 5_000_000):
        with meter.measure() as reading:
            plant(tmp_path, zone("0", "package-0", value))
    assert reading.joules == 3.0


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
            found = find_rapl(root)
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
    found = find_rapl(tmp_path)
    assert (found.what, "directory" in found.why) == ("energy of the CPU", True)


def test_a_counter_that_does_not_count_is_missing(tmp_path):
    found = find_rapl(plant(tmp_path, zone("0", "package-0", 0)))
    assert "zero" in found.why


def test_a_counter_that_vanishes_during_a_measurement_is_an_error(tmp_path):
    meter = find_rapl(plant(tmp_path, zone("0", "package-0", 1)))

    def measure():
        with meter.measure():
            (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()

    with pytest.raises(MdhrError, match="RAPL, package cannot be read"):
        measure()


def test_the_input_of_an_orin_nano_is_measured(tmp_path):
    rails = (
        rail(40, 1, "VDD_IN", 5000, 2000) | rail(40, 2, "VDD_CPU_GPU_CV", 5000, 400) | rail(40, 3, "VDD_SOC", 5000, 300)
    )
    meter = find_rails(plant(tmp_path, rails))
    assert meter.name == "INA3221, VDD_IN"
    with meter.measure() as reading:
        time.sleep(0.05)
    assert reading.joules == pytest.approx(10 * reading.seconds, rel=0.02)


def test_the_rails_of_an_agx_orin_are_added_without_the_one_that_branches_from_another(tmp_path):
    first = rail(40, 1, "VDD_GPU_SOC", 20000, 100) | rail(40, 2, "VDD_CPU_CV", 20000, 50)
    second = (
        rail(40, 3, "VIN_SYS_5V0", 5000, 1000) | rail(41, 1, "NC", 0, 0) | rail(41, 2, "VDDQ_VDD2_1V8AO", 1800, 9999)
    )
    meter = find_rails(plant(tmp_path, first | second))
    assert meter.name == "INA3221, VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0"
    with meter.measure() as reading:
        time.sleep(0.05)
    assert reading.joules == pytest.approx(8 * reading.seconds, rel=0.02)


def test_power_that_changes_is_followed(tmp_path):
    meter = find_rails(plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000)))
    with meter.measure() as reading:
        plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 4000))
        time.sleep(0.25)
    # At 5 W for at most one interval of 0.1 s (and what a busy machine makes of it), then at 20 W.
    assert 5 * reading.seconds < reading.joules <= 20 * reading.seconds


def test_rails_of_an_unknown_board_are_not_added_by_guess(tmp_path, nothing_else):
    found = find_rails(plant(tmp_path, rail(40, 1, "VDD_NEW", 5000, 1000)))
    assert isinstance(found, Missing)
    assert "VDD_NEW" in found.why


@pytest.mark.parametrize(
    ("line", "total", "watts"),
    [
        (ORIN_NANO, ("VDD_IN",), 5.263),
        (NANO, ("POM_5V_IN",), 2.003),
        (AGX_ORIN, ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"), 6.831),
        (AGX_XAVIER, ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"), 5.258),
    ],
)
def test_lines_of_tegrastats_are_read_with_and_without_units(line, total, watts):
    rails = parse_rails(line)
    assert total_of(rails) == total
    assert sum(rails[name] for name in total) == pytest.approx(watts)
    assert "RAM" not in rails


def test_tegrastats_measures_where_the_kernel_shows_no_rails(tmp_path, tegrastats):
    tegrastats(NANO)
    meter = find_rails(tmp_path / "empty")
    assert meter.name == "tegrastats, POM_5V_IN"
    with meter.measure() as reading:
        time.sleep(0.1)
    assert reading.joules == pytest.approx(2.003 * reading.seconds, rel=0.02)


def test_tegrastats_measures_where_the_rails_cannot_be_read(tmp_path, tegrastats):
    tegrastats(ORIN_NANO)
    plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 2000))
    current = tmp_path / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon40/curr1_input"
    current.unlink()
    current.mkdir()
    assert find_rails(tmp_path).name == "tegrastats, VDD_IN"


def test_tegrastats_that_names_no_rails_is_missing(tmp_path, tegrastats):
    tegrastats("RAM 1409/3964MB (lfb 28x4MB) CPU [22%@518]", ending="exit")
    assert find_rails(tmp_path) == Missing("energy of the module", "tegrastats names no rails.")


def test_tegrastats_that_ends_during_a_measurement_is_an_error(tmp_path, tegrastats):
    tegrastats(ORIN_NANO, ending="exit")
    meter = find_rails(tmp_path)

    def measure():
        with meter.measure():
            time.sleep(0.2)

    with pytest.raises(MdhrError, match="VDD_IN does not tell the power"):
        measure()


def test_power_that_can_no_longer_be_read_is_an_error_with_its_cause():
    def read():
        raise OSError("the sensor is off")

    with polling("sensor", read) as joules, pytest.raises(MdhrError, match="the sensor is off"):
        joules()


def test_an_error_in_the_block_is_passed_on(tmp_path):
    meter = find_rails(plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000)))
    with pytest.raises(KeyError, match="own"), meter.measure():
        raise KeyError("own")


def test_a_machine_without_any_meter_says_so(tmp_path, nothing_else):
    meters, missing = find_meters(tmp_path)
    assert meters == []
    assert [each.what for each in missing] == ["energy"]


def test_all_meters_of_a_machine_are_found(tmp_path, nothing_else):
    plant(tmp_path, rail(40, 1, "VDD_IN", 5000, 1000) | zone("0", "package-0", 0))
    meters, missing = find_meters(tmp_path)
    assert [each.name for each in meters] == ["INA3221, VDD_IN"]
    assert [each.what for each in missing] == ["energy of the CPU"]
