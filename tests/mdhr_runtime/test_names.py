import os
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhr_runtime.names import LONGEST, name_of, name_of_file, table_name

START = datetime(2026, 11, 27, 14, 3, 12)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("clip.mp4", "clip.mp4.csv"),
        ("./clip.mov", "clip.mov.csv"),
        ("2026.11.25", "2026.11.25.csv"),
        ("2026.11.25/", "2026.11.25.csv"),
        ("cam1/GOPR0001.MP4", "cam1__GOPR0001.MP4.csv"),
        ("a/../cam2/GOPR0001.MP4", "cam2__GOPR0001.MP4.csv"),
        ("My film (1).mp4", "My film (1).mp4.csv"),
        ("Küche ★.mp4", "Küche ★.mp4.csv"),
        ("0", "camera0-2026-11-27T14.03.12.csv"),
        ("camera:0", "camera0-2026-11-27T14.03.12.csv"),
        ("file://localhost/elsewhere/clip%20.mp4", table_name(["/elsewhere/clip .mp4"], START)),
    ],
)
def test_names_that_say_all_can_be_read(source, name):
    assert table_name([source], START) == name


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("frames/*.png", "frames___.png-"),
        ("-x.mp4", "_x.mp4-"),
        (".hidden", "_hidden-"),
        ("a__b.mp4", "a__b.mp4-"),
        ("a_/b.mp4", "a___b.mp4-"),
        ("clip-0123abcd", "clip-0123abcd-"),
        ("/elsewhere/data/clip.mp4", "data__clip.mp4-"),
        ("/", "__-"),
        (b"M\xfcller.mp4".decode(errors="surrogateescape"), "M_ller.mp4-"),
        ("x" * 300, "xxxxxxxxxx"),
    ],
)
def test_names_that_do_not_have_a_hash(source, start):
    name = table_name([source], START)
    assert name.startswith(start)
    assert name[-13] == "-"
    assert len(os.fsencode(name)) <= LONGEST


def test_a_folder_whose_name_is_a_number_is_no_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "001").mkdir()
    assert table_name(["001"], START) == "001.csv"
    assert table_name(["1"], START) == table_name(["/dev/video1"], START) == "camera1-2026-11-27T14.03.12.csv"


def test_several_sources_and_cameras_have_the_time():
    assert table_name(["a.mp4", "b.mp4"], START) == "au-2026-11-27T14.03.12.csv"
    assert table_name(["rtsp://lab/left"], START) == "lab__left-2026-11-27T14.03.12.csv"


def test_two_runs_of_one_second_are_apart():
    names = {table_name(["a", "b"], START.replace(microsecond=micro)) for micro in (0, 1_000, 123_456)}
    assert names == {f"au-2026-11-27T14.03.12{part}.csv" for part in ("", ".001", ".123")}


@pytest.mark.parametrize("url", ["rtsp://me:SECRET@lab:554/left?token=SECRET#SECRET", "http://SECRET@lab/x?SECRET"])
def test_no_secret_of_an_address_is_in_a_name(url):
    assert "SECRET" not in table_name([url], START)
    assert table_name([url], START) == table_name([url.replace("SECRET", "OTHER")], START)  # nor its hash


PARTS = st.text(st.sampled_from("ab_-.*é\udcfc 01") | st.characters(exclude_characters="/\0"), min_size=1, max_size=40)


def encodable(text):
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


PATHS = st.lists(PARTS.filter(encodable), min_size=1, max_size=4).map("/".join)


@given(PATHS, PATHS, st.booleans(), st.booleans())
def test_different_paths_have_different_names(one, other, one_here, other_here):
    paths = [
        os.path.abspath(os.path.join(*([] if here else ["/"]), text))
        for text, here in ((one, one_here), (other, other_here))
    ]
    names = [name_of_file(Path(path), ".csv") for path in paths]
    assert (names[0] == names[1]) == (paths[0] == paths[1])
    for name in names:
        assert len(os.fsencode(name)) <= LONGEST
        assert "/" not in name
        assert name.isprintable()
        assert not name.startswith((".", "-"))


@given(PATHS, PATHS)
def test_different_sources_of_a_run_have_different_videos(one, other):
    assert (name_of(one, "out-", ".mp4") == name_of(other, "out-", ".mp4")) == (one == other)
