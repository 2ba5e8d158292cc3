"""Who may write where. What each kind of output takes for its own is tried with the outputs."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mdhr_runtime.errors import ExportError, OutputError
from mdhr_runtime.targets import STDOUT, Claim, PartialFile, refuse_foreign

HOLD = """
import sys, time
from pathlib import Path
from mdhr_runtime.targets import Claim
with Claim(Path(sys.argv[1]), lambda path: True):
    print("claimed", flush=True)
    time.sleep(600)
"""


def ours(path):
    return path.read_text() == "ours"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "a.csv"


@pytest.fixture
def hold(request):
    def hold(path):
        process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
        request.addfinalizer(process.communicate)
        request.addfinalizer(process.kill)
        assert process.stdout.readline() == "claimed\n"
        return process

    return hold


@pytest.mark.parametrize("before", [None, "", "ours"])
def test_nothing_is_changed_and_nothing_left(target, before):
    if before is not None:
        target.write_text(before)
    with Claim(target, ours) as claim:
        assert claim.path == target
        assert (target.read_text() if target.exists() else None) == before
    claim.release()
    assert list(target.parent.iterdir()) == ([] if before is None else [target])


def test_what_is_not_ours_is_refused_unless_the_user_means_it(target):
    target.write_text("mine")
    with pytest.raises(OutputError, match="is not overwritten") as error:
        Claim(target, ours)
    assert "--overwrite" in error.value.fix
    Claim(target, ours, overwrite=True).release()
    assert target.read_text() == "mine"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_is_only_replaced_if_it_is_ours_whatever_the_user_means(target):
    target.mkdir()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="is not overwritten") as error:
            Claim(target, lambda path: False, overwrite=overwrite)
        assert "--overwrite" not in error.value.fix
    Claim(target, lambda path: True).release()


def test_the_reason_can_be_told_by_who_judges(target):
    def judge(path):
        raise ExportError("It is not.", "There are notes in it.", "Move them.")

    target.write_text("mine")
    with pytest.raises(ExportError, match="notes"):
        Claim(target, judge)
    Claim(target, judge, overwrite=True).release()


def test_inputs_are_never_written_nor_written_into(tmp_path, target):
    target.write_text("ours")
    (tmp_path / "link.csv").symlink_to(target)
    (tmp_path / "hard.csv").hardlink_to(target)
    for path in (target, tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "x" / ".." / "a.csv"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(OutputError, match="what the results are made from"):
            Claim(path, ours, inputs=[tmp_path / "other", target], overwrite=True)
    with pytest.raises(OutputError, match="what the results are made from"):
        Claim(tmp_path / "x" / "new.csv", ours, inputs=[tmp_path / "x"])
    Claim(tmp_path / "new.csv", ours, inputs=[tmp_path / "x", target]).release()


def test_two_outputs_are_never_one_file(tmp_path, target, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Claim(target, ours):
        for path in (Path("a.csv"), Path("./x/../a.csv"), target):
            (tmp_path / "x").mkdir(exist_ok=True)
            with pytest.raises(OutputError, match="another output of this run"):
                Claim(path, ours)
        target.write_text("ours")
        (tmp_path / "hard.csv").hardlink_to(target)
        with pytest.raises(OutputError, match="another output of this run"):
            Claim(tmp_path / "hard.csv", ours)
    Claim(Path("a.csv"), ours).release()


def test_a_claim_that_is_forgotten_is_given_back(target):
    Claim(target, ours)
    Claim(target, ours).release()


def test_a_link_leads_to_what_is_judged_and_written(tmp_path, target):
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    with Claim(link, ours) as claim:
        assert claim.path == target
        with pytest.raises(OutputError, match="another output"):
            Claim(target, ours)
    target.write_text("mine")
    with pytest.raises(OutputError, match="is not overwritten"):
        Claim(link, ours)


def test_another_process_is_kept_out_until_this_one_ends_however_it_ends(target, hold):
    holder = hold(target)
    with pytest.raises(OutputError, match="Another process is writing it"):
        Claim(target, ours)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert [path.suffix for path in target.parent.iterdir()] == [".lock"]  # stale, and no obstacle
    Claim(target, ours).release()
    assert not list(target.parent.iterdir())


@pytest.mark.slow
def test_of_many_processes_one_at_a_time_has_the_claim(target):
    """Each adds to a number in a file, which loses nothing only if nobody else reads it in between."""
    count = """
import sys, time
from pathlib import Path
from mdhr_runtime.errors import OutputError
from mdhr_runtime.targets import Claim
path, number, done = Path(sys.argv[1]), Path(sys.argv[2]), 0
while done < 100:
    try:
        with Claim(path, lambda path: True):
            before = int(number.read_text())
            number.write_text(str(before + 1))
            done += 1
    except OutputError as error:
        assert "Another process" in error.why, error
"""
    number = target.with_name("number")
    number.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", count, target, number]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert number.read_text() == "400"
    assert list(target.parent.iterdir()) == [number]


def test_pipes_and_devices_are_not_checked(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with Claim(tmp_path / "pipe.csv", ours), Claim(Path("/dev/null"), ours), Claim(STDOUT, ours):
        assert [path.name for path in tmp_path.iterdir()] == ["pipe.csv"]
        with pytest.raises(OutputError, match="The standard output cannot be written twice"):
            Claim(STDOUT, ours)
        with pytest.raises(OutputError, match="cannot be written twice"):
            Claim(tmp_path / "pipe.csv", ours)


@pytest.mark.parametrize("name", ["none/a.csv", "file/a.csv", "x" * 256])
def test_impossible_places_are_told(tmp_path, name):
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="cannot be written"):
        Claim(tmp_path / name, ours)
    assert sorted(tmp_path.iterdir()) == before


def test_the_longest_name_is_a_name(tmp_path):
    with Claim(tmp_path / ("ü" * 125 + ".json"), ours):
        pass


def test_a_file_in_a_folder_that_is_not_ours_to_write_is_locked_itself(target, monkeypatch):
    target.write_text("ours")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with Claim(target, ours), target.open() as other:
        assert list(target.parent.iterdir()) == [target]
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert target.read_text() == "ours"


def test_a_foreign_file_in_a_folder_is_named(tmp_path):
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines" / "a.engine").touch()
    (tmp_path / ".mdhr-stage-x").mkdir()
    (tmp_path / ".mdhr-stage-x" / "half").touch()
    refuse_foreign(tmp_path, {"engines/a.engine"}.__contains__)
    (tmp_path / "engines" / "elsewhere").symlink_to("/")
    with pytest.raises(OutputError, match="engines/elsewhere"):
        refuse_foreign(tmp_path, {"engines/a.engine"}.__contains__)


def test_a_partial_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("ours")
    file = PartialFile(path, ours)
    file.partial.write_text("new")
    assert (file.partial.name, path.read_text()) == ("a.mdhr-partial.mp4", "ours")
    with pytest.raises(OutputError, match="another output of this run"):
        Claim(file.partial, ours)
    file.complete()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_partial_file_can_be_given_up(tmp_path):
    file = PartialFile(tmp_path / "a.mp4", ours)
    file.partial.write_text("half")
    file.discard()
    assert not list(tmp_path.iterdir())


def test_a_partial_file_that_a_killed_process_left_is_replaced(tmp_path):
    (tmp_path / "a.mdhr-partial.mp4").write_text("half")
    PartialFile(tmp_path / "a.mp4", ours).release()
    (tmp_path / "a.mdhr-partial.mp4").unlink()
    (tmp_path / "a.mdhr-partial.mp4").mkdir()
    (tmp_path / "a.mdhr-partial.mp4" / "notes").touch()
    with pytest.raises(OutputError):
        PartialFile(tmp_path / "a.mp4", ours)


def test_a_pipe_cannot_be_completed_later(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(OutputError, match=r"cannot be written"):
        PartialFile(tmp_path / "a.mp4", ours)


@pytest.mark.slow
def test_two_processes_never_write_one_table(tmp_path):
    """As two runs of a program do, from the beginning to the end."""
    code = """
import sys, time
from rows import CONTEXT, result, row
from mdhr_runtime.sinks.csv_file import CsvFile
with CsvFile(sys.argv[1], CONTEXT) as file:
    print("begun", flush=True)
    for number in range(1, 1001):
        file.write(result(row(number)))
    time.sleep(600)
"""
    from rows import ENVIRONMENT

    command = [sys.executable, "-c", code, tmp_path / "a.csv"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert first.stdout.readline() == "begun\n"
        second = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
        deadline = time.monotonic() + 60
        while len((tmp_path / "a.csv").read_bytes().splitlines()) < 1001 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        first.kill()
        first.communicate()
    assert "Another process is writing it" in second.stderr
    assert len((tmp_path / "a.csv").read_bytes().splitlines()) == 1001
