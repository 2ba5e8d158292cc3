"""Faces and places as users write them."""

import click
import pytest

from mdhr_runtime.cli.places import face, region
from mdhr_runtime.faces.choice import Choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("all", Choice()),
        ("largest", Choice(1)),
        ("nearest:320,180", Choice(1, (320, 180))),
        ("nearest:.5,0.25", Choice(1, (0.5, 0.25))),
    ],
)
def test_which_faces(text, choice):
    assert face(text) == choice


@pytest.mark.parametrize("text", ["", "biggest", "nearest", "nearest:1", "nearest:1,2,3", "nearest:-1,2", "all:1,2"])
def test_what_is_no_choice_is_told(text):
    with pytest.raises(click.BadParameter, match="is no choice: write all, largest, or nearest:X,Y"):
        face(text)


def test_a_region():
    assert region("10,20,300.5,.5") == (10, 20, 300.5, 0.5)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "a,b,c,d", "-1,0,5,5", "1;2;3;4", "nan,0,1,1"])
def test_what_is_no_region_is_told(text):
    with pytest.raises(click.BadParameter, match="is no region: write X,Y,W,H"):
        region(text)
