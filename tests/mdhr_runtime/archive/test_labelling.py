"""The unit of work, with a real model and real videos."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mdhr_runtime.archive.folders import inspect, open_folder
from mdhr_runtime.archive.labelling import TEMPORARY, Labeller, LabelSettings, bundle_digest
from mdhr_runtime.archive.records import ArchiveVideo, Results, Task, fit_key
from mdhr_runtime.errors import BundleError, OutputError
from mdhr_runtime.pipeline.label import label
from mdhr_runtime.sources import Selection, open_sources
from mdhr_runtime.streaming.model import load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tiny_bundle, tmp_path):
    temp = tmp_path / "temp"
    temp.mkdir()
    return LabelSettings(
        str(tiny_bundle),
        bundle_digest(str(tiny_bundle)),
        str(tmp_path / "results"),
        columns={"subject": str, "age": int},
        provider="cpu",
        threads=1,
        temp=str(temp),
    )


def task_of(settings, path, name, **video):
    one = ArchiveVideo(name, str(path), columns={"subject": "007", "age": None}, **video)
    state = inspect(str(path))
    return Task(one, state, fit_key(one, state, settings.digest, settings.options))


def table_of(settings, name):
    return pq.read_table(Path(settings.results, "tables", f"{name}.parquet"))


def test_a_table_has_the_rows_of_mdhr_run_and_the_columns_of_the_manifest(settings, clip, tmp_path):
    counted = []
    with Labeller(settings, counted.append) as labeller:
        record = labeller.label(task_of(settings, clip, "a/b", end=1.0), tries=2)
    model = load(settings.bundle, "cpu", 1)
    label(open_sources([str(clip)], selection=Selection(end=1.0)), [tmp_path / "au.parquet"], model)
    expected = pq.read_table(tmp_path / "au.parquet")
    found = table_of(settings, "a__b")
    assert found.column_names == [*expected.column_names, "id", "subject", "age"]
    assert found["source"].to_pylist() == [str(clip)] * found.num_rows
    assert set(found["id"].to_pylist()) == {"a/b"}
    assert set(found["subject"].to_pylist()) == {"007"}
    assert str(found.schema.field("age").type) == "int64"
    assert found["age"].null_count == found.num_rows
    for name in expected.column_names:
        if name.endswith("_p"):
            assert np.allclose(found[name], expected[name], atol=1e-6), name
        elif name != "source":
            assert found[name].equals(expected[name]), name
    assert record.status == "done"
    assert record.frames == sum(counted) == len(set(expected["frame"].to_pylist()))
    assert (record.rows, record.faces, record.tries) == (expected.num_rows, 1, 2)
    assert record.media_seconds == pytest.approx(record.frames / 30, abs=0.1)
    assert record.provider == "cpu float32"
    summary = pq.read_table(Path(settings.results, "summaries", "a__b.parquet"))
    assert set(summary["id"].to_pylist()) == {"a/b"}
    assert set(model.aus) == set(summary["AU"].to_pylist())
    results = Results(open_folder(settings.results))
    (standing,) = results.standings()["a__b"]
    assert standing[:2] == (record.key, "done")
    assert results.read("a__b", standing) == record


def test_videos_side_by_side_are_labelled_each_for_itself(settings, clip):
    tasks = [task_of(settings, clip, f"video {number}", end=0.3 + 0.1 * number) for number in range(5)]
    records = {}
    with Labeller(replace(settings, at_once=3)) as labeller:
        threads = [
            threading.Thread(target=lambda task=task: records.update({task.video.id: labeller.label(task)}))
            for task in tasks
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert {record.status for record in records.values()} == {"done"}
    for task in tasks:
        table = table_of(settings, task.video.id)
        assert set(table["id"].to_pylist()) == {task.video.id}
        assert table.num_rows == records[task.video.id].rows
        assert max(table["timestamp"].to_pylist()) < task.video.end


def test_faulty_videos_have_records_that_say_why(settings, clip, tmp_path):
    whole = clip.read_bytes()
    cases = {"empty": b"", "text": b"no video", "truncated": whole[: len(whole) // 2], "gone": None}
    records = {}
    with Labeller(settings) as labeller:
        for name, content in cases.items():
            path = tmp_path / f"{name}.mp4"
            path.write_bytes(content or b"")
            task = task_of(settings, path, name)
            if content is None:
                path.unlink()
            records[name] = labeller.label(task)
        good = labeller.label(task_of(settings, clip, "good", end=0.2))
    assert good.status == "done"
    for name, record in records.items():
        assert record.status in ("broken", "failed")
        assert str(tmp_path) in record.problem.what, name
        assert record.problem.why
        assert record.problem.fix
        table = Path(settings.results, "tables", f"{name}.parquet")
        assert table.exists() == (record.status == "broken") == (record.frames > 0)
    assert records["empty"].status == records["text"].status == records["gone"].status == "failed"


def test_an_older_result_is_withdrawn_before_the_new_one_is_written(settings, clip, tmp_path):
    results = Results(open_folder(settings.results))
    with Labeller(settings) as labeller:
        first = task_of(settings, clip, "x", end=0.2)
        labeller.label(first)
        ((standing),) = results.standings()["x"]
        second = replace(task_of(settings, clip, "x", end=0.4), superseded=(standing,))
        assert second.key != first.key
        record = labeller.label(second)
        assert [each.key for each in results.standings()["x"]] == [second.key]
        assert table_of(settings, "x").num_rows == record.rows
        bad = tmp_path / "bad.mp4"
        bad.write_bytes(b"nothing")
        third = replace(task_of(settings, bad, "x"), superseded=tuple(results.standings()["x"]))
        labeller.label(third)
    assert [each.status for each in results.standings()["x"]] == ["failed"]
    assert not list(Path(settings.results).glob("*/x.parquet"))


def test_results_that_cannot_be_written_are_an_error_and_leave_no_record(settings, clip, tmp_path):
    Path(settings.results).mkdir()
    Path(settings.results, "tables").write_text("in the way")
    with Labeller(settings) as labeller, pytest.raises(OutputError):
        labeller.label(task_of(settings, clip, "x", end=0.2))
    assert not list(Path(settings.results).glob("records/*"))
    assert not list(Path(settings.temp).iterdir())


def test_another_bundle_than_the_drivers_is_refused(settings):
    with pytest.raises(BundleError, match="another than that of the driver"):
        Labeller(replace(settings, digest="0" * 64))


def test_what_killed_workers_have_left_is_removed_and_what_lives_stays(settings, tmp_path):
    import os

    left = Path(settings.temp, f"{TEMPORARY}left")
    left.mkdir()
    (left / "input.mp4").write_bytes(b"x")
    os.utime(left, (0, 0))
    with Labeller(settings):
        assert not left.exists()
        (lives,) = Path(settings.temp).iterdir()
        os.utime(lives, (0, 0))
        with Labeller(settings):
            assert lives.exists()
    assert not list(Path(settings.temp).iterdir())


def test_a_labeller_that_is_closed_lets_go_of_its_callers(settings, clip):
    labeller = Labeller(settings)
    outcome = []

    def work():
        try:
            outcome.append(labeller.label(task_of(settings, clip, "x")))
        except (RuntimeError, OutputError) as error:
            outcome.append(error)

    begun = threading.Event()
    labeller._on_frames = lambda count: begun.set()
    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    labeller.close()
    thread.join(30)
    assert not thread.is_alive()
    assert isinstance(outcome[0], Exception)
    assert not list(Path(settings.results).glob("records/*"))


def test_options_that_change_results_change_their_hash(settings):
    others = [
        replace(settings, every=2),
        replace(settings, fps=10.0),
        replace(settings, rotate=90),
        replace(settings, landmarks=True),
        replace(settings, precision="bfloat16"),
        replace(settings, columns={}),
        replace(settings, faces=replace(settings.faces, min_quality=0.5)),
    ]
    assert len({each.options for each in (settings, *others)}) == 1 + len(others)
    same = [replace(settings, provider="openvino"), replace(settings, threads=2), replace(settings, at_once=4)]
    assert {each.options for each in same} == {settings.options}
