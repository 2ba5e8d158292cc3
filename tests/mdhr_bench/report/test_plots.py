from dataclasses import replace

import bench_result

from mdhr_bench.report.latency_plots import histogram


def test_calls_far_beyond_the_99th_percentile_are_counted_and_do_not_squash_the_rest():
    timing = bench_result.timing("step", 12.0, what="whole")
    samples = (*timing.samples[:-1], 500.0)
    drawn = histogram(replace(timing, samples=samples, summary=bench_result.summary(samples)))
    assert "Beyond the right edge: 1, the longest 500 ms." in drawn
    assert drawn.count('class="bar"') == 36
    assert ">500<" not in drawn


def test_calls_that_all_took_the_same_time_can_be_drawn():
    timing = bench_result.timing("step", 12.0, what="whole")
    samples = (12.0,) * 20
    drawn = histogram(replace(timing, samples=samples, summary=bench_result.summary(samples)))
    assert "20 calls" in drawn
    assert "Beyond" not in drawn
