from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
from msgspec import Meta

from mdhr_runtime.records import MOST_BYTES, RecordError, Text, TooNewError, from_json, from_plain, read_json


class Score(TypedDict):
    mean: float


class Run(TypedDict):
    name: Text
    scores: list[Score]
    best: Score | None


@dataclass(frozen=True)
class Point:
    size: Annotated[int, Meta(ge=0)]
    values: tuple[float, ...] = ()
    names: tuple[int | str, ...] = ()

    def __post_init__(self):
        if self.size == 13:
            raise ValueError("13 is no size")


PLAIN = {"name": "a", "scores": [{"mean": 1}, {"mean": 0.5}], "best": None}


def test_objects_are_made_as_far_as_they_are_known():
    assert from_plain(Run, PLAIN | {"later": 1}) == PLAIN
    assert from_plain(Point, {"size": 3, "later": 1}) == Point(3)
    assert from_plain(Point, {"size": 3, "values": [1, 2.5], "names": [1, "b"]}) == Point(3, (1, 2.5), (1, "b"))


def test_text_and_whole_fractions_stand_for_numbers_where_that_is_asked_for():
    assert from_plain(Point, {"size": "3.0", "values": ["1", 2]}, lax=True) == Point(3, (1.0, 2.0))
    for size in ("3", 3.0):
        with pytest.raises(RecordError):
            from_plain(Point, {"size": size})


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Run, {"name": "a"}, "missing required field `scores`"),
        (Run, PLAIN | {"name": 3}, "at `name`: Expected `str`, got `int`"),
        (Run, PLAIN | {"name": "\x1b[2J"}, "at `name`"),
        (Run, PLAIN | {"name": "\udc80"}, "at `name`"),
        (Run, PLAIN | {"scores": [{"mean": "high"}]}, r"at `scores\[0\].mean`: Expected `float`"),
        (Run, PLAIN | {"best": {}}, "at `best`"),
        (Run, [], "It is wrong: Expected `object`"),
        (Point, {"size": True}, "Expected `int`, got `bool`"),
        (Point, {"size": -1}, "at `size`: Expected `int` >= 0"),
        (Point, {"size": 13}, "13 is no size"),
        (Point, {}, "`size`"),
        (Point, {"size": 3, "values": [float("nan")]}, "no finite number"),
        (Point, {"size": 3, "later": {"x": float("inf")}}, "no finite number"),
        (Point, {"size": 2**63}, "64 bits"),
        (Point, {"size": 3, "values": [10**400]}, "64 bits"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(kind, value, words):
    with pytest.raises(RecordError, match=words):
        from_plain(kind, value)


def test_a_value_that_holds_itself_is_nested_too_deep():
    value = []
    value.append(value)
    with pytest.raises(RecordError, match="deep"):
        from_plain(list, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"size": ' + b"1" * 5000 + b"}", "no JSON|64 bits"),
        (b'{"size": 1e999}', "finite"),
        (b'{"size": NaN}', "finite"),
        (b"[" * 100 + b"]" * 100, "deep"),
        (b"[" * 100_000, "deep"),
        (b'{"a":' * 100_000, "deep"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)
def test_hostile_json_is_refused(text, words):
    with pytest.raises(RecordError, match=words):
        from_plain(Point, from_json(text))


def test_a_file_is_read_up_to_its_largest_size(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"size": 1}' + b" " * (MOST_BYTES - 11))
    assert read_json(path, Point) == Point(1)
    with path.open("ab") as file:
        file.truncate(1 << 40)  # takes no room
    with pytest.raises(RecordError, match="larger than 16 MiB"):
        read_json(path, Point)


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(RecordError, match="No such file"):
        read_json(tmp_path / "none", Point)
    with pytest.raises(RecordError, match="a folder"):
        read_json(tmp_path, Point)


@pytest.mark.parametrize("schema", ["3", 0, None, True, 2.5])
def test_a_schema_is_a_number(tmp_path, schema):
    from json import dumps

    (tmp_path / "a.json").write_text(dumps({"schema": schema, "size": 1}))
    with pytest.raises(RecordError, match="schema"):
        read_json(tmp_path / "a.json", Point, schema=2)


def test_a_newer_schema_is_told_whatever_else_there_is(tmp_path):
    (tmp_path / "a.json").write_text('{"schema": 3}')
    with pytest.raises(TooNewError, match="schema 3; this version reads up to 2"):
        read_json(tmp_path / "a.json", Point, schema=2)
