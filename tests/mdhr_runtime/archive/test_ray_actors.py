"""Actors of a real Ray on this machine, of which some die in the midst of a video."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from archiving import assert_same_table, give_up, records_of, task_of

from mdhr_runtime.archive import ray_actors
from mdhr_runtime.archive.ray_actors import QUIET, STORE_BYTES, RayActors
from mdhr_runtime.archive.scheduling import Died, Finished, schedule
from mdhr_runtime.errors import BundleError, OutputError, ProviderError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ray():
    """A Ray with room for two actors."""
    os.environ.update(QUIET)
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=STORE_BYTES, log_to_driver=False)
    yield ray
    ray.shutdown()


def run(tasks, settings, count=2, kind=RayActors, **options):
    events = []
    with kind(settings, count, "local", **options) as workers:
        return schedule(tasks, workers, give_up(settings), on_event=events.append), events


class Killer(RayActors):
    """Whichever actor has the video `poison` is killed in the midst of it, so many times."""

    left = 1
    killed = frozenset()

    def wait(self, seconds):
        at_work = any(task is not None and task.video.id == "poison" for _, task in self._pending.values())
        processes = {each.pid: each for each in psutil.process_iter(["cmdline"]) if at_work and self.left}
        victims = {pid for pid, each in processes.items() if "ray::Actor.label" in (each.info["cmdline"] or ())}
        if victims - self.killed:
            time.sleep(0.3)
            for pid in victims - self.killed:
                processes[pid].kill()
            self.left, self.killed = self.left - 1, self.killed | victims
        return super().wait(min(seconds, 0.1))


class TwiceKiller(Killer):
    left = 2


def test_an_actor_that_is_killed_in_mid_video_costs_one_retry(ray, settings, clip, tmp_path):
    tasks = [task_of(settings, clip, name, end=end) for name, end in (("poison", 2.0), ("b", 0.3), ("c", 0.3))]
    tally, events = run(tasks, settings, count=1, kind=Killer)
    assert (tally.done, tally.failed, tally.retries) == (3, 0, 1)
    assert [event.task.video.id for event in events if isinstance(event, Died)] == ["poison"]
    assert {name: record.tries for name, record in records_of(settings).items()} == {"poison": 2, "b": 1, "c": 1}
    undisturbed = replace(settings, results=str(tmp_path / "undisturbed"))
    tally, events = run(tasks, undisturbed)
    assert tally.retries == 0
    for task in tasks:
        assert_same_table(undisturbed, settings, task.video.id)
    assert len([event for event in events if isinstance(event, Finished)]) == 3


def test_a_video_that_kills_twice_has_failed_and_its_neighbours_are_done(ray, settings, clip):
    settings = replace(settings, at_once=2)
    tasks = [task_of(settings, clip, name, end=1.0) for name in ("poison", "b", "c")]
    tally, _ = run(tasks, settings, count=1, kind=TwiceKiller)
    assert (tally.done, tally.failed) == (2, 1)
    assert {name: record.status for name, record in records_of(settings).items()} == {
        "poison": "failed",
        "b": "done",
        "c": "done",
    }


def test_another_version_and_another_bundle_on_a_node_are_refused(ray, settings, clip, monkeypatch):
    tasks = [task_of(settings, clip, "a", end=0.2)]
    with pytest.raises(BundleError, match="another than that of the driver"):
        run(tasks, replace(settings, digest="0" * 64), count=1)
    monkeypatch.setattr(ray_actors, "version", lambda product: "9.9")  # of the driver alone
    with pytest.raises(ProviderError, match="another version of mdhr-edge than the driver") as caught:
        run(tasks, settings, count=1)
    assert "the driver 9.9" in caught.value.why
    assert not records_of(settings)


def test_results_that_cannot_be_written_end_the_run(ray, settings, clip):
    Path(settings.results).mkdir()
    Path(settings.results, "tables").write_text("in the way")
    with pytest.raises(OutputError, match="tables"):
        run([task_of(settings, clip, "a", end=0.2)], settings, count=1)


def test_as_many_actors_as_there_is_room_for_and_no_more_than_tasks(ray, settings):
    with pytest.warns(UserWarning, match=r"no room for an actor of 0.5 CPU and 0.25 GPU"):
        workers = RayActors(settings, None, "local", num_cpus=0.5, num_gpus=0.25)
    assert len(workers._places) == 1
    assert workers.free == 0
    assert workers.wait(0.1) == []
    workers.close()
    for most, count in ((9, 4), (3, 3)):
        workers = RayActors(settings, None, "local", num_cpus=0.5, most=most)
        assert len(workers._places) == count
        workers.close()


def outside(code, settings, **environment):
    """Run code in a process of its own, where no Ray is connected; returns what it prints on stdout and stderr."""
    program = f"import sys; from archiving import *; from mdhr_runtime.archive.ray_actors import RayActors\n{code}"
    support = str(Path(__file__).parents[2] / "support")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, support]), **environment}
    command = [sys.executable, "-c", program, settings.bundle, settings.results]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    return result.stdout, result.stderr


START = "RayActors(settings_of(*sys.argv[1:]), None, {!r})"


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_no_ray_is_is_refused_in_words_and_soon(settings, scheme):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"{scheme}127.0.0.1:{place.getsockname()[1]}"
        started = time.monotonic()
        _, said = outside(START.format(address), settings)
    assert f"ProviderError: The Ray cluster {address} cannot be reached.\n  why: [Errno 111]" in said
    assert time.monotonic() - started < 20


def test_nonsense_is_no_address(settings):
    assert (
        "ProviderError: The Ray cluster nonsense cannot be reached." in outside(START.format("nonsense"), settings)[1]
    )


def test_a_cluster_that_runs_is_found_and_left_running(ray, settings):
    address = ray.get_runtime_context().gcs_address
    code = f"workers = {START.format('auto')}\nprint(len(workers._places))\nworkers.close()"
    assert outside(code, settings, RAY_ADDRESS=address) == ("2\n", "")
    assert ray.get(ray.put(1)) == 1


NODE_LOST = """
from mdhr_runtime.archive.scheduling import Died, schedule
from ray.cluster_utils import Cluster

class Disturbed(RayActors):
    def wait(self, seconds):
        if nodes and all(place.tasks for place in self._places):
            time.sleep(0.5)
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        return super().wait(seconds)

settings = settings_of(*sys.argv[1:])
small = {{"object_store_memory": 100 << 20}}
cluster = Cluster(True, head_node_args={{"num_cpus": 0, "include_dashboard": False, **small}})
nodes = [cluster.add_node(num_cpus=1, **small), cluster.add_node(num_cpus=1, **small)][:1]
deaths = []
with Disturbed(settings, None, cluster.address) as workers:
    tasks = [task_of(settings, {clip!r}, name, end=end) for name, end in (("a", 2.0), ("b", 2.0), ("c", 0.3))]
    tally = schedule(tasks, workers, give_up(settings), on_event=lambda event: deaths.append(type(event) is Died))
print(len(workers._places), sum(deaths), tally)
cluster.shutdown()
"""


def test_the_videos_of_a_node_that_is_lost_for_good_are_done_by_others(settings, clip):
    out, err = outside(NODE_LOST.format(clip=str(clip)), settings)
    assert "Tally(done=3, broken=0, failed=0, retries=1," in out, err
    assert sorted(record.tries for record in records_of(settings).values()) == [1, 1, 2]


def test_ray_that_is_not_installed_is_named(settings):
    _, said = outside("sys.modules['ray'] = None\n" + START.format("local"), settings)
    assert "OutputError: The extra 'ray' is not installed." in said
    assert "pip install 'mdhr-edge[ray]'" in said


def test_ray_is_started_here_quietly_and_ended(settings, clip):
    code = """
from mdhr_runtime.archive.scheduling import schedule
settings = settings_of(*sys.argv[1:])
with RayActors(settings, 1, "local") as workers:
    print(schedule([task_of(settings, sys.stdin.read() or CLIP, "a", end=0.2)], workers, give_up(settings)).done)
import ray
print(ray.is_initialized())
""".replace("sys.stdin.read() or CLIP", repr(str(clip)))
    assert outside(code, settings) == ("1\nFalse\n", "")
