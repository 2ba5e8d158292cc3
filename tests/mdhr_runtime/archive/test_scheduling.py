"""Which task is begun when, with workers that have a time of their own."""

import heapq
from itertools import count
from time import process_time

import pytest

from mdhr_runtime.archive.folders import Input
from mdhr_runtime.archive.records import ArchiveVideo, Problem, Record, Task
from mdhr_runtime.archive.scheduling import Died, Finished, Frames, Workers, schedule
from mdhr_runtime.errors import DataError, OutputError


def task(name, size=1, address="{}.mp4"):
    return Task(ArchiveVideo(name, address.format(name)), Input(size, "etag 1"), f"key of {name}")


def record(task, status="done", tries=1, why="It is empty."):
    problem = None if status == "done" else Problem(f"{task.video.id} cannot be read.", why, "Look at it.")
    return Record(
        task.video.id, "", task.key, status, task.input.size, "", "", "", frames=task.input.size, problem=problem,
        tries=tries,
    )  # fmt: skip


class Virtual(Workers):
    """Workers for which a video takes as many seconds as its file has bytes; `outcome` says how a try ends.

    One that dies takes all that it has with it, and is there again at once.
    """

    def __init__(self, number=1, at_once=1, outcome=lambda task, tries: record(task, tries=tries)):
        self.now, self.begun, self.closed = 0.0, [], None
        self._outcome, self._at_once = outcome, at_once
        self._load = [{} for _ in range(number)]
        self._alone = [False] * number
        self._agenda, self._order = [], count()

    @property
    def free(self):
        return sum(
            0 if alone else self._at_once - len(load) for load, alone in zip(self._load, self._alone, strict=True)
        )

    def begin(self, task, tries=1, alone=False):
        able = [
            n for n, load in enumerate(self._load) if not self._alone[n] and len(load) < (1 if alone else self._at_once)
        ]
        if not able:
            return False
        worker = min(able, key=lambda n: len(self._load[n]))
        self._alone[worker] = alone
        self._load[worker][task.video.id] = task
        self.begun.append((task.video.id, tries, alone))
        heapq.heappush(self._agenda, (self.now + task.input.size, next(self._order), worker, task, tries))
        return True

    def wait(self, seconds):
        if not self._agenda:
            self.now += seconds
            return []
        self.now, _, worker, task, tries = heapq.heappop(self._agenda)
        if self._load[worker].get(task.video.id) is not task:
            return []
        outcome = self._outcome(task, tries)
        self._alone[worker] = False
        if isinstance(outcome, str):
            lost, self._load[worker] = self._load[worker], {}
            return [Died(each, outcome, False) for each in lost.values()]
        del self._load[worker][task.video.id]
        return [Frames(task.input.size), Finished(task, outcome)]

    def close(self, now=False):
        self.closed = now


def give_up(task, why):
    return record(task, "failed", 2, why)


def killed_by(*poison):
    return lambda task, tries: "signal SIGKILL" if task.video.id in poison else record(task, tries=tries)


def test_the_longest_come_first_and_those_of_one_size_in_their_order():
    workers = Virtual()
    tally = schedule([task("a", 2), task("b", 5), task("c", 2), task("d", 9)], workers, give_up)
    assert [name for name, _, _ in workers.begun] == ["d", "b", "a", "c"]
    assert (tally.done, tally.broken, tally.failed, tally.retries, tally.frames) == (4, 0, 0, 0, 18)


def test_the_last_worker_ends_hardly_after_the_first():
    workers = Virtual(8)
    tasks = [task(str(number), 1 + number * 7 % 100) for number in range(400)]
    schedule(tasks, workers, give_up)
    assert workers.now <= 1.005 * sum(each.input.size for each in tasks) / 8


def test_a_task_whose_worker_dies_is_done_again():
    workers = Virtual(
        2, outcome=lambda task, tries: "exit status 1" if task.video.id == "b" and tries == 1 else record(task)
    )
    events = []
    tally = schedule([task("a"), task("b"), task("c")], workers, give_up, on_event=events.append)
    assert (tally.done, tally.failed, tally.retries) == (3, 0, 1)
    assert ("b", 2, True) in workers.begun
    assert [event.why for event in events if isinstance(event, Died)] == ["exit status 1"]
    assert sorted(event.task.video.id for event in events if isinstance(event, Finished)) == ["a", "b", "c"]


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_of_videos_side_by_side_the_guilty_alone_is_given_up(number, at_once):
    workers = Virtual(number, at_once, killed_by("3", "11"))
    given = []

    def given_up(task, why):
        given.append((task.video.id, why))
        return give_up(task, why)

    tally = schedule([task(str(n), 20 - n) for n in range(20)], workers, given_up)
    assert sorted(given) == [("11", "signal SIGKILL"), ("3", "signal SIGKILL")]
    assert (tally.done, tally.failed) == (18, 2)
    assert 2 <= tally.retries <= 2 * at_once
    assert [begun[0] for begun in workers.begun].count("3") == 2


def test_a_death_that_the_workers_call_final_is():
    class Final(Virtual):
        def wait(self, seconds):
            return [event._replace(final=True) if isinstance(event, Died) else event for event in super().wait(seconds)]

    workers = Final(outcome=killed_by("a"))
    tally = schedule([task("a"), task("b")], workers, give_up)
    assert (tally.done, tally.failed, tally.retries) == (1, 1, 0)
    assert len(workers.begun) == 2


def failing(number, kinds=1, address="{}.mp4"):
    """A run in which the first `number` of a hundred videos fail."""

    def outcome(task, tries):
        name = int(task.video.id)
        return record(task, "failed" if name < number else "done", tries, f"Reason {name % kinds}.")

    return [task(str(n), 100 - n, address) for n in range(100)], Virtual(outcome=outcome)


def test_too_many_failures_end_the_run_and_the_commonest_is_named():
    tasks, workers = failing(9, kinds=2)
    with pytest.raises(DataError) as caught:
        schedule(tasks, workers, give_up, stop_after=0.2)
    assert caught.value.what == "9 of the first 10 videos failed or broke off."
    assert "20%" in caught.value.why
    assert "The reason of 5: Reason 0." in caught.value.why
    assert len(workers.begun) == 10


@pytest.mark.parametrize(("failures", "share"), [(9, None), (9, 0.9), (2, 0.2), (100, 1.0)])
def test_no_more_failures_than_allowed_end_nothing(failures, share):
    tasks, workers = failing(failures)
    tally = schedule(tasks, workers, give_up, stop_after=share)
    assert (tally.done, tally.failed) == (100 - failures, failures)


def test_when_it_is_to_stop_what_is_at_work_ends_and_nothing_else_begins():
    workers = Virtual(2, 2)
    tally = schedule([task(str(n), 3) for n in range(20)], workers, give_up, stopping=lambda: workers.now >= 3)
    assert tally.done == len(workers.begun) == 4


def test_a_run_that_is_to_stop_begins_no_retry():
    workers = Virtual(outcome=killed_by("a"))
    tally = schedule([task("a"), task("b")], workers, give_up, stopping=lambda: workers.now > 0)
    assert (tally.done, tally.failed) == (0, 0)
    assert len(workers.begun) == 1


def test_a_record_that_cannot_be_written_ends_the_run():
    def full(task, why):
        raise OutputError("The record cannot be written.", "The disk is full.", "Make room.")

    with pytest.raises(OutputError), Virtual(outcome=killed_by("a")) as workers:
        schedule([task("a")], workers, full)
    assert workers.closed is True
    with Virtual() as workers:
        schedule([task("a")], workers, full)
    assert workers.closed is False


@pytest.mark.slow
def test_a_hundred_thousand_tasks_cost_microseconds_each():
    tasks = [task(str(number), 1 + number % 997) for number in range(100_000)]
    started = process_time()
    tally = schedule(tasks, Virtual(4, 50, killed_by(*map(str, range(0, 100_000, 1000)))), give_up)
    assert process_time() - started < 10  # of which the workers take most
    assert (tally.done, tally.failed) == (99_900, 100)
