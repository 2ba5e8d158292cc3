"""The films of known people, and how trackers are judged on them, with trackers whose faults are known."""

from dataclasses import replace
from itertools import islice

import identities
import numpy as np
import pytest
from identity_films import FILMS, Person, room

import mdhr_runtime


@pytest.fixture(scope="module")
def people():
    """Everybody in a picture of one colour."""
    roles = sorted({role for film in FILMS.values() for role in film.roles})
    return {
        role: Person(role, [np.full((120, 100, 3), 20 * number, np.uint8)], np.array([[30.0, 30.0, 70.0, 90.0]]))
        for number, role in enumerate(roles)
    }


@pytest.fixture(scope="module")
def crossing(people):
    """What is true of the film in which two people exchange their places."""
    return [identities.Truth(shot.faces, shot.cut) for shot in FILMS["cross"].shots(people)]


def perfect(truths, persons=True):
    """What a tracker sees that makes no mistake: it sees who is visible, and streams go on while that is so."""
    numbers, seen = {}, [[] for _ in truths]
    for frame, truth in enumerate(truths):
        before = {one.person for one in seen[frame - 1]} if frame else set()
        for face in truth.faces:
            number = numbers.setdefault(face.person, len(numbers))
            if face.visible >= identities.VISIBLE:
                seen[frame].append(identities.Seen(number, number, face.box, number in before))
    return seen if persons else [[replace(one, person=None) for one in frame] for frame in seen]


def faults(truths, found):
    """The figures that the script makes itself."""
    rows = [identities.assign(truth, seen) for truth, seen in zip(truths, found, strict=True)]
    names = [[face.person for face in truth.faces] for truth in truths]
    persons = [[one.person for one in seen] for seen in found]
    return identities.numbers(names, names, persons, rows) | identities.streams(truths, names, found, rows)


@pytest.mark.parametrize("name", FILMS)
def test_film_begins_with_faces_in_the_picture(people, name):
    shot = next(FILMS[name].shots(people))
    height, width = shot.image.shape[:2]
    visible = [face for face in shot.faces if face.visible >= identities.VISIBLE]
    assert visible
    assert not shot.cut
    assert shot.image.dtype == np.uint8
    assert all((face.box >= 0).all() and (face.box <= [width, height, width, height]).all() for face in visible)


def test_who_is_covered_is_not_visible(crossing):
    both, one = crossing[0].faces, crossing[50].faces
    assert [face.visible for face in both] == pytest.approx([1, 1], abs=0.1)
    assert [face.person for face in one if face.visible >= identities.VISIBLE] == ["man"]
    assert min(face.visible for face in one) < 0.1


def test_face_is_where_it_was_put(people):
    image = identities.Shot(room()).put(people["man"], 0, 300, 200, 120)
    (face,) = image.faces
    assert (face.box[:2] + face.box[2:]) / 2 == pytest.approx([300, 200], abs=2)
    assert face.box[3] - face.box[1] == pytest.approx(120, abs=8)  # it nods a little


def test_no_fault_is_found_where_none_is(crossing):
    figures = faults(crossing, perfect(crossing))
    assert figures == {
        "persons": 2, "unknown": 0, "split": 0, "merged": 0, "mixed": 0, "breaks": 0, "faults": []
    }  # fmt: skip


def test_streams_that_go_on_as_somebody_else_are_mixed(crossing):
    found = perfect(crossing)
    found[80:] = [[replace(one, face=1 - one.face, person=1 - one.person) for one in seen] for seen in found[80:]]
    figures = faults(crossing, found)
    assert figures["mixed"] == 2
    assert figures["merged"] == pytest.approx(40 / sum(map(len, found)))
    assert "frame 80" in figures["faults"][0]


def test_number_of_another_person_after_a_break_is_merged_and_not_mixed(crossing):
    found = perfect(crossing)
    found[80:] = [[replace(one, face=one.face + 9, person=0) for one in seen] for seen in found[80:]]
    found[80] = [replace(one, continues=False) for one in found[80]]
    figures = faults(crossing, found)
    assert (figures["mixed"], figures["breaks"]) == (0, 2)
    assert figures["merged"] == figures["split"] == pytest.approx(20 / sum(map(len, found)))


def test_stream_that_goes_on_across_a_cut_is_mixed(people):
    truths = [identities.Truth(shot.faces, shot.cut) for shot in FILMS["jump"].shots(people)]
    figures = faults(truths, perfect(truths))
    assert figures["mixed"] == sum(truth.cut for truth in truths) == 3


def test_rows_without_a_number_are_unknown(crossing):
    figures = faults(crossing, perfect(crossing, persons=False))
    assert (figures["unknown"], figures["persons"]) == (1, 0)


def test_figures_of_motmetrics(crossing):
    pytest.importorskip("motmetrics")
    found = perfect(crossing)
    verdict = identities.judge(crossing, found)
    assert (verdict.switches, verdict.idf1, verdict.mota) == (0, 1, 1)
    found[80:] = [[replace(one, person=one.person + 2) for one in seen] for seen in found[80:]]
    verdict = identities.judge(crossing, found)
    assert (verdict.switches, verdict.persons, verdict.people) == (2, 4, 2)


@pytest.mark.slow
def test_tracker_sees_real_people_in_a_film(tiny_bundle, media, tmp_path):
    model = mdhr_runtime.load(tiny_bundle, "cpu")
    film = FILMS["two"]
    shots = list(islice(film.shots(identities.cast(model, media, None)), 12))
    identities.write(tmp_path / "two.mp4", (shot.image for shot in shots), film.rate)
    found = identities.ours(model, tmp_path / "two.mp4")
    truths = [identities.Truth(shot.faces, shot.cut) for shot in shots]
    figures = faults(truths, found)
    assert [len(seen) for seen in found] == [2] * 12
    assert (figures["mixed"], figures["breaks"]) == (0, 0)
