from pathlib import Path

import cv2
import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.picture import Subject, write
from mdhr_runtime.plotting.shares import MOST_SUBJECTS, choose
from mdhr_runtime.plotting.tables import Figures, Table

HEADER = "source,person,face,AU,seconds_seen,share,events,rate_per_minute,mean_duration,mean,sd\n"


def lines(person, face, seconds):
    start = f"cam,{person},{face}"
    return (
        f"{start},AU06,{seconds},0.2500,3,1.800,0.500,0.3000,0.1000\n"
        f"{start},AU12,{seconds},0.0000,0,0.000,,0.1000,0.1000\n"
        f"{start},AU06+AU12,{seconds},0.0000,,,,,\n"
    )


FACES = lines(0, 0, 60.0) + lines(0, 2, 40.0) + lines(1, 1, 30.0) + lines("", 3, 5.0)
PEOPLE = lines(0, "", 100.0) + lines(1, "", 30.0)


@pytest.fixture
def table(tmp_path):
    def table(text):
        path = tmp_path / "summary.csv"
        path.write_text(HEADER + text)
        return Table(path)

    return table


def test_people_and_faces_of_nobody_known(table):
    read = table(FACES + PEOPLE)
    assert read.kind is Figures
    chart, others = choose(read, read.path, Subject())
    assert [*chart.subjects] == [Subject("cam", 3), Subject("cam", None, 0), Subject("cam", None, 1)]
    assert others == []
    row = chart.shares[1]["AU12"]
    assert (row.seconds_seen, row.share, row.events, row.mean_duration) == (100.0, 0.0, 0, None)


def test_a_face_or_a_person_that_is_wished_for(table):
    assert choose(table(FACES + PEOPLE), Path("t"), Subject(face_id=2))[0].subjects == (Subject("cam", 2, 0),)
    chart, others = choose(table(FACES + PEOPLE), Path("t"), Subject(person=1))
    assert [*chart.subjects] == [Subject("cam", None, 1)]
    assert others == ["face 3 of cam", "person 0 of cam"]
    with pytest.raises(OutputError, match=r"has no person 7.*\n.*person 1 of cam, face 3 of cam"):
        choose(table(FACES + PEOPLE), Path("t"), Subject(person=7))


def test_those_who_are_seen_longest_are_drawn_and_the_others_named(table):
    text = "".join(lines(person, "", 10.0 + person) for person in range(MOST_SUBJECTS + 2))
    chart, others = choose(table(text), Path("t"), Subject())
    assert [one.person for one in chart.subjects] == [*range(2, MOST_SUBJECTS + 2)]
    assert others == ["person 0 of cam", "person 1 of cam"]


def test_two_summaries_in_one(table):
    text = PEOPLE + HEADER + PEOPLE
    assert [one.person for one in choose(table(text), Path("t"), Subject())[0].subjects] == [0, 1]
    with pytest.raises(OutputError, match="two results of AU06 for person 0 of cam"):
        choose(table(text + lines(0, "", 7.0)), Path("t"), Subject())


def test_nobody_was_seen(table):
    with pytest.raises(OutputError, match="Nobody was seen"):
        choose(table(""), Path("t"), Subject())


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [False, True])
def test_a_picture_is_as_high_as_there_are_people(table, tmp_path, pairs):
    pytest.importorskip("matplotlib", reason="needs the extra 'plot'")
    sizes = []
    for text in (lines(0, "", 100.0), PEOPLE):
        text = text if pairs else "".join(line for line in text.splitlines(True) if "+" not in line)
        write(choose(table(text), Path("t"), Subject())[0], tmp_path / "summary.png")
        image = cv2.imread(str(tmp_path / "summary.png"))
        assert ((image[..., 2] < 60) & (image[..., 0] > 150)).sum() > 1000
        sizes.append(image.shape[:2])
    assert sizes[0][0] < sizes[1][0]
    assert sizes[0][1] == sizes[1][1] == (1820 if pairs else 1300)
