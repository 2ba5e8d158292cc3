"""All tables as one."""

import contextlib
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_results import finish, plan, put_table, results_in
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive import collecting
from mdhr_runtime.archive.collecting import collect
from mdhr_runtime.archive.folders import open_folder
from mdhr_runtime.archive.records import Results
from mdhr_runtime.archive.videos import find_videos
from mdhr_runtime.errors import DataError, OutputError


@pytest.fixture
def archive(tmp_path):
    """Five videos with a column, and their results."""
    (tmp_path / "v").mkdir()
    for letter in "abcde":
        (tmp_path / f"v/{letter}.mp4").write_bytes(b"1")
    (tmp_path / "all.csv").write_text(
        "path,id,subject\n" + "".join(f"v/{each}.mp4,{each},00{each}\n" for each in "abcde")
    )
    results = results_in(tmp_path / "results")
    return results, lambda: plan(find_videos([], str(tmp_path / "all.csv")), results).tasks


def read(path):
    return pq.read_table(path)["id"].to_pylist()


def test_one_table_and_one_summary_of_all_that_has_rows(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "AHEAD", 2)
    results, tasks = archive
    for task, (status, rows) in zip(tasks()[:4], (("done", 2), ("failed", 0), ("broken", 1), ("done", 3)), strict=True):
        finish(results, task, tmp_path / "s", status, rows)
    seen = []

    @contextlib.contextmanager
    def progress(names):
        yield (seen.append(name) or name for name in names)

    found = collect(results, tmp_path / "all.parquet", tmp_path / "summary.parquet", progress=progress)
    assert (found.done, found.broken, found.failed, found.pending, found.others) == (2, 1, 1, 1, 0)
    assert (found.rows, found.left_out, seen) == ([6, 3], {}, ["a", "c", "d"])
    assert read(tmp_path / "all.parquet") == ["a", "a", "c", "d", "d", "d"]
    assert read(tmp_path / "summary.parquet") == ["a", "c", "d"]
    assert pq.read_table(tmp_path / "all.parquet")["subject"].to_pylist()[-1] == "00d"
    collect(results, tmp_path / "all.parquet", None)  # an older one is replaced
    assert sorted(path.name for path in tmp_path.glob("*parquet*")) == ["all.parquet", "summary.parquet"]


def test_databases_read_the_tables_as_a_whole(archive, tmp_path):
    results, tasks = archive
    for task, rows in zip(tasks()[:2], (2, 3), strict=True):
        finish(results, task, tmp_path / "s", rows=rows)
    query = "SELECT subject, count(*), avg(AU01_p) FROM '{}/tables/*.parquet' GROUP BY subject ORDER BY subject"
    assert duckdb.sql(query.format(tmp_path / "results")).fetchall() == [("00a", 2, 0.5), ("00b", 3, 0.5)]


def test_many_small_tables_become_few_groups(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "GROUP_ROWS", 100)
    results, tasks = archive
    for task in tasks():
        finish(results, task, tmp_path / "s", rows=60)
    collect(results, tmp_path / "all.parquet", None)
    metadata = pq.read_metadata(tmp_path / "all.parquet")
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [120, 120, 60]


def test_a_table_that_is_not_its_records_is_left_out_and_told(archive, tmp_path):
    results, tasks = archive
    todo = tasks()
    for task in todo[:3]:
        finish(results, task, tmp_path / "s")
    put_table(results, "b", tmp_path / "s", ["foreign"], columns={"subject": "x"})
    (tmp_path / "results/summaries/c.parquet").write_bytes(b"PAR1")
    found = collect(results, tmp_path / "all.parquet", tmp_path / "summary.parquet")
    assert read(tmp_path / "all.parquet") == ["a"] * 3
    assert read(tmp_path / "summary.parquet") == ["a"]
    assert (found.done, sorted(found.left_out)) == (1, ["b", "c"])
    assert f"Remove records/b.{todo[1].key}.done.json" in found.left_out["b"].fix
    (tmp_path / f"results/records/b.{todo[1].key}.done.json").unlink()  # as it says
    assert "b" in [task.video.id for task in tasks()]
    for name in "ac":
        put_table(results, name, tmp_path / "s", ["foreign"])
    with pytest.raises(DataError, match="is not what its record tells of"):
        collect(results, tmp_path / "all.parquet", None)
    assert read(tmp_path / "all.parquet") == ["a"] * 3


def test_tables_that_do_not_go_together_are_refused(archive, tmp_path):
    results, tasks = archive
    for task, score in zip(tasks()[:3], ("AU01", "AU01", "AU02"), strict=True):
        finish(results, task, tmp_path / "s", score=score)
    (tmp_path / "all.parquet").touch()
    with pytest.raises(DataError, match="The tables of a and c do not go together") as error:
        collect(results, tmp_path / "all.parquet", tmp_path / "summary.parquet")
    assert "AU01_p" in error.value.why
    assert "AU02_p" in error.value.why
    assert [path.name for path in tmp_path.glob("*.parquet")] == ["all.parquet"]
    assert (tmp_path / "all.parquet").stat().st_size == 0


def test_there_is_nothing_yet(archive, tmp_path):
    results, tasks = archive
    with pytest.raises(DataError, match="is no folder of an archive's results"):
        collect(results, tmp_path / "all.parquet", None)
    finish(results, tasks()[0], tmp_path / "s", "failed")
    with pytest.raises(DataError, match="holds no tables"):
        collect(results, tmp_path / "all.parquet", None)
    assert not list(tmp_path.glob("*.parquet"))


def test_files_of_others_stay(archive, tmp_path):
    results, tasks = archive
    finish(results, tasks()[0], tmp_path / "s")
    pq.write_table(pa.table({"mine": [1]}), tmp_path / "all.parquet")
    with pytest.raises(OutputError, match="is not overwritten"):
        collect(results, tmp_path / "all.parquet", None)
    collect(results, tmp_path / "all.parquet", None, overwrite=True)
    assert read(tmp_path / "all.parquet") == ["a"] * 3


def test_a_full_disk_leaves_nothing(archive, tmp_path):
    results, tasks = archive
    for task in tasks():
        finish(results, task, tmp_path / "s", rows=10)
    collect(results, tmp_path / "whole", None)
    largest = max(path.stat().st_size for path in (tmp_path / "results/tables").iterdir())
    assert (tmp_path / "whole").stat().st_size > largest + 50
    program = f"""
import resource, signal
import pyarrow.parquet
from pathlib import Path
from mdhr_runtime.archive.collecting import collect
from mdhr_runtime.archive.folders import open_folder
from mdhr_runtime.archive.records import Results
from mdhr_runtime.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {largest}))
try:
    collect(Results(open_folder({str(tmp_path / "results")!r})), Path({str(tmp_path / "all.parquet")!r}), None)
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "all.parquet cannot be written" in done.stdout
    assert not list(tmp_path.glob("*.parquet"))


def test_from_a_store(archive, tmp_path, monkeypatch):
    with s3_server(monkeypatch):
        results = Results(open_folder(f"s3://{BUCKET}/results"))
        for task in plan(find_videos([], str(tmp_path / "all.csv")), results).tasks[:3]:
            finish(results, task, tmp_path / "s")
        found = collect(results, tmp_path / "all.parquet", tmp_path / "summary.parquet")
        assert (found.done, found.pending, found.rows) == (3, 2, [9, 3])
        assert read(tmp_path / "all.parquet") == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
