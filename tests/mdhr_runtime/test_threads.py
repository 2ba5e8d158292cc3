"""The number of threads: from made-up trees of /proc and /sys, and from what this machine itself does."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mdhr_runtime.errors import ConfigError
from mdhr_runtime.threads import VARIABLE, allowed_cpus, count_cores, granted_cores, thread_count

ALLOWED = sorted(allowed_cpus())
UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
OLD = (
    "30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    "31 30 0:27 {top} /sys/fs/cgroup/cpuset rw shared:5 - cgroup cgroup rw,cpuset\n"
    "32 30 0:28 {top} /sys/fs/cgroup/cpu,cpuacct rw shared:6 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
)
GROUPS_OF_OLD = "5:cpuset:/\n4:cpu,cpuacct:{group}\n1:name=systemd:/a:b\n"


@pytest.fixture(autouse=True)
def nobody_says(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def plant(root, files):
    """Write a tree of files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def unified(group, limits, mounts=UNIFIED):
    """Files of a process in a control group of version 2."""
    quotas = {f"{folder}/cpu.max": quota for folder, quota in limits.items()}
    return {"proc/self/cgroup": f"0::{group}", "proc/self/mountinfo": mounts, **quotas}


def old(group, limits, top="/"):
    """Files of a process in a control group of version 1, whose hierarchy is mounted from `top` on."""
    named = {
        f"sys/fs/cgroup/cpu,cpuacct{folder}/cpu.cfs_{name}_us": number
        for folder, numbers in limits.items()
        for name, number in zip(("quota", "period"), numbers, strict=True)
    }
    places = {"proc/self/cgroup": GROUPS_OF_OLD.format(group=group), "proc/self/mountinfo": OLD.format(top=top)}
    return places | named


GRANTED = {
    "the own group": (unified("/", {"sys/fs/cgroup": "150000 100000"}), 1.5),
    "no limit": (unified("/", {"sys/fs/cgroup": "max 100000"}), None),
    "a group inside": (unified("/a/b", {"sys/fs/cgroup/a/b": "300000 100000"}), 3),
    "a group above": (unified("/a/b", {"sys/fs/cgroup/a": "50000 100000", "sys/fs/cgroup/a/b": "max 1"}), 0.5),
    "the least of several": (
        unified("/a/b", {"sys/fs/cgroup/a": "400000 100000", "sys/fs/cgroup/a/b": "100000 50000"}),
        2,
    ),
    "a container that is told the host's name": (
        unified("/../../docker/1f", {"sys/fs/cgroup": "50000 100000"}),
        0.5,
    ),
    "not beside it": (unified("/a", {"sys/fs/cgroup/b": "50000 100000"}), None),
    "elsewhere than in /sys/fs/cgroup": (
        unified("/a", {"run/groups/a": "50000 100000"}, UNIFIED.replace("/sys/fs/cgroup", "/run/groups")),
        0.5,
    ),
    "not mounted": (unified("/a", {"sys/fs/cgroup/a": "50000 100000"}, ""), None),
    "version 1": (old("/", {"": (250000, 100000)}), 2.5),
    "version 1, no limit": (old("/", {"": (-1, 100000)}), None),
    "version 1, a group above": (old("/a/b", {"": (-1, 100000), "/a": (50000, 100000), "/a/b": (-1, 100000)}), 0.5),
    "version 1, a container": (old("/docker/1f", {"": (50000, 100000)}, top="/docker/1f"), 0.5),
    "version 1, inside a container's": (
        old("/docker/1f/a", {"": (-1, 100000), "/a": (50000, 100000)}, top="/docker/1f"),
        0.5,
    ),
    "version 1, a container that is told its own name": (old("/", {"": (50000, 100000)}, top="/docker/1f"), 0.5),
    "nothing told": ({}, None),
}


@pytest.mark.parametrize(("files", "cores"), GRANTED.values(), ids=GRANTED)
def test_what_control_groups_grant(tmp_path, files, cores):
    assert granted_cores(plant(tmp_path, files)) == cores


def test_both_versions_at_once_and_the_lesser_counts(tmp_path):
    files = old("/a", {"/a": (150000, 100000)})
    files["proc/self/mountinfo"] += UNIFIED.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    files["proc/self/cgroup"] += "0::/b\n"
    assert granted_cores(plant(tmp_path, files)) == 1.5
    assert granted_cores(plant(tmp_path, {"sys/fs/cgroup/unified/b/cpu.max": "50000 100000"})) == 0.5


def siblings(*groups):
    """CPUs of the same cores, as sysfs tells them."""
    return {
        f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": ",".join(map(str, group))
        for group in groups
        for cpu in group
    }


def cpuinfo(*places):
    """Sockets and cores of the CPUs, as /proc/cpuinfo tells them."""
    return {
        "proc/cpuinfo": "\n".join(
            f"processor\t: {cpu}\nmodel name\t: A\nphysical id\t: {socket}\nsiblings\t: 4\ncore id\t\t: {core}\n"
            for cpu, (socket, core) in enumerate(places)
        )
    }


EIGHT = siblings((0, 4), (1, 5), (2, 6), (3, 7))
CORES = {
    "all of four cores with two threads each": (EIGHT, range(8), 4),
    "siblings count once": (EIGHT, {1, 5}, 1),
    "some cores": (EIGHT, {0, 1, 4, 6}, 3),
    "without siblings": (siblings((0,), (1,), (2,)), {0, 2}, 2),
    "by /proc/cpuinfo": (cpuinfo((0, 0), (0, 1), (0, 0), (0, 1)), range(4), 2),
    "by /proc/cpuinfo, the same core of two sockets": (cpuinfo((0, 0), (1, 0), (0, 0), (1, 0)), {0, 1}, 2),
    "ARM's /proc/cpuinfo, which names no cores": ({"proc/cpuinfo": "processor\t: 0\n\nprocessor\t: 1"}, {0, 1}, 2),
    "one that sysfs does not know": (EIGHT | cpuinfo((0, 0), (0, 1)), {0, 1, 8}, 3),
    "nothing told": ({}, {0, 1, 2}, 3),
}


@pytest.mark.parametrize(("files", "cpus", "cores"), CORES.values(), ids=CORES)
def test_physical_cores(tmp_path, files, cpus, cores):
    assert count_cores(cpus, plant(tmp_path, files)) == cores


@pytest.mark.parametrize(("granted", "threads"), [("1000 100000", 1), ("100000 100000", 1), ("9999999 100000", None)])
def test_a_share_of_a_core_is_rounded_up_and_no_more_than_there_are(tmp_path, granted, threads):
    root = plant(tmp_path, unified("/", {"sys/fs/cgroup": granted}))
    assert thread_count(root=root) == (threads or len(ALLOWED))


@pytest.mark.skipif(len(ALLOWED) < 2, reason="needs two CPUs")
def test_what_is_in_between_is_rounded_up_too(tmp_path):
    assert thread_count(root=plant(tmp_path, unified("/", {"sys/fs/cgroup": "110000 100000"}))) == 2


@pytest.mark.skipif(len(ALLOWED) < 2, reason="needs two CPUs")
def test_siblings_are_one_thread(tmp_path):
    assert thread_count(root=plant(tmp_path, siblings(ALLOWED))) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process")
def test_a_process_that_is_bound_to_one_cpu_has_one_thread():
    os.sched_setaffinity(0, ALLOWED[:1])
    try:
        assert thread_count() == 1
    finally:
        os.sched_setaffinity(0, ALLOWED)


@pytest.fixture
def control_group():
    """A control group of this machine within another, and the file that limits the outer one."""
    first = Path("/sys/fs/cgroup/cpu")
    hierarchy, limit = (first, "cpu.cfs_quota_us") if first.is_dir() else (first.parent, "cpu.max")
    outer = hierarchy / f"mdhr-test-{os.getpid()}"
    try:
        with suppress(OSError):
            outer.mkdir()
            (outer / "inner").mkdir()
        if not (outer / limit).exists():
            pytest.skip("the process cannot make a control group here")
        yield outer / "inner", outer / limit
    finally:
        for folder in (outer / "inner", outer):
            with suppress(OSError):
                folder.rmdir()


def test_a_real_control_group_counts(control_group):
    folder, limit = control_group
    code = "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'cgroup.procs').write_text(str(os.getpid()))\n"
    code += "from mdhr_runtime.threads import granted_cores, thread_count; print(granted_cores(), thread_count())"
    for quota, told in ((50_000, "0.5 1"), (110_000, f"1.1 {min(2, thread_count())}")):
        limit.write_text(str(quota))
        found = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
        assert found.stdout.split() == told.split(), found.stderr


def test_who_calls_has_the_first_word_and_the_environment_the_second(monkeypatch):
    monkeypatch.setenv(VARIABLE, "7")
    assert thread_count() == 7
    assert thread_count(3) == thread_count("3") == 3
    assert thread_count(1024) == 1024
    monkeypatch.setenv(VARIABLE, "")
    assert thread_count() <= len(ALLOWED)


NONSENSE = ["0", "-1", "1.5", "two", "1025", "99999", " 2", "²", "1e2", "9" * 5000]


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_in_words(monkeypatch, text):
    with pytest.raises(ConfigError, match=f"The option threads is '{text[:4]}") as error:
        thread_count(text)
    assert error.value.why == "It takes a whole number from 1 to 1024."
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ConfigError, match=f"MDHR_THREADS is '{text[:4]}") as error:
        thread_count()
    assert "or none" in error.value.fix


@pytest.mark.parametrize("number", [0, -1, 1025, True, 2.0])
def test_nonsense_of_a_program_is_refused_too(number):
    with pytest.raises(ConfigError):
        thread_count(number)
