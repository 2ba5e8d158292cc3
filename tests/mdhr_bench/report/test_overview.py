from dataclasses import replace

import bench_result
import pytest

from mdhr_bench.report.overview import report_of
from mdhr_bench.results import ColdStart, Distribution, Missing, Ratio, Result, Timing


def table_of(result, name):
    return next(table for table in report_of(result).tables if table.id == name)


def rows_of(result, name):
    """The rows of a table by their names, each as column title → cell."""
    table = table_of(result, name)
    return {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.rows}


def timing(name, what, frames, rounds, steady=True):
    summary = Distribution(400, 12.46, 0.7123, 12.341, 13.04, 13.51, 14.96, 21.07)
    return Timing(name, f"calls of {name}", what, frames, tuple(rounds), tuple(rounds), summary, 0.0241, steady, 7)


def small(steady=True):
    """Two timings and their ratio, with numbers that can be followed by hand."""
    step = timing("step", "whole", 1, [12, 12.3, 12.6, 18.9] if not steady else [12.3] * 4, steady)
    clip = timing("clip", "baseline", 16, [197.5] * 4)
    ratio = Ratio("step", "clip", 0.9996, 0.98, 1.02, steady)
    return Result({}, {}, {}, "2025-05-06T07:08:09Z", complete=True, timings=[step, clip], ratios=[ratio])


def test_a_latency_row_leads_with_the_ratio_to_the_baseline_and_has_absolute_times_beside_it():
    table = table_of(small(), "latency")
    assert table.lead
    assert table.header == ("", "per frame", "frames", "p50", "p90", "p95", "p99", "max", "mean ± sd", "spread")
    assert table.rows[0] == (
        "step", "1.00 × clip", "1", "12.3", "13.0", "13.5", "15.0", "21.1", "12.5 ± 0.712", "±2.41 %"
    )  # fmt: skip


def test_a_timing_without_a_baseline_is_related_to_the_whole_per_frame():
    assert rows_of(small(), "latency")["clip"]["per frame"] == "1.00 × step"  # 197.5 / 16 / 12.3


def test_of_an_unsteady_timing_only_its_range_is_told():
    row = rows_of(small(steady=False), "latency")["step"]
    assert row["p50"] == "12–18 ms (spread too wide)"  # 10th and 90th percentile of the rounds: 12.09 and 17.01
    assert row["per frame"] == "0.98–1.1 × clip (spread too wide)"
    assert {row[name] for name in ("p90", "p95", "p99", "max", "mean ± sd")} == {"–"}


def test_a_ratio_is_told_with_its_range_in_words_and_with_both_times():
    assert rows_of(small(), "ratios")["step / clip"] == {
        "ratio": "1.00",
        "p10–p90": "0.980–1.02",
        "in words": "no clear difference",
        "the one, per frame": "12.3 ms",
        "the other, per frame": "0.771 ms",
    }


@pytest.mark.parametrize(("value", "words"), [(0.25, "4.00 × as fast"), (2.5, "2.50 × as long")])
def test_a_ratio_away_from_one_says_which_is_faster(value, words):
    result = small()
    result.ratios = [Ratio("step", "clip", value, 0.9 * value, 1.1 * value, True)]
    assert rows_of(result, "ratios")["step / clip"]["in words"] == words


def test_no_number_that_hangs_on_an_unsteady_step_is_named():
    result = bench_result.complete(steady=False)
    report = report_of(result)
    for name, column in (("cold-start", "beside step"), ("transfers", "beside step"), ("ceilings", "reached by step"),
                         ("floor", "step takes")):  # fmt: skip
        assert all(
            "(spread too wide)" in row[column] for row in rows_of(result, name).values() if row[column] != "–"
        ), name
    assert all("–" in finding.value and "(spread too wide)" in finding.text for finding in report.findings)


def test_the_findings_say_how_far_the_step_is_from_its_baselines_and_from_the_machine():
    result = bench_result.complete()
    findings = [finding.text for finding in report_of(result).findings]
    assert len(findings) == 5
    assert findings[0].startswith("step takes 1.07 × the time of ")
    assert "step takes 7.66 × the time that this machine's measured ceilings allow in float32: " in findings[-1]


def test_a_cold_start_is_told_in_steps_and_seconds():
    result = small()
    result.cold_start = ColdStart(0.5, 0.7, 0.01234, 1.2341, 3)
    assert rows_of(result, "cold-start")["whole"] == {
        "beside step": "100 ×",
        "of the whole": "100 %",
        "seconds": "1.23",
    }
    assert rows_of(result, "cold-start")["first frame"]["of the whole"] == "1.00 %"


def test_throughput_is_told_beside_the_smallest_size_with_its_knee():
    rows = rows_of(bench_result.complete(), "throughput")
    assert rows["encoder × 8"] == {
        "beside the smallest": "1.73 ×", "frames/s": "171", "p10–p90": "162–178", "ms per frame": "5.85", "": "knee"
    }  # fmt: skip
    assert [name for name, row in rows.items() if row[""]] == ["encoder × 8", "streams × 4", "clip × 1"]


def test_stages_of_the_pipeline_are_shares_of_the_wall_time():
    rows = rows_of(bench_result.complete(), "pipeline")
    assert rows["faces.mp4: encoding"] == {"beside the wall time": "82.0 %", "seconds": "5.17", "ms per frame": "17.2"}
    assert rows["faces.mp4: wall time"]["ms per frame"] == "21.0"


def test_memory_energy_and_ceilings_are_told_with_their_units():
    result = bench_result.complete()
    assert rows_of(result, "memory")["bundle loaded"] == {"resident": "383 MiB", "added": "+325 MiB"}
    assert rows_of(result, "memory").keys().isdisjoint({"on the GPU"})
    assert rows_of(result, "energy")["RAPL, package"]["J per frame"] == "0.412"
    assert rows_of(result, "ceilings")["matmul float32"]["best round"] == "12.0 TFLOP/s"


def test_memory_of_a_gpu_has_a_row():
    result = bench_result.complete()
    result.memory = replace(result.memory, device=1 << 30)
    assert rows_of(result, "memory")["on the GPU"]["resident"] == "1.00 GiB"


def test_what_a_step_reaches_of_a_ceiling_is_its_work_by_its_time():
    result = bench_result.complete()
    work = sum(cost.flops for cost in result.costs)
    reached = work / (result.timing("step").summary.p50 / 1000) / result.peak().value
    rows = rows_of(result, "ceilings")
    assert rows["matmul float32"]["reached by step"] == f"{100 * reached:.2f} %"
    assert rows["matmul bfloat16"]["reached by step"] == "–"  # it does not compute in it


def test_providers_and_precisions_stand_beside_the_first_with_their_own_floors_and_layers():
    rows, table = rows_of(bench_result.complete(), "precisions"), table_of(bench_result.complete(), "precisions")
    encoder = rows["encoder × 16, openvino bfloat16"]
    assert encoder["beside the first"].startswith("0.30")
    low, high = map(float, encoder["p10–p90"].split("–"))
    assert low <= 0.3 <= high
    assert encoder["beside its floor"].endswith(" × 2.00 ms")
    takes, time = (float(encoder[name].split()[0]) for name in ("beside its floor", "ms per call"))
    assert takes == pytest.approx(time / 2, rel=0.01)
    assert rows["encoder × 1, cpu float32"]["beside the first"] == "1.00 ×"
    assert rows["step × 1, openvino bfloat16"]["beside its floor"] == "–"
    assert len(table.notes) == 1 + 2
    assert table.notes[1] == (
        "Time of encoder × 1, openvino bfloat16: Convolution brgconv_avx512_amx_bf16 87.5 %, "
        "Reorder jit_uni_f32 12.5 %, all others 0 %."
    )


def test_the_first_table_says_what_was_chosen_and_why():
    rows = dict(table_of(bench_result.complete(), "run").rows)
    assert (rows["provider"], rows["computed in"]) == ("cpu", "float32")
    assert rows["reason"] == "tried here: cpu float32: 12.4 ms a frame"


def test_predictions_stand_apart_and_are_called_so():
    table = table_of(bench_result.complete(), "predictions")
    assert table.title == "Predictions from datasheets, not measurements"
    assert "Nothing here was measured" in table.notes[0]
    assert any("DS-10662" in note for note in table.notes)
    assert [row[0] for row in table.rows] == ["Jetson AGX Orin", "Jetson Orin Nano"]


def test_a_partial_report_says_so_with_the_parts_that_are_missing():
    report = report_of(bench_result.partial())
    assert report.interrupted == (
        "This run was interrupted before its end. Missing: precisions, transfers, throughput, pipeline, memory, "
        "energy, floor, ceilings, costs of the graphs, predictions."
    )
    assert {"latency", "ratios", "cold-start"} <= {table.id for table in report.tables}
    assert report_of(bench_result.complete()).interrupted is None


def test_where_energy_was_not_measured_the_report_says_why():
    table = table_of(bench_result.partial(), "energy")
    assert table.rows == ()
    assert table.notes == ("Not measured: The counters of RAPL may not be read.",)
    assert ("energy", "The counters of RAPL may not be read.") in table_of(bench_result.partial(), "missing").rows


def test_a_run_that_measured_nothing_can_be_told():
    report = report_of(Result({}, {}, {}, "2025-05-06T07:08:09Z", missing=[Missing("all", "It was stopped.")]))
    assert [table.id for table in report.tables] == ["run", "missing"]
    assert report.findings == ()


def test_facts_of_nested_topics_have_units_and_no_gaps():
    result = small()
    result.environment = {
        "memory": {"total_bytes": 2 << 30}, "gpus": [{"name": "A"}, {"name": "B"}], "swap": None, "boost": True,
        "load": 0.21349,
    }  # fmt: skip
    assert table_of(result, "environment").rows == (
        ("memory, total", "2.00 GiB"), ("gpus 1, name", "A"), ("gpus 2, name", "B"), ("swap", "–"), ("boost", "yes"),
        ("load", "0.213"),
    )  # fmt: skip
