"""Folders here and in a store, and the files of inputs."""

import os
import threading
import time

import pytest
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive.folders import STALE, Entry, inspect, local_copy, open_folder
from mdhr_runtime.errors import DataError, OutputError
from mdhr_runtime.files import STAGE


@pytest.fixture(params=["here", "s3"])
def address(request, tmp_path, monkeypatch):
    if request.param == "here":
        yield str(tmp_path / "results")
    else:
        with s3_server(monkeypatch):
            yield f"s3://{BUCKET}/deep/results"


def test_a_folder_holds_what_was_written(address, tmp_path):
    folder = open_folder(address)
    assert folder.entries("records") == {}
    folder.write("records/a.json", b"1")
    folder.write("records/a.json", b"22")
    folder.write("plan.json", b"3")
    (tmp_path / "file").write_bytes(b"x" * 5_000_000)
    folder.put(tmp_path / "file", "tables/a.parquet")
    assert {name: entry.size for name, entry in folder.entries("records").items()} == {"a.json": 2}
    assert abs(folder.entries("records")["a.json"].written - time.time()) < 60
    assert folder.read("records/a.json") == b"22"
    with folder.open("tables/a.parquet") as file:
        file.seek(4_999_999)
        assert file.read() == b"x"
    for _ in range(2):
        folder.remove("records/a.json")
    assert folder.entries("records") == {}
    with pytest.raises(DataError, match="cannot be read"):
        folder.read("records/a.json")


def test_a_list_survives_what_others_remove_meanwhile(tmp_path):
    """Drivers and workers remove records at any time: a list that was empty then would have all done again."""
    folder = open_folder(str(tmp_path))
    for number in range(200):
        folder.write(f"records/{number}", b"")
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            (tmp_path / "records/come").write_bytes(b"")
            (tmp_path / "records/come").unlink()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        counts = {len(folder.entries("records")) for _ in range(60)}
    finally:
        stop.set()
        thread.join()
    assert counts <= {200, 201}


def test_what_killed_processes_left_goes_when_it_is_stale(tmp_path):
    folder = open_folder(str(tmp_path))
    for name, age in (("old", STALE + 60), ("young", 60)):
        stage = tmp_path / "records" / f"{STAGE}{name}"
        stage.mkdir(parents=True)
        (stage / "x").write_text("x")
        os.utime(stage, (time.time() - age,) * 2)
    assert folder.entries("records") == {}
    assert [path.name for path in (tmp_path / "records").iterdir()] == [f"{STAGE}young"]


def test_results_that_vanish_are_not_begun_anew_below_them(tmp_path):
    (tmp_path / "disk").mkdir()
    folder = open_folder(str(tmp_path / "disk"))
    folder.write("records/a", b"")
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    with pytest.raises(OutputError, match="No such file"):
        folder.write("records/b", b"")
    assert not (tmp_path / "disk").exists()


def test_a_file_in_place_of_the_folder_or_a_path_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is no folder"):
        open_folder(str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot be written"):
        open_folder(str(tmp_path / ("x" * 300))).write("a", b"")


def test_a_bucket_whose_name_is_mistyped_is_not_made(monkeypatch):
    with s3_server(monkeypatch) as client:
        with pytest.raises(OutputError, match="s3://buket/results/records/a cannot be written"):
            open_folder("s3://buket/results").write("records/a", b"1")
        assert [each["Name"] for each in client.list_buckets()["Buckets"]] == [BUCKET]


@pytest.mark.slow
def test_an_upload_that_breaks_leaves_nothing_and_can_be_repeated(monkeypatch, tmp_path):
    (tmp_path / "table").write_bytes(os.urandom(12 << 20))
    with s3_server(monkeypatch, line=True) as (_client, line):
        folder = open_folder(f"s3://{BUCKET}/results")
        folder.write("plan.json", b"before")
        line.left = 1 << 16
        with pytest.raises(OutputError, match=r"tables/a\.parquet cannot be written"):
            folder.put(tmp_path / "table", "tables/a.parquet")
        with pytest.raises(OutputError, match=r"plan\.json cannot be written"):
            folder.write("plan.json", bytes(1 << 20))
        line.left = None
        assert list(folder.entries("tables")) == []
        assert folder.read("plan.json") == b"before"
        folder.put(tmp_path / "table", "tables/a.parquet")
        assert folder.entries("tables")["a.parquet"] == Entry(12 << 20, pytest.approx(time.time(), abs=60))


def test_a_store_that_refuses_is_told_without_secrets():
    with pytest.raises(DataError, match="cannot be read") as error:
        inspect("http://user:secret@127.0.0.1:1/a.mp4?token=secret")
    assert "secret" not in str(error.value)
    with pytest.raises(OutputError, match="of a store that cannot be used"):
        open_folder("nonsense://user:secret@host/x")


def test_the_state_of_an_input(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"12345")
    before = inspect(str(path))
    assert before.size == 5
    assert before == inspect(str(path))
    os.utime(path, ns=(1, 1))
    assert inspect(str(path)) == (5, "mtime 1")
    os.mkfifo(tmp_path / "pipe")
    for other, why in (("none.mp4", "No such file"), ("pipe", "It is a pipe"), ("", "It is a folder"), ("\0", "null")):
        with pytest.raises(DataError, match=why):
            inspect(f"{tmp_path}/{other}")
    with s3_server(monkeypatch) as client:
        client.put_object(Bucket=BUCKET, Key="a.mp4", Body=b"one")
        one = inspect(f"s3://{BUCKET}/a.mp4")
        client.put_object(Bucket=BUCKET, Key="a.mp4", Body=b"two")
        two = inspect(f"s3://{BUCKET}/a.mp4")
        assert one.size == two.size == 3
        assert one != two


def test_a_file_of_a_store_is_fetched_and_goes(tmp_path, monkeypatch):
    (tmp_path / "own.mp4").write_bytes(b"own")
    with local_copy(str(tmp_path / "own.mp4"), tmp_path) as path:
        assert path == tmp_path / "own.mp4"
    with s3_server(monkeypatch) as client:
        client.put_object(Bucket=BUCKET, Key="date=1/a.mp4", Body=b"one")
        (tmp_path / "temp").mkdir()
        with local_copy(f"s3://{BUCKET}/date=1/a.mp4", tmp_path / "temp") as path:
            assert path.read_bytes() == b"one"
            assert path.parent == tmp_path / "temp"
        assert list((tmp_path / "temp").iterdir()) == []
        with pytest.raises(DataError), local_copy(f"s3://{BUCKET}/none.mp4", tmp_path):
            pass
