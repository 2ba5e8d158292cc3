import bench_result

from mdhr_bench.report.overview import report_of
from mdhr_bench.report.text import markdown, tell


def test_every_cell_and_note_of_the_report_is_told():
    text = tell(bench_result.complete())
    words = " ".join(text.split())
    for table in report_of(bench_result.complete()).tables:
        assert table.title.upper() in text
        for said in (*(cell for row in table.rows for cell in row), *table.notes):
            assert " ".join(said.split()) in words


def test_the_first_line_says_that_a_run_was_interrupted():
    first = tell(bench_result.partial()).splitlines()[0]
    assert first.startswith("This run was interrupted before its end. Missing: precisions, transfers, throughput,")


def test_warnings_stand_before_any_number():
    text = tell(bench_result.complete())
    assert text.index("warning: Other programs used 12 % of the CPU") < text.index("13.0 ms")


def test_a_name_cannot_steer_the_terminal():
    assert "\x1b" not in tell(bench_result.complete(name="evil\x1b]0;owned\x07"))


def blocks(text):
    return text.strip().split("\n\n")


def test_ratios_lead_in_bold():
    lines = markdown(bench_result.complete()).splitlines()
    assert any(line.startswith("| step | **1.07 × clip** | 1 | 13.0 |") for line in lines)


def test_every_line_of_a_table_has_as_many_cells_as_its_header():
    tables = [block.splitlines() for block in blocks(markdown(bench_result.complete())) if block.startswith("|")]
    assert len(tables) >= 12
    for lines in tables:
        assert len({line.count(" | ") for line in lines}) == 1


def test_the_first_line_of_markdown_says_that_a_run_was_interrupted():
    assert markdown(bench_result.partial()).startswith(
        "**This run was interrupted before its end. Missing: precisions, transfers"
    )


def test_addresses_of_sources_stay_whole():
    assert "- Jetson AGX Orin: Datasheet DS-10662, <https://example.org/a_b/orin/>." in markdown(
        bench_result.complete()
    )


def test_names_cannot_break_the_document():
    text = markdown(bench_result.complete(name="a|b <img src=x> [l](u) *s*\n# head"))
    assert "# Benchmark of a\\|b \\<img src=x\\> \\[l\\](u) \\*s\\*�\\# head\n" in text
    assert "<img" not in text.replace("\\<img", "")
