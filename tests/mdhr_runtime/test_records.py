from dataclasses import dataclass
from typing import TypedDict

import pytest

from mdhr_runtime.records import from_plain


class Score(TypedDict):
    mean: float


class Run(TypedDict):
    name: str
    scores: list[Score]
    best: Score | None


@dataclass(frozen=True)
class Point:
    size: int
    values: tuple[float, ...] = ()


PLAIN = {"name": "a", "scores": [{"mean": 1}, {"mean": 0.5}], "best": None}


def test_a_typed_dictionary_is_kept_as_far_as_it_is_known():
    assert from_plain(Run, PLAIN | {"later": 1}) == PLAIN


def test_a_dataclass_is_made_with_its_defaults():
    assert from_plain(Point, {"size": 3}) == Point(3)
    assert from_plain(Point, {"size": 3, "values": [1, 2.5]}) == Point(3, (1, 2.5))


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Run, {"name": "a"}, "lacks 'best'"),
        (Run, PLAIN | {"name": 3}, "name is '3', which is no str"),
        (Run, PLAIN | {"scores": [{"mean": "high"}]}, r"scores\[0\], mean is 'high', which is no float"),
        (Run, PLAIN | {"best": {}}, "best lacks 'mean'"),
        (Run, [], "which is no Run"),
        (Point, {"size": True}, "which is no int"),
        (Point, {"size": 1, "colour": "red"}, "unknown field, 'colour'"),
        (Point, {}, "lacks 'size'"),
    ],
)
def test_what_is_of_another_type_is_named_with_its_place(kind, value, words):
    with pytest.raises(TypeError, match=words):
        from_plain(kind, value)
