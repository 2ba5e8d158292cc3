"""Lists of videos in every format, and what is wrong with them."""

import json
import math
import os
import subprocess
import sys
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive.manifests import LONGEST, read_manifest
from mdhr_runtime.archive.records import ArchiveVideo
from mdhr_runtime.errors import DataError

ROWS = [
    {"path": "a.mp4", "id": "one", "start": "1:30", "end": "100.5", "subject": "007", "age": None},
    {"path": "/b/c.mp4", "id": "two", "start": None, "end": None, "subject": "", "age": "31"},
]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, dict):
            pq.write_table(pa.table(content), path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_table_in_text_as_spreadsheets_write_it(write, tmp_path, mark, separator, end):
    text = "\n".join(separator.join(cell or "" for cell in row) for row in (ROWS[0], *(each.values() for each in ROWS)))
    videos, columns, notices = read_manifest(write("all.csv", mark + (text + end).encode()))
    assert videos == [
        ArchiveVideo("one", f"{tmp_path}/a.mp4", 90.0, 100.5, {"subject": "007", "age": None}),
        ArchiveVideo("two", "/b/c.mp4", 0.0, math.inf, {"subject": None, "age": "31"}),
    ]
    assert columns == {"subject": str, "age": str}
    assert notices == []


def test_the_last_line_counts_though_it_is_a_beginning_of_the_one_before(write):
    videos, *_ = read_manifest(write("all.csv", "path,session\na.mp4,12\nb.mp4,1"))
    assert [(video.id, video.columns["session"]) for video in videos] == [("a.mp4", "12"), ("b.mp4", "1")]


def test_a_path_per_line(write, tmp_path):
    text = "\ufeff# all\n\na b.mp4  \r\nsub/c.mp4\ns3://bucket/date=1/d.mp4\nhttps://u:secret@h/e.mp4?t=secret\nfile:///f%20g.mp4\n"
    videos, columns, _ = read_manifest(write("all.txt", text))
    assert [video.address for video in videos] == [
        f"{tmp_path}/a b.mp4",
        f"{tmp_path}/sub/c.mp4",
        "s3://bucket/date=1/d.mp4",
        "https://u:secret@h/e.mp4?t=secret",
        "/f g.mp4",
    ]
    ids = ["a b.mp4", "sub/c.mp4", "bucket/date=1/d.mp4", "h/e.mp4", "/f g.mp4"]
    assert [video.id for video in videos] == ids
    assert columns == {}


def test_types_are_kept(write):
    cells = {"n": 7, "k": 0.5, "yes": True, "name": "é", "later": None}
    found = read_manifest(
        write("all.jsonl", lines({"path": "a", **cells}, {"path": "b", "later": 3}, {"path": "c", "id": 5}))
    )
    assert found[1] == {"n": int, "k": float, "yes": bool, "name": str, "later": int}
    assert [dict(video.columns) for video in found[0]] == [
        cells,
        {"n": None, "k": None, "yes": None, "name": None, "later": 3},
        dict.fromkeys(cells),
    ]
    assert [video.id for video in found[0]] == ["a", "b", "5"]
    table = {"path": ["a", "b"], "start": [0.25, None], "n": [7, None], "k": [math.nan, 0.5], "yes": [True, None]}
    videos, columns, _ = read_manifest(
        write("all.parquet", {**table, "kind": pa.array(["u", "v"]).dictionary_encode()})
    )
    assert columns == {"n": int, "k": float, "yes": bool, "kind": str}
    assert dict(videos[0].columns) == {"n": 7, "k": None, "yes": True, "kind": "u"}
    assert [(video.id, video.start) for video in videos] == [("a#0.25-", 0.25), ("b", 0.0)]


def test_parts_of_one_video(write):
    rows = [{"path": "a", "end": 10}, {"path": "a", "start": 10, "end": "0:20"}, {"path": "a", "start": 3723.125}]
    videos, *_ = read_manifest(write("all.jsonl", lines(*rows)))
    assert [video.id for video in videos] == ["a#0-10", "a#10-20", "a#3723.125-"]


def test_names_with_odd_bytes_are_found_and_have_clean_ids(write, tmp_path):
    name = os.fsdecode(b"M\xfcller.mp4")
    (video,), *_ = read_manifest(write("all.csv", os.fsencode(f"path,who\n{name},{name}\n")))
    assert os.fsencode(video.address) == os.fsencode(tmp_path) + b"/M\xfcller.mp4"
    assert video.id == video.columns["who"] == r"M\udcfcller.mp4"


def test_the_same_line_twice_counts_once_and_is_told(write):
    text = "path,k\n" + "a,1\n" * 3 + "b,1\n" + "a,1\n" * 3
    videos, _, notices = read_manifest(write("all.csv", text))
    assert [video.id for video in videos] == ["a", "b"]
    assert notices == ["Lines of the list that repeat another count once: 5, 3 (as 2), 4 (as 2), 6 (as 2), …."]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", "path,id,k\na,7,1\nb,8,1\na,7,2\n", "Line 4: its id is '7', as in line 2, and the rest differs"),
        ("a.jsonl", lines({"path": "a"}, {"path": "b", "id": "a"}), "Line 2: its id is 'a', as in line 1"),
        ("a.csv", "path,Frame\na,1\n", "Line 2: a column has the name 'Frame', as another of the results"),
        ("a.csv", "path,seconds_seen\na,1\n", "Line 2: a column has the name 'seconds_seen'"),
        ("a.csv", "path,nose_x\na,1\n", "Line 2: a column has the name 'nose_x'"),
        ("a.jsonl", lines({"path": "a"}, {"path": "b", "au99_P": 1}), "Line 2: a column has the name 'au99_P'"),
        ("a.parquet", {"path": ["a"], "Age": [1], "age": [1]}, "Line 1: a column has the name 'age'"),
        ("a.csv", ",path\n0,a\n", "Line 2: a column has the name ''"),
        ("a.csv", "path,k,k\na,1,2\n", "Two of its columns have the same name"),
        ("a.csv", "path,k\na\n", "Line 2 has 1 cells"),
        ("a.csv", "file,x\na,1\n", "Line 2: it names no video"),
        ("a.csv", "path,k\n,1\n", "Line 2: it names no video"),
        ("a.csv", "path,k\n", "It names no video"),
        ("a.csv", "", "It is empty"),
        ("a.txt", "# none\n", "It names no video"),
        ("a.txt", "rtsp://u:secret@host/1\n", "Line 1: rtsp://host/1 is a camera or stream"),
        (
            "a.jsonl",
            lines({"path": "a", "k": 1}, {"path": "b", "k": "1"}),
            "Line 2: k holds text, and in line 1 a whole",
        ),
        ("a.jsonl", lines({"path": "a", "k": 1}, {"path": "b", "k": True}), "Line 2: k holds true or false"),
        ("a.jsonl", lines({"path": "a", "k": [1]}), "Line 1: k holds neither text nor"),
        ("a.jsonl", '{"path": "a", "k": NaN}\n', "Line 1: .* no finite number"),
        ("a.jsonl", '{"path": "a", "k": 1e99999}\n', "Line 1: .* no finite number"),
        ("a.jsonl", f'{{"path": "a", "k": {2**64}}}\n', "Line 1: .* more than 64 bits"),
        ("a.jsonl", '{"path": "a"}\n{"path": ', "Line 2: It is no JSON"),
        ("a.jsonl", "[1]\n", "Line 1: It is wrong"),
        ("a.jsonl", "[" * 10_000 + "\n", "Line 1: It is nested too deep"),
        ("a.parquet", {"path": ["a"], "k": [date(2020, 1, 1)]}, "Line 1: k holds neither text nor"),
        ("a.parquet", {"path": ["a"], "k": [{"y": 1}]}, "Line 1: k holds neither text nor"),
        ("a.parquet", {"path": ["a"], "k": pa.array([2**64 - 1], pa.uint64())}, "Line 1: .* more than 64 bits"),
        ("a.parquet", "no table", "Parquet"),
        ("a.csv", "path,start,end\na,20,10\n", "Line 2: its end, 10 s, is not after its start, 20 s"),
        ("a.csv", "path,start\na,soon\n", "Line 2: start is wrong: 'soon' is no time"),
        ("a.jsonl", lines({"path": "a", "start": -1}), "Line 1: start is wrong"),
        ("a.jsonl", lines({"path": "a", "end": True}), "Line 1: end is wrong"),
        ("a.xlsx", "", "Its name ends in none of"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, name, content, why):
    with pytest.raises(DataError, match=why) as error:
        read_manifest(write(name, content))
    assert "secret" not in str(error.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No file or folder has this name"):
        read_manifest(str(tmp_path / "all.csv"))


READ = """
import resource, sys
import pyarrow.parquet
from mdhr_runtime.archive.manifests import read_manifest
from mdhr_runtime.errors import DataError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_manifest(sys.argv[1])
except DataError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error.why)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl", "a.parquet"])
def test_paths_of_a_gigabyte_are_refused_unread(tmp_path, name):
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.table({"path": ["x" * (64 << 20)]}), path)
    else:
        start = {"a.txt": b"", "a.csv": b"path,k\n", "a.jsonl": b'{"path": "'}[name]
        with path.open("wb") as file:
            file.write(start + b"x" * (2 << 20))
            file.truncate(1 << 30)
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True)
    kilobytes, _, why = done.stdout.partition(" ")
    assert int(kilobytes) < 64 << 10
    assert "longer than" in why or "holds 64 MiB at once" in why


def test_a_cell_that_is_no_path_is_refused_in_any_format(write):
    for name, content in (
        ("a.csv", f"path\n{'x' * (LONGEST + 1)}\n"),
        ("a.parquet", {"path": ["a", "x" * (LONGEST + 1)]}),
    ):
        with pytest.raises(DataError, match=f"Line 2: path holds more than {LONGEST} characters"):
            read_manifest(write(name, content))


def test_a_list_in_a_store_names_urls(monkeypatch):
    with s3_server(monkeypatch) as client:
        client.put_object(Bucket=BUCKET, Key="all.csv", Body=b"path,k\ns3://bucket/a.mp4,1\n")
        client.put_object(Bucket=BUCKET, Key="bad.csv", Body=b"path,k\na.mp4,1\n")
        (video,), *_ = read_manifest(f"s3://{BUCKET}/all.csv")
        assert video == ArchiveVideo("bucket/a.mp4", "s3://bucket/a.mp4", columns={"k": "1"})
        with pytest.raises(DataError, match=r"Line 2: a\.mp4 is a path"):
            read_manifest(f"s3://{BUCKET}/bad.csv")
