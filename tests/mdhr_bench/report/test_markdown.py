import bench_result

from mdhr_bench.report.markdown import markdown


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


def test_the_first_line_says_that_a_run_was_interrupted():
    assert markdown(bench_result.partial()).startswith("**This run was interrupted before its end. Missing: transfers")


def test_addresses_of_sources_stay_whole():
    assert "- Jetson AGX Orin: Datasheet DS-10662, <https://example.org/a_b/orin/>." in markdown(
        bench_result.complete()
    )


def test_names_cannot_break_the_document():
    text = markdown(bench_result.complete(name="a|b <img src=x> [l](u) *s*\n# head"))
    assert "# Benchmark of a\\|b \\<img src=x\\> \\[l\\](u) \\*s\\*�\\# head\n" in text
    assert "<img" not in text.replace("\\<img", "")
