from pathlib import Path

import pytest

from mdhr_bench.measures import cold_start as measure
from mdhr_bench.measures.cold_start import cold_start
from mdhr_runtime.errors import MdhrError


def test_the_parts_of_a_cold_start_make_up_the_whole(tiny_bundle):
    start = cold_start(tiny_bundle, "cpu", processes=1)
    assert min(start.imports, start.load, start.first) > 0
    assert start.imports + start.load + start.first == pytest.approx(start.whole)
    assert start.processes == 1


def test_the_first_start_does_not_count_and_every_part_has_its_median(monkeypatch):
    answers = iter(
        [{"imports": 9, "load": 9, "first": 9, "whole": 9}]
        + [
            {"imports": imports, "load": load, "first": 1, "whole": whole}
            for imports, load, whole in ((1, 5, 7), (2, 4, 8), (3, 3, 9))
        ]
    )
    monkeypatch.setattr(measure, "ask", lambda *arguments: next(answers))
    start = cold_start(Path("a.mdhr"), "cpu", processes=3)
    assert (start.imports, start.load, start.first, start.whole, start.processes) == (2, 4, 1, 8, 3)


def test_a_missing_bundle_is_told_in_the_words_of_the_runtime(tmp_path):
    with pytest.raises(MdhrError, match="There is no bundle") as caught:
        cold_start(tmp_path / "none.mdhr", "cpu")
    assert caught.value.why
    assert "mdhr-export" in caught.value.fix
