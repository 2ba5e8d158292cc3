import bench_result

from mdhr_bench.report.reporting import report_of
from mdhr_bench.report.terminal import tell


def test_every_cell_and_note_of_the_report_is_told():
    text = tell(bench_result.complete())
    words = " ".join(text.split())
    for table in report_of(bench_result.complete()).tables:
        assert table.title.upper() in text
        for said in (*(cell for row in table.rows for cell in row), *table.notes):
            assert " ".join(said.split()) in words


def test_the_first_line_says_that_a_run_was_interrupted():
    first = tell(bench_result.partial()).splitlines()[0]
    assert first.startswith("This run was interrupted before its end. Missing: transfers, throughput,")


def test_warnings_stand_before_any_number():
    text = tell(bench_result.complete())
    assert text.index("warning: Other programs used 12 % of the CPU") < text.index("13.0 ms")


def test_a_name_cannot_steer_the_terminal():
    assert "\x1b" not in tell(bench_result.complete(name="evil\x1b]0;owned\x07"))
