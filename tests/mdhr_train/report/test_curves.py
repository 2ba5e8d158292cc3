import json
import re
from dataclasses import replace

import pytest
from runs import summary

from mdhr_train.report.curves import PANELS, curves
from mdhr_train.report.reading import read


@pytest.fixture
def run(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps(summary(fold=1, epochs=6)))
    return read(tmp_path)


def points(text):
    return [
        [tuple(map(float, pair.split(","))) for pair in line.split()] for line in re.findall(r'points="(.*?)"', text)
    ]


def test_every_panel_has_a_line_that_stays_inside_and_a_dot_at_the_best_epoch(run):
    text = curves([run])
    lines = points(text)
    assert len(lines) == len(PANELS) == text.count('class="best ')
    assert [len(line) for line in lines] == [3, 6, 6, 6, 6, 6]  # validated in every second epoch
    assert all(0 < x < 320 and 0 < y < 180 for line in lines for x, y in line)
    assert lines[1][0][1] < lines[1][-1][1]  # the loss falls


def test_runs_have_a_line_each_and_a_legend(run):
    text = curves([run, replace(run, fold=2)])
    assert len(points(text)) == 2 * len(PANELS)
    assert "fold 2" in text


def test_what_was_not_measured_is_said_and_what_is_not_finite_left_out(run):
    first = replace(run.epochs[0], validation_f1=None, loss=float("nan"), waiting_share=0.0)
    text = curves([replace(run, epochs=(first,), best_epoch=1)])
    assert text.count("Not measured in this run.") == 2
    assert "nan" not in text
