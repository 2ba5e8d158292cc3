import pickle
import traceback
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhr_runtime.addresses import Address, is_address, locate, redacted, without_secrets

URL = "RTSP://me:p%40ss@[::1]:1884/lab/faces%2F1?token=SECRET#SECRET"


def test_a_url_is_taken_apart():
    address = Address.parse(URL)
    assert (address.scheme, address.host, address.port, address.path) == ("rtsp", "::1", 1884, "lab/faces/1")
    assert (address.user, address.password, address.parameters) == ("me", "p@ss", "?token=SECRET#SECRET")
    assert address.secret_url == URL


def test_what_is_not_there_is_none():
    address = Address.parse("http://camera")
    assert (address.port, address.user, address.password) == (None, None, None)
    assert (address.path, address.parameters, str(address)) == ("", "", "http://camera")
    assert Address.parse("http://camera/?").parameters == "?"


def test_no_text_of_it_has_a_secret():
    address = Address.parse(URL)
    assert str(address) == "rtsp://[::1]:1884/lab/faces/1"
    assert address.place == "[::1]:1884/lab/faces/1"
    assert repr(address) == "<Address rtsp://[::1]:1884/lab/faces/1>"
    assert f"{address}" == str(pickle.loads(pickle.dumps(address))) == str(address)
    with pytest.raises(FrozenInstanceError):
        address.host = "other"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://me:SECRET@Camera:554/a/b/", "rtsp://camera:554/a/b"),
        ("rtsp://me:SEC@RET@camera/a", "rtsp://camera/a"),
        ("rtsp://SECRET@camera/a", "rtsp://camera/a"),
        ("rtsp://me%3ASECRET@camera/a", "rtsp://camera/a"),
        ("rtsp://camera/a?token=SECRET", "rtsp://camera/a"),
        ("rtsp://camera/a#SECRET", "rtsp://camera/a"),
        ("rtsp://camera/a;token=SECRET", "rtsp://camera/a"),
        ("rtsp://camera/user=me&password=SECRET&channel=1", "rtsp://camera/user"),
        ("rtsp://camera/user%3Dme%26password%3DSECRET", "rtsp://camera/user"),
        ("http://proxy/rtsp://me:SECRET@camera/a", "http://proxy/rtsp"),
        ("http://proxy/rtsp%3A//me%3ASECRET@camera/a", "http://proxy/rtsp"),
        ("s3://key:SECRET@bucket/date=2026-11-28/a:b.mp4?token=SECRET", "s3://bucket/date=2026-11-28/a:b.mp4"),
        ("http://camera/%1b[31mSECRET", "http://camera"),
        ("http://camera/a%E2%80%AESECRET", "http://camera/a"),
        ("http://camera/a\nSECRET", "http://…"),
        ("rtsp:/\t/me:1/SECRET@host://x", "rtsp://…"),
        # The password holds what ends host and port: its second half stands where host or path should.
        ("rtsp://me:1/SECRET@camera/a", "rtsp://…"),
        ("rtsp://me:1@x/SECRET@camera/a", "rtsp://…"),
        ("rtsp://me:SEC?RET@camera/a", "rtsp://…"),
        ("rtsp://me:1#SECRET@camera/a", "rtsp://…"),
        ("mqtt://me:SECRET", "mqtt://…"),
        ("mqtt://me:SECRET@", "mqtt://…"),
        ("mqtt://me:SECRET@/topic", "mqtt://…"),
        ("mqtt://me:SECRET@host:99999/t", "mqtt://…"),
        ("mqtt://me:SECRET@[bad/t", "mqtt://…"),
        ("mqtt://me:SECRET@a℀b/t", "mqtt://…"),
        ("mqtt://me:SECRET@a\x1b[31m/t", "mqtt://…"),
        ("me:SECRET@host://x", "…://…"),
        ("async:http://me:SECRET@host/", "…://…"),
        ("://me:SECRET@host", "…://…"),
        ("me:SECRET@host/x", "…@host/x"),
        ("mqtt:/me:SECRET@host/x?SECRET", "mqtt://host/x"),
    ],
)
def test_what_may_be_shown(text, shown):
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "path",
    ["", "-", "0", "camera:0", "a/b c.mp4", "frames/*.png", "me@home.mp4", "12:30.mp4", "C:\\x.mp4", "./a:b@c.mp4"],
)
def test_paths_stay_as_they_are(path):
    assert redacted(path) == path
    assert not is_address(path)


@pytest.mark.parametrize(
    "url", ["rtsp://", "rtsp:///SECRET", "rtsp://me:SECRET@h:x/", "rtsp://[SECRET", "file:///SECRET"]
)
def test_an_error_repeats_nothing(url):
    with pytest.raises(ValueError, match="It names no host") as error:
        Address.parse(url)
    assert "SECRET" not in "".join(traceback.format_exception(error.value))
    assert error.value.__context__ is None


def test_other_texts_keep_what_is_no_address():
    text = "A file (a:b@c?d) and https://host/path stay; rtsp:/me:SECRET@host/x does not."
    assert without_secrets(text) == "A file (a:b@c?d) and https://host/path stay; rtsp://host/x does not."


word = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/?#@[]"), min_size=1, max_size=12)


@given(user=word, password=word, query=word, port=st.none() | st.integers(0, 65535))
def test_secrets_of_any_letters_are_not_shown(user, password, query, port):
    place = "camera" if port is None else f"camera:{port}"
    url = f"rtsp://{user}:{password}@{place}/a?{query}"
    assert redacted(url) in (f"rtsp://{place}/a", "rtsp://…")


@given(st.text())
def test_nothing_that_is_typed_is_too_strange(text):
    assert isinstance(redacted(text), str)
    assert isinstance(redacted(f"x://{text}"), str)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (7, 7),
        ("7", 7),
        ("007", 7),
        ("camera:7", 7),
        ("/dev/video7", 7),
        ("1234", Path("1234")),
        ("-7", Path("-7")),
        ("rtsp://lab/left?a=b", "rtsp://lab/left?a=b"),
        ("12:30.mp4", Path("12:30.mp4")),
        ("file:///a%20b/%FC%25.mp4", Path("/a b/\udcfc%.mp4")),
        ("FILE://LocalHost/a.mp4", Path("/a.mp4")),
        ("file://a.mp4", Path("a.mp4")),
        (Path("7"), Path("7")),
    ],
)
def test_what_a_source_means(source, place):
    assert locate(source) == place


@given(st.text())
def test_any_text_is_some_source(text):
    assert isinstance(locate(text), int | str | Path)
