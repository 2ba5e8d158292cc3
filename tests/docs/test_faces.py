"""The page on faces, events and summaries says what the program does."""

import json
import re
from pathlib import Path

import pytest

from mdhr_runtime.au_events import PLAIN_RULE, AuEvent
from mdhr_runtime.cli.run import main
from mdhr_runtime.faces import choice
from mdhr_runtime.faces.quality import RAMPS
from mdhr_runtime.sinks import event_file, summary_file
from mdhr_runtime.sinks.csv_file import header
from mdhr_runtime.sinks.record import event_as_json

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "faces.md").read_text().split())
LINES = (Path(__file__).parents[2] / "docs" / "faces.md").read_text().splitlines()


def test_flaws_and_their_ramps_are_those_of_the_code():
    table = LINES[LINES.index("| flaw | measure | 0 at | 1 from |") + 2 :][: len(RAMPS)]
    told = {cells[1].strip("` "): cells[-3:-1] for cells in (line.split("|") for line in table)}
    assert list(told) == list(RAMPS)
    numbers = {flaw: tuple(float(re.match(r" *([\d.]+)", cell)[1]) for cell in cells) for flaw, cells in told.items()}
    worst, fine = numbers.pop("covered")
    assert (1 - worst, 1 - fine) == pytest.approx([10**-nines for nines in RAMPS["covered"]])
    assert numbers == {flaw: ramp for flaw, ramp in RAMPS.items() if flaw != "covered"}


def test_events_and_summaries_have_the_columns():
    assert header(event_file.COLUMNS).strip() in (line.strip() for line in LINES)
    own = [column.name for column in summary_file.COLUMNS if column not in summary_file.COLUMNS[:4]]
    assert [name for name in re.findall(r"`(\w+)`", PAGE[PAGE.index("| `seconds_seen`") :]) if name in own][:7] == own


def test_an_event_as_json_has_the_keys():
    (line,) = (line for line in LINES if line.strip().startswith('{"source":"cam0"'))
    event = AuEvent("cam0", 0, 0, "AU12", 1.2, 1.48, 2.04, 0.93125, 0.72045)
    assert json.loads(line) == json.loads(event_as_json(event))


def test_rules_have_the_numbers():
    assert f"score is at least {PLAIN_RULE.onset} and lasts as long as scores are at least {PLAIN_RULE.offset}" in PAGE
    assert f"Events under {PLAIN_RULE.shortest} s are passed over" in PAGE
    defaults = {parameter.name: parameter.default for parameter in main.params}
    assert defaults["event_thresholds"] == (PLAIN_RULE.onset, PLAIN_RULE.offset)
    assert defaults["event_min"] == PLAIN_RULE.shortest
    assert f"gives its place up after {choice.PATIENCE} frames in a row" in PAGE
    assert f"was {choice.CLEARLY} times as large" in PAGE
    assert (choice.GRACE, "by a quarter of its side" in PAGE) == (0.25, True)
