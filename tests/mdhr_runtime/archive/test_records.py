"""Records, the folder of results, and what a result depends on."""

import json
from dataclasses import replace
from math import inf

import pytest
from archive_results import results_in
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive.folders import Input, open_folder
from mdhr_runtime.archive.records import (
    SCHEMA,
    ArchiveVideo,
    Plan,
    Problem,
    Record,
    Results,
    Standing,
    fit_key,
    options_hash,
    shard_of,
    standing_of,
)
from mdhr_runtime.errors import DataError

VIDEO = ArchiveVideo("s1/a.mp4", "/v/s1/a.mp4", 1.0, 2.0, {"subject": "007", "age": None})
RECORD = Record("s1/a.mp4", "/v/s1/a.mp4", "0" * 16, "broken", 7, "mtime 1", "b", "o", problem=Problem("a", "b", "c"))
A, B = "a" * 16, "b" * 16


@pytest.fixture(params=["here", "s3"])
def results(request, tmp_path, monkeypatch):
    if request.param == "here":
        yield results_in(tmp_path / "results")
    else:
        with s3_server(monkeypatch):
            yield Results(open_folder(f"s3://{BUCKET}/results"))


def test_a_record_is_found_by_its_name_alone(results):
    assert results.standings() == {}
    records = [RECORD, replace(RECORD, status="done", problem=None), replace(RECORD, key=A, warnings=("w",))]
    for record in records:
        results.commit(VIDEO.name, record)
    (name, standings), *none = results.standings().items()
    assert (name, none) == (VIDEO.name, [])
    assert {(each.key, each.status) for each in standings} == {(each.key, each.status) for each in records}
    assert {results.read(name, each) for each in standings} == set(records)
    assert set(results.read_many([(name, each) for each in standings])) == set(records)
    results.withdraw(name, standings[:2])
    assert results.standings() == {name: standings[2:]}
    assert len(list(results.read_many([(name, each) for each in standings]))) == 1
    assert list(results.read_many([])) == []


def test_the_longest_and_the_strangest_names_have_records(tmp_path):
    results = results_in(tmp_path)
    ids = ["x" * 5000, "é" * 300, "a.done.json", f"a.{A}.done.json", "..", "/", "a\nb", ".mp4", "-rf", "a/../b"]
    for video in ids:
        results.commit(ArchiveVideo(video, "").name, replace(RECORD, id=video))
    assert len(results.standings()) == len(ids)
    assert {results.read(name, each).id for name, (each,) in results.standings().items()} == set(ids)


def test_a_result_depends_on_all_that_may_change():
    state = Input(1, "mtime 1")
    keys = {
        fit_key(VIDEO, state, "b", "o"),
        fit_key(VIDEO, None, "b", "o"),
        fit_key(VIDEO, Input(2, "mtime 1"), "b", "o"),
        fit_key(VIDEO, Input(1, "mtime 2"), "b", "o"),
        fit_key(VIDEO, state, "c", "o"),
        fit_key(VIDEO, state, "b", "p"),
        fit_key(replace(VIDEO, id="x"), state, "b", "o"),
        fit_key(replace(VIDEO, start=1.5), state, "b", "o"),
        fit_key(replace(VIDEO, end=inf), state, "b", "o"),
        fit_key(replace(VIDEO, columns={"subject": 7, "age": None}), state, "b", "o"),
    }
    assert len(keys) == 10
    other = replace(VIDEO, address="/elsewhere", columns=dict(reversed(VIDEO.columns.items())))
    assert fit_key(other, state, "b", "o") in keys


def test_options_are_told_apart_by_what_they_are():
    assert options_hash({"a": 1, "b": None}) == options_hash({"b": None, "a": 1}) != options_hash({"a": 2, "b": None})


def test_shards_are_fixed_for_good():
    """A later version that shared out otherwise would begin what others are at."""
    assert [shard_of(ArchiveVideo(f"{n}.mp4", ""), 32) for n in range(6)] == [25, 29, 24, 11, 22, 5]


@pytest.mark.parametrize(
    ("standings", "table", "found"),
    [
        ([], True, None),
        ([(A, "done")], True, "done"),
        ([(A, "done")], False, None),
        ([(A, "broken")], True, "broken"),
        ([(A, "failed")], False, "failed"),
        ([(B, "done")], True, None),
        ([(B, "failed")], False, None),
        ([(A, "failed"), (A, "done")], True, "done"),
        ([(A, "failed"), (A, "done")], False, "failed"),
        ([(A, "broken"), (A, "done")], True, "done"),
        ([(A, "done"), (B, "failed")], True, "done"),
        ([(A, "done"), (B, "done")], True, None),
        ([(A, "failed"), (B, "done")], True, "failed"),
    ],
)
def test_which_record_counts(standings, table, found):
    standing = standing_of([Standing(*each, 0.0) for each in standings], A, table)
    assert (standing and standing.status) == found


def test_what_happened_is_told_without_names():
    def failure(source, video, what):
        return replace(RECORD, source=source, id=video, problem=Problem(what, "It is text.", "fix")).failure

    assert failure("/v/a.mp4", "a.mp4", "/v/a.mp4 is no source.") == "… is no source. It is text."
    assert failure("s3://b/s/c.mp4", "s/c.mp4", "c.mp4 is no source.") == "… is no source. It is text."
    assert replace(RECORD, problem=None).failure == ""


def test_a_plan_is_read_as_it_was_written(results):
    with pytest.raises(DataError, match="is no folder of an archive's results"):
        results.read_plan()
    plan = Plan("b", "o", (("s1/a.mp4", 7, A), ("b.mp4", 0, B)), 3.5)
    results.write_plan(plan)
    assert results.read_plan() == plan
    assert list(plan.names()) == [("s1__a.mp4", 7, A), ("b.mp4", 0, B)]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 99}', "nonsense"])
def test_what_others_have_made_of_it_is_refused(tmp_path, text):
    results = results_in(tmp_path)
    results.commit(VIDEO.name, RECORD)
    for file in ("plan.json", f"records/{VIDEO.name}.{RECORD.key}.broken.json"):
        (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=r"(no folder|cannot be read)"):
        results.read_plan()
    ((name, (standing,)),) = results.standings().items()
    with pytest.raises(DataError, match="Remove it: its video is then done again"):
        results.read(name, standing)


def test_what_a_newer_version_wrote_is_not_misread(tmp_path):
    results = results_in(tmp_path)
    results.commit(VIDEO.name, RECORD)
    (path,) = (tmp_path / "records").iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": SCHEMA + 1}))
    ((name, (standing,)),) = results.standings().items()
    with pytest.raises(DataError, match=f"It has schema {SCHEMA + 1}"):
        results.read(name, standing)
