"""Tables in a folder, one per source."""

import os

import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.results import FrameResult, Row, SourceInfo
from mdhr_runtime.sinks import open_sink
from mdhr_runtime.sinks.folder import TableFolder

SOURCES = [SourceInfo("a.mp4", 25.0, False), SourceInfo("cam/left", None, True), SourceInfo("a.mp4#2", 25.0, False)]


def write(folder, counts=(2, 1, 0)):
    sink = open_sink(folder, ["AU01"], SOURCES)
    with sink:
        for source, count in zip(SOURCES, counts, strict=True):
            for frame in range(1, count + 1):
                sink.write(FrameResult(source.name, frame, 0.0, None, (Row(source.name, frame, 0.0),)))
    return sink


def test_every_source_has_its_table(tmp_path):
    sink = write(f"{tmp_path}/new/")
    assert isinstance(sink, TableFolder)
    lines = {path.name: len(path.read_text().splitlines()) for path in (tmp_path / "new").iterdir()}
    assert sorted(lines.values()) == [1, 2, 3]
    assert (lines["a.mp4.csv"], lines["cam__left.csv"]) == (3, 2)
    assert sink.summary == f"3 rows in 3 tables: {tmp_path}/new/"


def test_a_folder_that_exists_keeps_what_is_in_it(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path)
    write(tmp_path, (1, 1, 1))  # older tables are replaced
    assert len((tmp_path / "a.mp4.csv").read_text().splitlines()) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_files_of_others_are_not_overwritten(tmp_path):
    (tmp_path / "cam__left.csv").write_text("mine")
    with pytest.raises(OutputError, match="csv is not overwritten"):
        open_sink(tmp_path, ["AU01"], SOURCES)
    assert os.listdir(tmp_path) == ["cam__left.csv"]
    write(f"{tmp_path}/new/")


def test_a_folder_that_is_made_in_vain_goes_again(tmp_path):
    open_sink(f"{tmp_path}/new/", ["AU01"], SOURCES).close()
    assert os.listdir(tmp_path) == []
    with pytest.raises(OutputError, match="cannot be written"):
        open_sink(f"{tmp_path}/none/new/", ["AU01"], SOURCES)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        open_sink(f"{tmp_path}/file/", ["AU01"], SOURCES)
