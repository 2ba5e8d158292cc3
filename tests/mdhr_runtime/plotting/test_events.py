from pathlib import Path

import cv2
import pytest

from mdhr_runtime.au_events import AuEvent
from mdhr_runtime.errors import OutputError
from mdhr_runtime.plotting.events import choose
from mdhr_runtime.plotting.picture import Subject, write
from mdhr_runtime.plotting.tables import Table

EVENTS_CSV = """\
source,person,face,AU,onset,apex,offset,peak,mean,duration
cam,0,0,AU12,1.000,1.200,2.000,0.9000,0.7000,1.000
cam,0,0,AU06,1.100,1.200,1.900,0.6000,0.5500,0.800
cam,0,2,AU12,8.000,8.500,9.000,0.8000,0.7000,1.000
cam,1,1,AU12,3.000,3.500,4.000,0.7000,0.6000,1.000
door,,0,AU12,3.000,3.500,4.000,0.7000,0.6000,1.000
"""


@pytest.fixture
def table(tmp_path):
    def table(text):
        path = tmp_path / "au_events.csv"
        path.write_text(text)
        return Table(path)

    return table


def test_events_of_the_face_with_the_most(table):
    read = table(EVENTS_CSV)
    assert read.kind is AuEvent
    chart, others = choose(read, read.path, Subject())
    assert chart.subjects == (Subject("cam", 0),)
    assert chart.title == "cam \xb7 face 0"
    assert [(event.au, event.onset, event.person) for event in chart.events] == [("AU12", 1.0, 0), ("AU06", 1.1, 0)]
    assert others == ["face 1 of cam", "face 2 of cam", "face 0 of door"]


def test_events_of_all_faces_of_a_person(table):
    chart, others = choose(table(EVENTS_CSV), Path("t"), Subject(person=0))
    assert chart.subjects == (Subject("cam", None, 0),)
    assert [event.face_id for event in chart.events] == [0, 0, 2]
    assert others == ["person 1 of cam"]


def test_one_face_of_a_person(table):
    chart, _ = choose(table(EVENTS_CSV), Path("t"), Subject(face_id=2, person=0))
    assert chart.subjects == (Subject("cam", 2, 0),)
    with pytest.raises(
        OutputError, match=r"has no face 1 as person 0.*\n.*It has face 0 as person 0 of cam, face 1 as"
    ):
        choose(table(EVENTS_CSV), Path("t"), Subject(face_id=1, person=0))


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text.replace(",", ";").replace(".", ","),
        lambda text: text.replace(",0,0,", ",0.0,0.0,").replace(",,", ",NA,"),
        lambda text: text + text,
        lambda text: text + "cam,1,1,AU01,3.0,3.",
    ],
    ids=["semicolons and commas", "pandas", "twice", "torn"],
)
def test_events_that_other_programs_have_written_again(table, other):
    expected = list(table(EVENTS_CSV))
    assert list(dict.fromkeys(table(other(EVENTS_CSV)))) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EVENTS_CSV.splitlines()[0], "No action unit occurred"),
        (EVENTS_CSV.replace("0.9000", "900"), "Line 2 is wrong at peak: 900 is above 1"),
        (EVENTS_CSV.replace("AU06", "smile"), "Line 3 is wrong at AU: 'smile' is none"),
        (EVENTS_CSV.replace("apex", "top"), "no column apex"),
        (EVENTS_CSV.replace("1.200", ""), "Line 2 is wrong at `apex`"),
    ],
)
def test_tables_without_events_to_draw(table, text, words):
    with pytest.raises(OutputError, match=words):
        choose(table(text), Path("t"), Subject())


@pytest.mark.slow
def test_bars_are_darker_where_the_peak_is_higher(table, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra 'plot'")
    chart, _ = choose(table(EVENTS_CSV), Path("t"), Subject(face_id=0))
    write(chart, tmp_path / "events.png")
    image = cv2.imread(str(tmp_path / "events.png")).astype(int)
    first, second = image[: len(image) // 2], image[len(image) // 2 :]
    # AU06, whose peak is lower, stands above AU12: count the pixels of the darkest blue, left of the scale.
    dark = [((part[:, :1100, 2] < 60) & (part[:, :1100, 0] > 150)).sum() for part in (first, second)]
    assert dark[0] < dark[1] / 10
