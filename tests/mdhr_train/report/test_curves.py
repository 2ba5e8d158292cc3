import json
import re

import pytest
from runs import summary

from mdhr_train.report.curves import PANELS, curves
from mdhr_train.report.runs import read


@pytest.fixture
def run(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps(summary(fold=1, epochs=6)))
    return read(tmp_path)


def changed(run, **values):
    return run._replace(summary=run.summary | values)


def lines(text, colour="ours"):
    """The places of every line of a colour."""
    paths = re.findall(rf'<path d="([^"]*)" style="fill: none; stroke: var\(--{colour}\)', text)
    return [[tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths]


def test_every_panel_has_a_line_that_stays_inside_and_a_ring_at_the_best_epoch(run):
    text = curves([run])
    drawn = lines(text)
    assert [len(line) for line in drawn] == [3, 6, 6, 6, 6, 6]  # validated in every second epoch
    assert len(re.findall("<use [^>]*fill: var\\(--ground\\); stroke: var\\(--ours\\)", text)) == len(PANELS)
    assert all(0 < x < 320 and 0 < y < 190 for line in drawn for x, y in line)
    assert drawn[1][0][1] < drawn[1][-1][1]  # the loss falls


@pytest.mark.slow
def test_runs_have_a_line_each_and_a_legend(run):
    text = curves([run, changed(run, fold=2)])
    assert len(lines(text)) == len(lines(text, "second")) == len(PANELS)
    assert "fold 2" in text


def test_what_was_not_measured_is_said_and_what_is_not_finite_left_out(run):
    first = run.summary["epochs"][0] | {"validation": None, "loss": float("nan"), "waiting_share": 0.0}
    text = curves([changed(run, epochs=[first], best={**run.summary["best"], "epoch": 1})])
    assert text.count("Not measured in this run.") == 2
    assert "nan" not in text
