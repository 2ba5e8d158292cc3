"""Energy of the CPU by Intel's RAPL, which AMD's processors have too, and Linux's powercap shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mdhr_bench.results import Missing
from mdhr_runtime.errors import MdhrError

from .meter import Meter
from .system_files import read_number, read_text

ZONES = "sys/class/powercap"
WHAT = "energy of the CPU"


@dataclass(frozen=True)
class Zone:
    """The energy counter of a package.

    Attributes:
        path: Its file, of microjoules.
        span: Microjoules after which it begins again at 0.
    """

    path: Path
    span: int

    def read(self) -> int:
        """Microjoules now.

        Raises:
            OSError: It cannot be read.
        """
        return int(self.path.read_text(encoding="ascii"))


def find_rapl(root: Path = Path("/")) -> Meter | Missing | None:
    """The meter of the CPU's packages, all together; memory is not in it. None where the CPU has none.

    Source: https://docs.kernel.org/power/powercap/powercap.html

    Args:
        root: Folder of /sys.
    """
    zones = _packages(root / ZONES)
    if not zones:
        return None
    try:
        values = [zone.read() for zone in zones]
    except PermissionError:
        return Missing(
            WHAT,
            "RAPL's counter may be read by root alone (since CVE-2020-8694). Until the next start of the machine, "
            "`sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj` lets everyone read it.",
        )
    except (OSError, ValueError) as error:
        return Missing(WHAT, f"RAPL's counter cannot be read: {error}.")
    if not all(values):
        return Missing(WHAT, "RAPL's counter stands at zero, as it does in some virtual machines.")
    name = "RAPL, package" if len(zones) == 1 else f"RAPL, {len(zones)} packages"
    return Meter(name, lambda: _counting(name, zones))


def _packages(folder: Path) -> list[Zone]:
    # The same counters appear again below intel-rapl-mmio; parts of a package and "psys" are named differently.
    packages = (zone for zone in sorted(folder.glob("intel-rapl:*")) if _name(zone).startswith("package"))
    return [Zone(zone / "energy_uj", read_number(zone / "max_energy_range_uj") or 0) for zone in packages]


def _name(zone: Path) -> str:
    return read_text(zone / "name") or ""


@contextmanager
def _counting(name: str, zones: Sequence[Zone]) -> Iterator[Callable[[], float]]:
    """Give a function that tells the energy since the block began, in joules.

    A counter may begin again once between two calls: it does so after 262 kJ or so, ten minutes at 400 W.
    """
    last = [_read(name, zone) for zone in zones]
    total = 0

    def joules() -> float:
        nonlocal total
        for index, zone in enumerate(zones):
            now = _read(name, zone)
            total += now - last[index] + (zone.span if now < last[index] else 0)
            last[index] = now
        return total / 1e6

    yield joules


def _read(name: str, zone: Zone) -> int:
    try:
        return zone.read()
    except (OSError, ValueError) as error:
        raise MdhrError(f"{name} cannot be read.", str(error), "Measure without it, or let it be read.") from error
