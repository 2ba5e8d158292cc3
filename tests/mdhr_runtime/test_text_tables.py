"""Text as other programs write it; what they do to whole tables, tests/mdhr_runtime/plotting/test_tables.py tries."""

import pytest

from mdhr_runtime.records import RecordError
from mdhr_runtime.text_tables import Numbers, read_cells


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_cells(tmp_path / "a.csv", **options))

    return read


def test_lines_are_counted_as_an_editor_counts_them(read):
    assert read('\n"sep=;"\na;b\n\n"1\n2";3\r4;5\r\n') == [(3, ["a", "b"]), (6, ["1\n2", "3"]), (7, ["4", "5"])]


def test_without_a_header_nothing_is_passed_over(read):
    assert read("1,2\n1,2\n", header=False) == [(1, ["1", "2"]), (2, ["1", "2"])]
    assert read("a,b\na,b\n1,2\n") == [(1, ["a", "b"]), (3, ["1", "2"])]
    assert read("a,b\n1,2\n3") == [(1, ["a", "b"]), (2, ["1", "2"])]
    with pytest.raises(RecordError, match="Line 3 has 1 cells"):
        read("a,b\n1,2\n3", header=False)


def test_a_short_line_that_is_not_cut_is_refused(read):
    with pytest.raises(RecordError, match="Line 3 has 1 cells, and the first line 2"):
        read("a,b\n1,2\n3\n")


def test_names_of_rows_need_quotes_by_which_r_is_recognised(read):
    assert read('"a" "b"\n"x" 1 2\n"y" 3 4\n')[1:] == [(2, ["1", "2"]), (3, ["3", "4"])]
    with pytest.raises(RecordError, match="Line 2 has 3 cells, and the first line 2"):
        read("a,b\n1,2,3\n")
    with pytest.raises(RecordError, match="Line 3 has 3 cells, and the first line 2"):
        read('"a","b"\n1,2\n3,4,5\n')


@pytest.mark.parametrize("content", ["", "\n\n", ",,\n", "\ufeff", b"\xff\xfe"])
def test_nothing(read, content):
    with pytest.raises(RecordError, match="is empty"):
        read(content)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", " 2.5 ", "-1e-3", ".5", "NA", ""], [1, 2.5, -0.001, 0.5, None, None]),
        (["1", "2,5", "1,00E-02", ",5", "3"], [1, 2.5, 0.01, 0.5, 3]),
    ],
)
def test_numbers(cells, numbers):
    number = Numbers()
    assert [number(cell, "Line 1") for cell in cells] == numbers


@pytest.mark.parametrize(
    "cells", [["0.5", "1,5"], ["1,5", "0.5"], ["1,234.5"], ["1.234,5"], ["3. Dez"], ["0x1"], ["1 2"]]
)
def test_what_is_no_number_for_certain(cells):
    number = Numbers()
    with pytest.raises(RecordError, match=f"Line 1 holds '{cells[-1]}'"):
        [number(cell, "Line 1") for cell in cells]
