"""Which videos folders, patterns and stores hold."""

import os

import fsspec
import pytest
from archive_results import results_in
from s3_server import BUCKET, s3_server

from mdhr_runtime.archive.folders import Input, inspect
from mdhr_runtime.archive.records import Plan
from mdhr_runtime.archive.videos import find_videos
from mdhr_runtime.errors import DataError, OutputError

MP4 = b"\0\0\0\x18ftypisom"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Make files in the current folder, with the first bytes of a video."""

    def make(*names, content=MP4):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path

    monkeypatch.chdir(tmp_path)
    return make


def ids(*sources):
    return sorted(video.id for video in find_videos(sources).videos)


def test_a_folder_with_those_inside(tree):
    here = tree("v/a.mp4", "v/s/t/b.MOV", "v/s/unnamed", "v/.c.mp4", "v/.hidden/d.mp4", "v/s/e.lrv", "v/s/f.THM")
    tree("v/notes.txt", "v/s/g.json", "v/text.mp4", content=b"text")
    found = find_videos(["v"])
    assert [video.id for video in found.videos] == ["a.mp4", "text.mp4", "s/unnamed", "s/t/b.MOV"]
    assert {video.address for video in found.videos} == {f"{here}/v/{video.id}" for video in found.videos}
    assert (found.notices, dict(found.columns), dict(found.states)) == ([], {}, {})


def test_links_are_followed_but_not_in_circles(tree):
    here = tree("v/s/a.mp4", "elsewhere/b.mp4")
    (here / "v/s/up").symlink_to(here / "v")
    (here / "v/also").symlink_to(here / "elsewhere")
    (here / "v/gone.mp4").symlink_to(here / "nowhere.mp4")
    os.mkfifo(here / "v/pipe.mp4")
    assert ids("v") == ["also/b.mp4", "gone.mp4", "s/a.mp4"]
    assert ids("v/**/*.mp4") == ["also/b.mp4", "gone.mp4", "s/a.mp4"]


def test_results_inside_are_no_videos(tree):
    here = tree("v/a.mp4", "v/results/records/b.mp4", "v/results/tables/c.mp4")
    results_in(here / "v/results").write_plan(Plan("", "", (), 0))
    assert ids("v") == ["a.mp4"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("v/*.mp4", ["1.mp4"]),
        ("v/*", ["1.mp4", "p/2.mp4", "p/q/3.mp4", "r/4.mp4"]),
        ("v/[pr]", ["p/2.mp4", "p/q/3.mp4", "r/4.mp4"]),
        ("v/*/*.mp4", ["p/2.mp4", "r/4.mp4"]),
        ("v/**", ["1.mp4", "p/2.mp4", "p/q/3.mp4", "r/4.mp4"]),
        ("v/**/*.mp4", ["1.mp4", "p/2.mp4", "p/q/3.mp4", "r/4.mp4"]),
        ("v/**/q/*", ["p/q/3.mp4"]),
        ("v/*/**/[23].mp4", ["p/2.mp4", "p/q/3.mp4"]),
        ("**/q/**/*.mp4", ["v/p/q/3.mp4"]),
    ],
)
def test_patterns(tree, pattern, found):
    tree("v/1.mp4", "v/p/2.mp4", "v/p/q/3.mp4", "v/r/4.mp4")
    tree("v/p/notes.txt", content=b"text")
    assert ids(pattern) == found


def test_a_name_that_looks_like_a_pattern(tree):
    tree("v[1]/a*.mp4", "v1/ab.mp4")
    assert ids("v[1]") == ["a*.mp4"]
    assert ids("v[1]/a*.mp4") == ["a*.mp4"]


def test_several_sources_are_kept_apart_only_where_needed(tree):
    here = tree("a/v/1.mp4", "a/v/2.mp4", "b/v/3.mp4", "b/w/1.mp4", "c/v/1.mp4")
    assert ids("a/v", "b/v") == ["1.mp4", "2.mp4", "3.mp4"]
    assert ids("a/v", "b/w") == ["v/1.mp4", "v/2.mp4", "w/1.mp4"]
    assert ids("a/v/1.mp4", "b/w/1.mp4") == ["v/1.mp4", "w/1.mp4"]
    assert ids("a/v", "c/v") == [f"{here}/a/v/1.mp4", f"{here}/a/v/2.mp4", f"{here}/c/v/1.mp4"]
    found = find_videos(["a/v", "a/v/1.mp4", "a/*"])
    assert len(found.videos) == 2
    assert found.notices == ["Videos that several sources hold count once: 3."]


def test_names_with_odd_bytes(tree):
    name = os.fsdecode(b"M\xfcller.mp4")
    tree(f"v/{name}")
    (video,) = find_videos(["v"]).videos
    assert (video.id, video.address.endswith(name)) == (r"M\udcfcller.mp4", True)


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        (["v"], "No file there is one"),
        (["v/*.mov"], "No file there is one"),
        ([], "No file there is one"),
        (["none"], "No file or folder has this name"),
        (["v/a.txt"], "It is text"),
        (["0"], "0 is a webcam"),
        (["rtsp://u:secret@host/1"], "rtsp://host/1 is a camera or stream"),
    ],
)
def test_what_holds_no_video(tree, sources, why):
    tree("v/a.txt", content=b"text")
    with pytest.raises(DataError, match=why) as error:
        find_videos(sources)
    assert "secret" not in str(error.value)


def test_a_folder_that_may_not_be_read_is_not_passed_over(tree, monkeypatch):
    here = tree("v/a.mp4", "v/s/b.mp4")
    scandir = os.scandir

    def guarded(path):
        if str(path) == f"{here}/v/s":  # tests may run as root, who may read all
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(DataError, match="v/s cannot be read"):
        find_videos(["v"])


def test_a_list_takes_the_place_of_sources(tree):
    here = tree("v/a.mp4")
    (here / "all.txt").write_text("v/a.mp4\nv/a.mp4\n")
    found = find_videos([], "all.txt")
    assert [(video.id, video.address) for video in found.videos] == [("v/a.mp4", f"{here}/v/a.mp4")]
    assert len(found.notices) == 1
    with pytest.raises(DataError, match="are both given"):
        find_videos(["v"], "all.txt")


def test_a_store(monkeypatch):
    with s3_server(monkeypatch) as client:
        keys = ("v/a.mp4", "v/date=1/b.mov", "v/.h/c.mp4", "v/notes.txt", "w/a.mp4", "v/x#1?.mp4")
        for key in keys:
            client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
        found = find_videos([f"s3://{BUCKET}/v/"])
        assert {video.id: video.address for video in found.videos} == {
            "a.mp4": f"s3://{BUCKET}/v/a.mp4",
            "date=1/b.mov": f"s3://{BUCKET}/v/date=1/b.mov",
            "x#1?.mp4": f"s3://{BUCKET}/v/x#1?.mp4",
        }
        # What the listing tells is what a look at the file tells: otherwise all would be done again.
        address = f"s3://{BUCKET}/v/a.mp4"
        assert found.states[address] == inspect(address) == Input(7, found.states[address].version)
        assert ids(f"s3://{BUCKET}/v/*.mp4") == ["a.mp4", "x#1?.mp4"]
        assert ids(f"s3://{BUCKET}/*/a.mp4") == ["v/a.mp4", "w/a.mp4"]
        assert ids(f"s3://{BUCKET}/**/*.mov") == ["v/date=1/b.mov"]
        assert ids(f"s3://{BUCKET}/v/a.mp4") == ["a.mp4"]
        assert ids(f"s3://{BUCKET}/v/a.mp4", f"s3://{BUCKET}/w") == ["v/a.mp4", "w/a.mp4"]
        for none in (f"s3://{BUCKET}/none", "s3://none/v", f"s3://{BUCKET}/v/n*.mp4"):
            with pytest.raises(DataError):
                find_videos([none])
    with pytest.raises(OutputError, match="of a store that cannot be used"):
        find_videos(["nonsense://host/v"])


def test_a_store_without_hosts():
    fsspec.filesystem("memory").pipe({"/v/a.mp4": MP4, "/v/s/b.mp4": MP4})
    found = find_videos(["memory://v"])
    assert {video.id: video.address for video in found.videos} == {
        "a.mp4": "memory://v/a.mp4",
        "s/b.mp4": "memory://v/s/b.mp4",
    }
