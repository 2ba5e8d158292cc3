"""The simulated archive, small."""

import archive
import pytest
from click.testing import CliRunner


def simulate(*options):
    done = CliRunner().invoke(archive.main, ["simulate", *map(str, options)], catch_exceptions=False)
    lines = done.output.splitlines()[2:]
    return {name.strip(): figure.strip() for name, figure in (line.rsplit("  ", maxsplit=1) for line in lines)}


def test_every_video_has_a_record_and_workers_are_hardly_ever_idle():
    figures = simulate("--videos", 300, "--workers", 5)
    assert figures["records"] == "300"
    assert sum(map(int, figures["done, failed"].split(", "))) == 300
    assert 1 <= float(figures["makespan to the larger of both"]) < 1.1


def test_the_longest_video_bounds_a_run_with_many_workers():
    figures = simulate("--videos", 60, "--workers", 60)
    assert figures["makespan, hours"] == figures["longest video, hours"]


@pytest.mark.parametrize("seed", range(3))
def test_what_fails_and_who_dies_is_as_stated(seed):
    tasks, work, ends = archive.invent(20_000, 30.0, seed)
    assert len(tasks) == len(work) == len(ends) == 20_000
    shares = {end: list(ends.values()).count(end) / 20_000 for end in ("failed", "accident")}
    assert shares["failed"] == pytest.approx(archive.DAMAGED, rel=0.25)
    assert shares["accident"] == pytest.approx(archive.ACCIDENTS, rel=0.6)
    assert sorted(work.values())[10_000] == pytest.approx(archive.MEDIAN, rel=0.1)


def test_a_video_that_kills_every_worker_is_given_up(tmp_path):
    tasks, work, ends = archive.invent(12, 30.0, 0)
    ends |= dict.fromkeys(ends, "done") | {tasks[3].video.id: "deadly", tasks[5].video.id: "accident"}
    results = archive.Results(archive.open_folder(str(tmp_path)))
    crew = archive.Simulated(work, ends, results, 2)

    def give_up(task, why):
        return archive.record_of(task, "failed", 0, 2)

    tally = archive.schedule(tasks, crew, give_up)
    assert (tally.done, tally.failed, tally.retries) == (11, 1, 2)
    assert crew.now >= max(work.values())
