"""Worker processes with a real model, of which some die in the midst of a video."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from archiving import Telling, assert_same_table, give_up, records_of, task_of, until

from mdhr_runtime.archive.processes import Processes, default_workers, visible_gpus
from mdhr_runtime.archive.scheduling import Died, Frames, schedule
from mdhr_runtime.cli.signals import SIGNALS
from mdhr_runtime.errors import BundleError, OutputError, ResourceError

LATE = 5.0
"""Seconds after which a worker without a driver is gone. It takes a moment."""


def run(tasks, settings, count=1, kind=Processes, **options):
    """Have tasks done by so many workers; returns the tally and the events."""
    events = []

    def note(event):
        events.append(event)

    with kind(settings, count) as workers:
        return schedule(tasks, workers, give_up(settings), on_event=note, **options), events


class OnceKilled(Processes):
    """The first worker that has labelled some frames is killed."""

    def wait(self, seconds):
        events = super().wait(seconds)
        if any(isinstance(event, Frames) for event in events) and not hasattr(self, "victim"):
            self.victim = next(worker for worker in self._workers if worker is not None and worker.orders)
            self.victim.process.kill()
        return events


class Poisoned(Processes):
    """Whichever worker has the video `poison` dies of it."""

    def wait(self, seconds):
        for worker in self._workers:
            if worker is not None and worker.ready and "poison" in worker.orders:
                worker.process.kill()
        return super().wait(seconds)


@pytest.mark.slow
def test_a_worker_that_is_killed_in_mid_video_costs_one_retry(settings, clip, tmp_path):
    tasks = [task_of(settings, clip, name, end=2.0) for name in "ab"]
    tally, events = run(tasks, settings, kind=OnceKilled)
    assert (tally.done, tally.failed, tally.retries) == (2, 0, 1)
    assert ["SIGKILL" in event.why for event in events if isinstance(event, Died)] == [True]
    records = records_of(settings)
    assert sorted(record.tries for record in records.values()) == [1, 2]
    undisturbed = replace(settings, results=str(tmp_path / "undisturbed"))
    run(tasks, undisturbed)
    for task in tasks:
        assert_same_table(undisturbed, settings, task.video.id)
    assert sum(event.count for event in events if isinstance(event, Frames)) > tally.frames  # some were done twice


@pytest.mark.slow
@pytest.mark.parametrize(("count", "at_once"), [(2, 1), (1, 2)])
def test_a_video_that_kills_twice_has_failed_and_all_others_are_done(settings, clip, count, at_once):
    settings = replace(settings, at_once=at_once)
    tasks = [task_of(settings, clip, name, end=0.3) for name in ("a", "poison", "b", "c")]
    tally, events = run(tasks, settings, count, Poisoned)
    assert (tally.done, tally.failed) == (3, 1)
    records = records_of(settings)
    assert {name: record.status for name, record in records.items()} == dict.fromkeys("abc", "done") | {
        "poison": "failed"
    }
    assert "SIGKILL" in records["poison"].problem.why
    assert [event.final for event in events if isinstance(event, Died) and event.task.video.id == "poison"] == [
        False,
        True,
    ]


@pytest.mark.slow
def test_workers_are_started_for_tasks_alone_and_a_faulty_video_kills_none(settings, clip, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with Processes(settings, 8) as workers:
        tasks = [task_of(settings, clip, "good", end=0.2), task_of(settings, tmp_path / "bad.mp4", "bad")]
        tally = schedule(tasks, workers, give_up(settings))
        pids = [worker.process.pid for worker in workers._workers if worker is not None]
        assert len(pids) == 2
        assert workers.free == 8
    assert (tally.done, tally.failed, tally.retries) == (1, 1, 0)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not list(tmp_path.glob("mdhr-archive-*"))  # a worker that may end by itself leaves nothing


@pytest.mark.slow
def test_closed_at_once_they_are_gone_in_the_midst_of_their_work(settings, clip):
    workers = Processes(settings, 1)
    assert workers.begin(task_of(settings, clip, "a"))
    until(lambda: workers.wait(1.0))
    (worker,) = workers._workers
    workers.close(now=True)
    assert worker.process.exitcode == -signal.SIGKILL
    assert not records_of(settings)
    workers.close()


@pytest.mark.slow
def test_an_error_that_no_worker_can_mend_ends_the_run_in_its_own_words(settings, clip, tmp_path):
    with pytest.raises(BundleError, match="another than that of the driver"):
        run([task_of(settings, clip, "a")], replace(settings, digest="0" * 64))
    Path(settings.results).mkdir()
    Path(settings.results, "tables").write_text("in the way")
    with pytest.raises(OutputError, match="tables"):
        run([task_of(settings, clip, "a", end=0.2)], settings)


@pytest.mark.slow
def test_a_worker_that_dies_twice_as_it_starts_ends_the_run(settings, clip):
    class Unborn(Processes):
        def wait(self, seconds):
            for worker in self._workers:
                worker.process.kill()
            return super().wait(seconds)

    with pytest.raises(ResourceError, match=r"twice before it was ready, at last by SIGKILL, .* memory"):
        run([task_of(settings, clip, "a")], settings, kind=Unborn)


@pytest.mark.slow
def test_a_fault_of_ours_is_shown_and_counts_as_a_death(settings, clip, capfd):
    task = replace(task_of(settings, clip, "a"), input=None)  # which nobody gives
    with Processes(settings, 1) as workers:
        workers.begin(task)
        (event,) = until(lambda: workers.wait(1.0))
    assert event == Died(task, "AttributeError: 'NoneType' object has no attribute 'size'", False)
    out, err = capfd.readouterr()
    assert "Traceback" in err
    assert not out


DRIVER = """
import sys
from pathlib import Path
from archiving import Telling, assert_same_table, give_up, settings_of, task_of
from mdhr_runtime.archive.processes import Processes
from mdhr_runtime.archive.scheduling import Frames, schedule

if __name__ == "__main__":
    bundle, clip, results, temp = sys.argv[1:]
    settings = settings_of(bundle, results, temp=temp)
    tasks = [task_of(settings, clip, name, end=1.5) for name in "abcd"]
    told = lambda event: print("frames", flush=True) if isinstance(event, Frames) else None
    with Processes(settings, 2) as workers:
        schedule(tasks, workers, give_up(settings), on_event=told)
"""


@pytest.fixture
def driver(settings, clip, tmp_path):
    """A driver in mid-video: its process, and the pids of its workers."""
    (tmp_path / "driver.py").write_text(DRIVER)
    support = str(Path(__file__).parents[2] / "support")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, support])}
    command = [sys.executable, "driver.py", settings.bundle, clip, settings.results, tmp_path]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **pipes)
    try:
        assert process.stdout.readline() == "frames\n", process.stderr.read()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield process, [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    finally:
        process.kill()
        process.communicate()


def gone(pid):
    """Whether a process is no more, or waits to be buried by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
def test_a_killed_driver_takes_its_workers_along_and_the_next_one_goes_on(driver, settings, clip):
    process, workers = driver
    assert len(workers) == 2
    for number in SIGNALS:  # which some cluster managers send to all: they are the driver's
        os.kill(int(workers[0]), number)
    assert process.stdout.readline() == "frames\n"
    assert not any(map(gone, workers))
    process.kill()
    until(lambda: all(map(gone, workers)), LATE)
    assert not process.stderr.read()
    before = records_of(settings)
    assert len(before) < 4
    tasks = [task_of(settings, clip, name, end=1.5) for name in "abcd"]
    tally, _ = run([task for task in tasks if task.video.id not in before], settings, 2)
    after = records_of(settings)
    assert sorted(after) == ["a", "b", "c", "d"]
    assert tally.done == 4 - len(before)
    assert len({record.table for record in after.values()}) == 4  # they tell of their ids
    assert len({record.rows for record in after.values()}) == 1


def plant(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


GIB = 1 << 20
"""In kB."""
GROUP = {
    "proc/self/cgroup": "0::/a\n",
    "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
}
OLD_GROUP = {
    "proc/self/cgroup": "4:memory:/a\n",
    "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
}


@pytest.mark.parametrize(
    ("threads", "files", "expected"),
    [
        (None, {}, (8, 1)),
        (2, {}, (4, 2)),
        (16, {}, (1, 16)),
        (None, {"proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:   {5 * GIB} kB\n"}, (5, 1)),
        (None, {"proc/meminfo": f"MemAvailable: {2 * GIB} kB\n"}, (2, 4)),
        (None, {"proc/meminfo": "MemAvailable: 1000 kB\n"}, (1, 8)),
        (None, GROUP | {"sys/fs/cgroup/a/memory.max": str(3 << 30)}, (3, 2)),
        (None, GROUP | {"sys/fs/cgroup/a/memory.max": "max\n"}, (8, 1)),
        (None, OLD_GROUP | {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{4 << 30}\n"}, (4, 2)),
    ],
)
def test_workers_fit_cores_and_memory(tmp_path, monkeypatch, threads, files, expected):
    monkeypatch.setenv("MDHR_THREADS", "8")
    assert default_workers(threads, plant(tmp_path, files)) == expected


def test_workers_fit_this_machine():
    count, threads = default_workers()
    assert 1 <= count * threads <= os.cpu_count()


@pytest.mark.parametrize(
    ("chosen", "gpus"), [(None, ["0", "2", "10"]), ("", []), ("-1", []), ("3,1", ["3", "1"]), ("GPU-x", ["GPU-x"])]
)
def test_which_gpus_there_are(tmp_path, monkeypatch, chosen, gpus):
    plant(tmp_path, {f"dev/nvidia{name}": "" for name in ("10", "0", "2", "ctl", "-uvm")})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus(tmp_path) == gpus


@pytest.mark.slow
def test_each_worker_has_its_gpu(settings, clip, tmp_path):
    telling = Telling(**vars(settings))
    with Processes(telling, 2, ["7", "GPU-x"]) as workers:
        for name in "ab":
            workers.begin(task_of(settings, clip, name))
        found = until(lambda: len(told := list(tmp_path.glob("gpu *"))) == 2 and told)
        workers.close(now=True)
    assert sorted(path.name for path in found) == ["gpu 7", "gpu GPU-x"]
