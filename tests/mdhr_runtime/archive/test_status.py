"""How far an archive is."""

import os

import pytest
from archive_results import finish, plan, results_in

from mdhr_runtime.archive import status as module
from mdhr_runtime.archive.status import status
from mdhr_runtime.archive.videos import find_videos
from mdhr_runtime.cli.console import table
from mdhr_runtime.errors import DataError


@pytest.fixture
def archive(tmp_path):
    """Twelve videos, of 1 to 12 kB, and their results."""
    (tmp_path / "v").mkdir()
    for number in range(1, 13):
        (tmp_path / f"v/{number:02}.mp4").write_bytes(bytes(1000 * number))
    results = results_in(tmp_path / "results")
    return results, lambda **settings: plan(find_videos([str(tmp_path / "v")]), results, **settings).tasks


def test_nothing_is_done_yet(archive, tmp_path):
    results, tasks = archive
    with pytest.raises(DataError, match="is no folder of an archive's results"):
        status(results)
    tasks()
    found = status(results)
    assert (found.videos, found.counts["pending"], found.bytes_ended, found.bytes_all) == (12, 12, 0, 78_000)
    assert (found.frames_per_second, found.hours_left, found.hours_per_hour) == (None, None, None)
    assert found.rows() == [
        ("done", "0"),
        ("broken", "0"),
        ("failed", "0"),
        ("pending", "12"),
        ("of all bytes", "0.0 %"),
    ]
    assert found.failure_rows() == []


def test_half_is_done(archive, tmp_path):
    results, tasks = archive
    todo = tasks()
    for number, task in enumerate(todo[:4]):  # of 1, 2, 3 and 4 kB, one in 10 s
        finish(results, task, tmp_path / "s", ended=1000.0 + 10 * number, frames=250)
    finish(results, todo[4], tmp_path / "s", "broken", ended=1040.0, frames=50, why="It ends early.")
    finish(results, todo[5], tmp_path / "s", "failed", why="It is text.")
    finish(results, todo[6], tmp_path / "s", "failed", why="It is text.")
    found = status(results)
    assert found.counts == {"done": 4, "broken": 1, "failed": 2, "pending": 5}
    assert found.bytes_ended == 28_000
    assert found.frames_per_second == pytest.approx((3 * 250 + 50) / 40)
    assert found.hours_per_hour == pytest.approx((3 * 10 + 2) / 40)
    assert found.hours_left == pytest.approx(50_000 / (14_000 / 40) / 3600)
    assert found.failures == {
        "… cannot be read. It is text.": ["06.mp4", "07.mp4"],
        "… cannot be read. It ends early.": ["05.mp4"],
    }
    assert ("hours left", "0.0") in found.rows()
    text = table(found.FAILURES_HEADER, found.failure_rows())
    assert "… cannot be read. It is text." in text
    assert "06.mp4, 07.mp4" in text
    assert table(found.HEADER, found.rows())


def test_what_changed_and_what_is_of_no_plan(archive, tmp_path):
    results, tasks = archive
    for task in tasks():
        finish(results, task, tmp_path / "s")
    os.utime(tmp_path / "v/01.mp4", ns=(1, 1))
    (tmp_path / "v/02.mp4").unlink()
    assert [task.video.id for task in tasks()] == ["01.mp4"]
    found = status(results)
    assert (found.videos, found.counts["done"], found.counts["pending"]) == (11, 10, 1)
    assert (found.changed, found.others) == (1, 1)
    assert {("pending, with an older result", "1"), ("not in the last plan", "1")} <= set(found.rows())
    tasks(options="other")
    assert status(results).changed == 11


def test_a_table_that_is_gone_is_pending(archive, tmp_path):
    results, tasks = archive
    finish(results, tasks()[0], tmp_path / "s")
    assert status(results).counts["done"] == 1
    (tmp_path / "results/tables/01.mp4.parquet").unlink()
    found = status(results)
    assert (found.counts["done"], found.counts["pending"], found.changed) == (0, 12, 0)


def test_only_the_newest_tell_the_rate_and_not_all_failures_are_read(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "NEWEST", 3)
    monkeypatch.setattr(module, "MOST_FAILURES", 2)
    results, tasks = archive
    todo = tasks()
    for number, task in enumerate(todo[:5]):
        finish(results, task, tmp_path / "s", ended=(0.0, 1.0, 1000.0, 1010.0, 1020.0)[number])
        (record,) = (tmp_path / "results/records").glob(f"{task.video.name}.*")
        os.utime(record, (1000 + number,) * 2)
    for task in todo[5:8]:
        finish(results, task, tmp_path / "s", "failed")
    found = status(results)
    assert found.frames_per_second == pytest.approx(200 / 20)
    assert sum(map(len, found.failures.values())) == 2
    assert found.unread == 1
    assert found.failure_rows()[-1][:2] == ("others, not looked at", 1)
