"""What is left to do, whatever has changed, and how it is shared out."""

import os
import random
import subprocess
import sys
from itertools import chain

import pytest
from archive_results import BUNDLE, OPTIONS, finish, plan, results_in
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive.folders import Input, inspect, open_folder
from mdhr_runtime.archive.outstanding import outstanding
from mdhr_runtime.archive.records import ArchiveVideo, Problem, Record, Results, fit_key
from mdhr_runtime.archive.videos import Collection, find_videos
from mdhr_runtime.errors import DataError


@pytest.fixture
def videos(tmp_path):
    (tmp_path / "v").mkdir()
    for name in "abcd":
        (tmp_path / f"v/{name}.mp4").write_bytes(name.encode() * 10)
    return tmp_path / "v"


@pytest.fixture
def results(tmp_path):
    return results_in(tmp_path / "results")


CLASH = (29530, 30161)
"""Numbers whose ids below have the same beginning of a hash."""


def names(tasks):
    return [task.video.id for task in tasks]


def test_everything_is_to_be_done_at_first_and_nothing_at_last(videos, results, tmp_path):
    found = plan(find_videos([str(videos)]), results)
    assert names(found.tasks) == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    assert [task.input for task in found.tasks] == [inspect(task.video.address) for task in found.tasks]
    assert results.read_plan() == found.plan
    assert found.plan.videos == tuple((task.video.id, 10, task.key) for task in found.tasks)
    for task, status in zip(found.tasks, ("done", "broken", "failed", "done"), strict=True):
        finish(results, task, tmp_path / "s", status)
    again = plan(find_videos([str(videos)]), results)
    assert (again.tasks, again.missing, again.changed) == ([], [], 0)
    assert (again.done, again.broken, again.failed) == (2, 1, 1)
    retried = plan(find_videos([str(videos)]), results, retry_failed=True)
    assert names(retried.tasks) == ["b.mp4", "c.mp4"]
    assert [task.superseded[0].status for task in retried.tasks] == ["broken", "failed"]
    assert (retried.done, retried.changed) == (2, 0)


@pytest.mark.parametrize("changed", ["input", "bundle", "option", "part", "column"])
def test_what_changed_is_done_again_and_its_old_result_replaced(videos, results, tmp_path, changed):
    (tmp_path / "all.csv").write_text("path,end,k\nv/a.mp4,9,1\nv/b.mp4,9,1\n")
    for task in plan(find_videos([], str(tmp_path / "all.csv")), results).tasks:
        finish(results, task, tmp_path / "s")
    settings = {"bundle": {"bundle": "new"}, "option": {"options": "new"}}.get(changed, {})
    if changed == "input":
        os.utime(videos / "a.mp4", ns=(1, 1))
    if changed in ("part", "column"):
        line = "v/a.mp4,8,1,v/a.mp4#0-9" if changed == "part" else "v/a.mp4,9,2,v/a.mp4#0-9"
        (tmp_path / "all.csv").write_text(f"path,end,k,id\n{line}\nv/b.mp4,9,1,v/b.mp4#0-9\n")
    found = plan(find_videos([], str(tmp_path / "all.csv")), results, **settings)
    expected = ["v/a.mp4#0-9", "v/b.mp4#0-9"] if settings else ["v/a.mp4#0-9"]
    assert names(found.tasks) == expected
    assert (found.changed, found.done) == (len(expected), 2 - len(expected))
    for task in found.tasks:
        assert len(task.superseded) == 1
        finish(results, task, tmp_path / "s")
    assert [len(each) for each in results.standings().values()] == [1, 1]
    again = plan(find_videos([], str(tmp_path / "all.csv")), results, **settings)
    assert (again.done, again.tasks) == (2, [])


def test_a_record_without_its_table_counts_for_nothing(videos, results, tmp_path):
    for task in plan(find_videos([str(videos)]), results).tasks:
        finish(results, task, tmp_path / "s")
    (tmp_path / "results/tables/a.mp4.parquet").unlink()
    found = plan(find_videos([str(videos)]), results)
    assert names(found.tasks) == ["a.mp4"]
    assert len(found.tasks[0].superseded) == 1
    assert found.changed == 0


def test_a_table_of_which_two_records_tell_is_made_again(videos, results, tmp_path):
    """Two drivers with different options at once: the table is of the one or of the other."""
    one = plan(find_videos([str(videos)]), results)
    two = plan(find_videos([str(videos)]), results, options="other")
    finish(results, one.tasks[0], tmp_path / "s")
    finish(results, two.tasks[0], tmp_path / "s", rows=4)
    assert len(results.standings()["a.mp4"]) == 2
    found = plan(find_videos([str(videos)]), results)
    assert "a.mp4" in names(found.tasks)
    assert len(found.tasks[0].superseded) == 2
    finish(results, found.tasks[0], tmp_path / "s")
    assert plan(find_videos([str(videos)]), results).done == 1


def test_files_that_are_missing_are_told_and_keep_their_results(videos, results, tmp_path):
    (tmp_path / "all.txt").write_text("v/a.mp4\nv/none.mp4\nv\n")
    collection = find_videos([], str(tmp_path / "all.txt"))
    found = plan(collection, results)
    assert names(found.tasks) == ["v/a.mp4"]
    assert [(video.id, error.why) for video, error in found.missing] == [
        ("v/none.mp4", "No such file or directory."),
        ("v", "It is a folder."),
    ]
    finish(results, found.tasks[0], tmp_path / "s")
    (videos / "a.mp4").rename(videos / "away.mp4")
    found = plan(collection, results)
    assert [video.id for video, _ in found.missing] == ["v/a.mp4", "v/none.mp4", "v"]
    for video, error in found.missing:  # as the driver does
        key = fit_key(video, None, BUNDLE, OPTIONS)
        results.commit(video.name, Record(video.id, "", key, "failed", 0, "", "", "", problem=Problem.of(error)))
    again = plan(collection, results)
    assert (again.failed, again.missing, again.tasks) == (3, [], [])
    assert len(plan(collection, results, retry_failed=True).missing) == 3
    (videos / "away.mp4").rename(videos / "a.mp4")
    back = plan(collection, results)
    assert (back.done, back.failed, back.tasks) == (1, 2, [])


def test_32_shards_are_the_whole_whatever_the_order(results):
    """A script may list its videos in any order, and each shard's machine for itself."""
    videos = [ArchiveVideo(f"cam{number % 7}/{number}.mp4", f"/{number}") for number in range(2000)]
    states = {video.address: Input(1, "") for video in videos}
    shards = []
    for shard in range(1, 33):
        random.Random(shard).shuffle(videos)
        found = outstanding(Collection(videos, states=states), results, BUNDLE, OPTIONS, shard=(shard, 32))
        assert len(found.plan.videos) == 2000
        shards.append([video.id for video in (task.video for task in found.tasks)])
    assert sorted(chain(*shards)) == sorted(video.id for video in videos)
    assert min(map(len, shards)) > 30


def test_ids_with_one_name_are_refused(results):
    """Of a name that cannot be read, eight digits of a hash are left: so these two, which a search has found."""
    clash = [ArchiveVideo(f"?{number}?".rjust(250, "?"), "/a") for number in CLASH]
    assert clash[0].name == clash[1].name
    with pytest.raises(DataError, match=r"cannot be told apart.\n  why: The names of their results would be the same"):
        outstanding(Collection(clash, states={"/a": Input(1, "")}), results, BUNDLE, OPTIONS)


def test_files_of_a_store_are_looked_at_only_where_no_list_tells(monkeypatch, tmp_path):
    with s3_server(monkeypatch) as client:
        for name in "ab":
            client.put_object(Bucket=BUCKET, Key=f"v/{name}.mp4", Body=name.encode())
        results = Results(open_folder(f"s3://{BUCKET}/results"))
        found = plan(find_videos([f"s3://{BUCKET}/v"]), results)
        for task in found.tasks:
            finish(results, task, tmp_path / "s")
        (tmp_path / "all.csv").write_text(
            f"path,id\ns3://{BUCKET}/v/a.mp4,a.mp4\ns3://{BUCKET}/v/b.mp4,b.mp4\ns3://{BUCKET}/v/c.mp4,c.mp4\n"
        )
        again = plan(find_videos([], str(tmp_path / "all.csv")), results)
        assert (again.done, again.tasks) == (2, [])
        assert [video.id for video, _ in again.missing] == ["c.mp4"]
        client.put_object(Bucket=BUCKET, Key="v/a.mp4", Body=b"c")
        assert names(plan(find_videos([f"s3://{BUCKET}/v"]), results).tasks) == ["a.mp4"]


RESUME = """
import sys
from mdhr_runtime.archive.folders import open_folder
from mdhr_runtime.archive.outstanding import outstanding
from mdhr_runtime.archive.records import Results
from mdhr_runtime.archive.videos import find_videos
results = Results(open_folder(sys.argv[2]))
found = outstanding(find_videos([], sys.argv[1]), results, "b", "o")
results.write_plan(found.plan)
print(found.done, len(found.tasks), len(found.plan.videos))
"""


@pytest.mark.slow
def test_thousands_of_videos_are_resumed(tmp_path):
    """With 100,000, of which 1,000 are left, it takes seconds: what was measured is in docs/archive.md."""
    count, left = 5_000, 50
    (tmp_path / "v").mkdir()
    for folder in ("records", "tables", "summaries"):
        (tmp_path / f"results/{folder}").mkdir(parents=True)
    videos = [f"subject{number % 999:03}/session{number}.mp4" for number in range(count)]
    for number in range(999):
        (tmp_path / f"v/subject{number:03}").mkdir()
    for name in videos:
        os.close(os.open(tmp_path / "v" / name, os.O_CREAT))
    text = "path,subject,age\n" + "".join(f"{name},{name[7:10]},{len(name)}\n" for name in videos)
    (tmp_path / "v/all.csv").write_text(text)
    found = outstanding(find_videos([], str(tmp_path / "v/all.csv")), results_in(tmp_path / "results"), "b", "o")
    assert len(found.tasks) == count
    for task in found.tasks[left:]:
        record = f"{task.video.name}.{task.key}.done.json"
        table = f"{task.video.name}.parquet"
        for file in (f"records/{record}", f"tables/{table}", f"summaries/{table}"):
            os.close(os.open(tmp_path / "results" / file, os.O_CREAT))
    done = subprocess.run(
        [sys.executable, "-c", RESUME, tmp_path / "v/all.csv", tmp_path / "results"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(count - left), str(left), str(count)]
