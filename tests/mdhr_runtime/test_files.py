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
