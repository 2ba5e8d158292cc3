from dataclasses import replace

import bench_result
import numpy as np
import pytest

from mdhr_bench.compare import TIME, Quantity, bootstrap, change, compare
from mdhr_bench.report.text import tell_comparison


def quantity(rounds=(), value=None, **ends):
    return Quantity("x", "ms", float(np.median(rounds)) if value is None else value, TIME, rounds=tuple(rounds), **ends)


def judged(before, after):
    return change(before, after, np.random.default_rng(0))


ROUNDS = [9.8, 9.9, 9.95, 10.0, 10.0, 10.05, 10.1, 10.2]


def test_rounds_that_all_lie_lower_are_faster_and_higher_slower():
    lower = [0.8 * each for each in ROUNDS]
    faster, slower = judged(quantity(ROUNDS), quantity(lower)), judged(quantity(lower), quantity(ROUNDS))
    assert (faster.verdict, slower.verdict) == ("faster", "slower")
    assert faster.ratio == pytest.approx(0.8)
    assert faster.low < 0.8 < faster.high < 1 < slower.low < 1.25 < slower.high


def test_a_change_within_the_noise_is_no_difference_and_the_noise_is_stated():
    found = judged(quantity(ROUNDS), quantity([1.003 * each for each in ROUNDS]))
    assert found.low < 1 < found.high
    assert found.verdict == f"no difference beyond the noise (±{50 * (found.high - found.low):.2f} %)"


def test_a_bootstrap_repeats_with_its_seed_and_narrows_with_less_noise():
    wide = [10 + 4 * (each - 10) for each in ROUNDS]
    first, second, third = (bootstrap(rounds, rounds, np.random.default_rng(3)) for rounds in (ROUNDS, ROUNDS, wide))
    assert first == second
    assert third[0] < first[0] < 1 < first[1] < third[1]


def test_too_few_rounds_are_not_judged():
    assert judged(quantity(ROUNDS), quantity([5.0, 5.0, 5.0, 5.0])).verdict == "fewer than 5 rounds: not judged"
    assert judged(quantity(ROUNDS), quantity(value=5.0)).verdict == "fewer than 5 rounds: not judged"


def test_where_only_ranges_are_known_their_ends_are_the_interval():
    found = judged(quantity(value=10.0, low=9.0, high=11.0), quantity(value=5.0, low=4.5, high=6.0))
    assert (found.low, found.high) == (4.5 / 11, 6 / 9)
    assert found.verdict == "faster"


@pytest.mark.parametrize("ends", [{}, {"low": 5.0, "high": 5.0}])
def test_one_measurement_has_no_known_noise(ends):
    found = judged(quantity(value=10.0, low=9.0, high=11.0), quantity(value=5.0, **ends))
    assert found.verdict == "one measurement each: noise not known"


def test_nothing_has_no_ratio():
    assert judged(quantity(value=0.0), quantity(value=5.0)).verdict == "no ratio"


def verdicts(comparison):
    return {change.before.name: change.verdict for change in comparison.changes}


def test_everything_that_is_timed_is_compared_and_higher_rates_are_faster():
    found = verdicts(compare(bench_result.complete(), bench_result.complete(scale=0.7, seed=1)))
    timed = ("step", "encoder", "clip", "encoder × 8", "streams × 4", "faces.mp4, 300 frames")
    assert {found[name] for name in timed} == {"faster"}
    assert {"memory loaded", "energy of a frame, RAPL, package", "cold start"} <= found.keys()


def test_variants_are_compared_by_their_times_and_on_another_machine_by_their_ratios():
    before, after = bench_result.complete(), bench_result.complete(scale=0.7, seed=1)
    assert verdicts(compare(before, after))["step × 16, openvino bfloat16"] == "faster"
    after.environment = after.environment | {"machine": {"name": "Another"}}
    found = verdicts(compare(before, after))
    assert "step × 16, openvino bfloat16" not in found
    assert "no difference" in found["step × 16, openvino bfloat16 / step × 16, cpu float32"]


def test_two_runs_of_the_same_do_not_differ():
    found = verdicts(compare(bench_result.complete(), bench_result.complete(seed=3)))
    assert found["step"].startswith("no difference beyond the noise (±")
    assert found["encoder × 8"].startswith("no difference beyond the noise (±")


def test_on_other_machines_ratios_to_the_baselines_are_compared_and_a_warning_says_so():
    after = bench_result.complete(scale=5, seed=3)
    after.environment["machine"] = {"name": "Another CPU, 8 cores", "slug": "another-cpu-8-cores"}
    comparison = compare(bench_result.complete(), after)
    found = verdicts(comparison)
    assert not comparison.same_machine
    assert "step" not in found
    assert found["step / clip"].startswith("no difference beyond the noise")
    assert {"encoder × 8 / × 1", "faces.mp4, 300 frames / encoder alone"} <= found.keys()
    lines = tell_comparison(comparison).splitlines()
    assert lines[0].startswith("warning: The machines differ.")


def test_differences_of_the_runs_are_told_first_by_kind():
    before, after = bench_result.complete(), bench_result.complete()
    after.environment["memory"]["available_bytes"] = 1 << 30
    after.environment["packages"]["onnxruntime"] = "1.22.0"
    after.environment["cpu"]["clocks"]["governor"] = "powersave"
    after.settings["threads"] = 2
    after.bundle["hash"] = "ab" * 32
    comparison = compare(before, after)
    assert [(each.kind, each.name, each.after) for each in comparison.differences] == [
        ("bundle", "hash", "ab" * 32),
        ("settings", "threads", "2"),
        ("power mode", "cpu, clocks, governor", "powersave"),
        ("versions", "packages, onnxruntime", "1.22.0"),
        ("load", "memory, available", "1.00 GiB"),
    ]
    assert comparison.same_machine
    text = tell_comparison(comparison)
    assert text.index("onnxruntime") < text.index("WHAT CHANGED")


def test_partial_results_compare_what_both_have_and_say_so():
    comparison = compare(bench_result.partial(), bench_result.complete(seed=2))
    assert list(verdicts(comparison)) == ["step", "encoder", "clip", "cold start"]
    assert {"temporal", "memory loaded"} <= set(comparison.only_after)
    assert comparison.only_before == ()
    text = tell_comparison(comparison)
    assert text.startswith("The run before was interrupted before its end. Missing: precisions, transfers, throughput,")
    assert "Measured only after: temporal; backbone;" in text


def test_an_unsteady_value_is_told_as_a_range_and_its_change_as_an_interval():
    row = next(
        line
        for line in tell_comparison(compare(bench_result.complete(), bench_result.complete(steady=False))).splitlines()
        if line.startswith("step ")
    )
    assert "(spread too wide)" in row
    assert row.split()[1] == "–"


def test_calls_of_more_frames_compare_per_frame():
    after = bench_result.complete()
    clip = after.timing("clip")
    doubled = replace(clip, frames=32, rounds=tuple(2 * each for each in clip.rounds))
    after.timings = [doubled if each is clip else each for each in after.timings]
    found = next(each for each in compare(bench_result.complete(), after).changes if each.before.name == "clip")
    assert found.ratio == pytest.approx(1)


def test_nothing_in_common_is_said():
    empty = replace(bench_result.partial(), timings=[], ratios=[], cold_start=None)
    assert "There is nothing that both runs measured." in tell_comparison(compare(empty, bench_result.complete()))
