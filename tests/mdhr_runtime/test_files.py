"""Files that are never torn. What ends programs in the midst of writing is tried with the sinks."""

import os
from pathlib import Path

import pytest

from mdhr_runtime.errors import BundleError, OutputError
from mdhr_runtime.files import LineFile, open_regular, staged, told, write_text


def test_a_file_appears_when_it_is_complete(tmp_path):
    with staged(tmp_path / "a") as stage:
        stage.write_text("new")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_text("old")

    def fail():
        with staged(tmp_path / "a") as stage:
            stage.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_replaces_a_folder_with_contents(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("old")
    with staged(tmp_path / "a") as stage:
        stage.mkdir()
        (stage / "new").write_text("new")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new"]
    assert len(list(tmp_path.iterdir())) == 1


class Stop(BaseException):
    """As a signal raises it."""


@pytest.mark.parametrize("moment", ["writing", "moving aside", "moving in"])
def test_a_signal_at_any_moment_leaves_a_whole_folder_and_nothing_else(tmp_path, monkeypatch, moment):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("old")
    rename, moves = os.rename, []

    def stop_after(source, to):
        rename(source, to)
        moves.append(to)
        if len(moves) == ["moving aside", "moving in"].index(moment) + 1:
            raise Stop

    def write():
        with staged(tmp_path / "a") as stage:
            stage.mkdir()
            (stage / "new").write_text("new")
            if moment == "writing":
                raise Stop
            monkeypatch.setattr(os, "rename", stop_after)

    with pytest.raises(Stop):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new" if moment == "moving in" else "old"]


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("x" * 255)
    with staged(path) as stage:
        stage.write_text("new")
    assert path.read_text() == "new"
    with pytest.raises(OutputError, match="too long"):
        write_text(tmp_path / ("x" * 256), "")


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a")
    with staged(tmp_path / "link") as stage:
        stage.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a").read_text() == "new"


def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "a", "")
    assert (tmp_path / "a").is_fifo()


def test_why_it_cannot_be_written_is_told_in_three_parts():
    with pytest.raises(BundleError) as error, told("The bundle x.mdhr", BundleError, "Make room."):
        raise OSError(28, "No space left on device")
    assert (error.value.what, error.value.why) == ("The bundle x.mdhr cannot be written.", "No space left on device")
    assert error.value.fix == "Make room."


def test_other_errors_are_not_retold():
    with pytest.raises(KeyError), told("It"):
        raise KeyError


def test_a_text_makes_the_folders_above_it(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "naïve")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "naïve".encode()
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "a" / "b.txt" / "c", "")


def test_lines_are_in_the_file_at_once(tmp_path):
    file = LineFile(tmp_path / "a")
    for number in range(3):
        file.write(f"{number}\n")
        assert (tmp_path / "a").read_text().endswith(f"{number}\n")
    file.close()
    file.close()


def test_only_files_are_opened_to_be_read(tmp_path):
    path, pipe = tmp_path / "a", tmp_path / "pipe"
    path.write_bytes(b"text")
    os.mkfifo(pipe)
    with open_regular(path) as file:
        assert file.read() == b"text"
    for other, what in ((pipe, "a pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(OSError, match=f"It is {what}"):
            open_regular(other)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "b")
