import math

import pytest

from mdhr_bench.report.units import digits, duration, named, plain, quotient, scaled, share, size, span


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (12.345, "12.3"),
        (12345.6, "12300"),
        (0.0123456, "0.0123"),
        (0.00000012345, "0.000000123"),
        (9.999, "10.0"),
        (999.6, "1000"),
        (12.0, "12.0"),
        (-1.2345, "-1.23"),
        (0, "0"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_three_significant_digits_and_no_exponent(value, written):
    assert digits(value) == written


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [(12.1, 18.9, "12–19"), (0.12, 0.31, "0.12–0.31"), (9.99, 10.01, "9.9–11"), (0, 1234, "0–1300"), (8, 8, "8.0–8.0")],
)
def test_a_range_has_two_digits_and_contains_its_ends(low, high, written):
    assert span(low, high) == written


def test_only_a_steady_value_is_named():
    assert named(15.678, 12.1, 18.9, True, "ms") == "15.7 ms"
    assert named(15.678, 12.1, 18.9, False, "ms") == "12–19 ms (spread too wide)"


@pytest.mark.parametrize(
    ("value", "written"), [(1.234e9, "1.23 GB/s"), (999.7e6, "1.00 GB/s"), (12, "12.0 B/s"), (3e22, "30000 EB/s")]
)
def test_quantities_have_a_decimal_prefix(value, written):
    assert scaled(value, "B/s") == written


@pytest.mark.parametrize(("count", "written"), [(48, "48 B"), (150_528, "147 KiB"), (3 << 30, "3.00 GiB")])
def test_bytes_are_written_in_powers_of_1024(count, written):
    assert size(count) == written


def test_shares_and_durations_are_written_for_people():
    assert (share(0.12345), share(math.nan)) == ("12.3 %", "–")
    assert (duration(8.21), duration(192.4)) == ("8.21 s", "3 min 12 s")


def test_a_quotient_by_zero_is_no_number():
    assert quotient(3, 2) == 1.5
    assert math.isnan(quotient(3, 0))


def test_text_cannot_steer_a_terminal():
    assert plain("a\x1b[2Jb\nc é") == "a�[2Jb�c é"
