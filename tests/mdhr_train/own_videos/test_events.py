import numpy as np
import pytest
from label_forms import ANNA, of, table, told

from mdhr_train.own_videos.events import read_code


def test_events_that_are_odd_are_told(read, tmp_path):
    rows = [
        (0, 0.5, "AU12"),
        (0.4, 0.6, "AU12"),
        (1, 0.8, "AU12"),
        (5, 6, "AU12"),
        (1.5, 4, "AU12"),
        ("NA", 1, "AU12"),
        (0, 1, "laugh"),
        (0, 1, "3 times"),
        (0, 1, "AU99"),
        (1.01, 1.02, "AU01"),
        (0.2, 0.3, "AU01A"),
        (0, 0.1, "1+2"),
    ]
    own = read(table(tmp_path / "anna.csv", "start end code", rows, separator=";"))
    assert own.aus == (1, 2, 12)
    labels = own.recordings[0].labels
    assert np.flatnonzero(labels[:, 2]).tolist() == [*range(12), *range(30, 40)]
    assert np.flatnonzero(labels[:, 0]).tolist() == [0, 1, 20]
    assert np.flatnonzero(labels[:, 1]).tolist() == [0, 1]
    assert told(own, "overlap another one of their AU") == 1
    assert told(own, "end before they start") == 1
    assert told(own, "outside of the video") == 1
    assert told(own, "go on beyond the video") == 1
    assert told(own, "without a start") == 1
    assert told(own, "no code of an AU") == 2
    assert told(own, "events of AUs that are not known") == 1
    assert told(own, "last for one frame") == 1
    assert told(own, "weaker than 2") == 1


def test_events_whose_other_half_is_missing_make_unknown_labels(read, tmp_path):
    log = [
        (0.5, "AU12", "STOP"),
        (1, "AU12", "START"),
        (1.5, "AU01", "POINT"),
        (0.2, "AU01", "START"),
        (0.4, "AU01", "STOP"),
    ]
    own = read(table(tmp_path / "anna.csv", "Time Behavior Behavior_type", log))
    labels = own.recordings[0].labels
    assert labels[:, 1].tolist() == [9] * 10 + [0] * 10 + [9] * 20
    assert np.flatnonzero(labels[:, 0]).tolist() == [4, 5, 6, 7, 30]
    assert told(own, "stop and did not start") == 1
    assert told(own, "start and do not stop") == 1


def test_tiers_of_aus_hold_their_intensity(read, tmp_path):
    rows = [(0, 0.5, "AU01", "B"), (0.5, 1, "AU01", "0"), (1, 1.5, "AU01", "AU1C"), (1.5, 2, "AU01", "x")]
    own = read(table(tmp_path / "anna.csv", "start end tier annotation", rows), soft=True)
    assert own.recordings[0].labels[::10, 0].tolist() == [0.5, 0, 0.75, 1]
    own = read(table(tmp_path / "anna.csv", "start end AU01", [(start, end, cell) for start, end, _, cell in rows]))
    assert own.recordings[0].labels[::10, 0].tolist() == [1, 0, 1, 1]


def test_soft_events_have_their_intensity(read, tmp_path):
    rows = [(0, 1, "AU12", "B"), (1, 2, "AU12", ""), (0, 1, "AU04", "5")]
    own = read(table(tmp_path / "anna.csv", "start end code intensity", rows), soft=True)
    assert own.recordings[0].labels[[0, 30]].tolist() == [[1, 0.5], [0, 1]]


def test_what_a_video_is_not_coded_for_is_unknown_there(read, tmp_path):
    table(tmp_path / "anna.csv", "start end code", [(0, 1, "AU12")])
    table(tmp_path / "ben.csv", "start end code", [(0, 1, "AU01")])
    own = read(tmp_path)
    assert (of(own, ANNA).labels[:, 0] == 9).all()
    assert told(own, "an AU does not occur: unknown there") == 2
    together = read(
        table(tmp_path / "x/all.csv", "video start end code", [("anna", 0, 1, "AU12"), ("ben", 0, 1, "AU01")])
    )
    assert (of(together, ANNA).labels[:, 0] == 0).all()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        *((text, [(12, None)]) for text in ("AU12", "au 12", "12", "R12", "LAU12", "12_Smile", "AU12 (both)")),
        *((text, [(12, 3.0)]) for text in ("AU12C", "12c", "AU 12 C", "R12C")),
        ("1+2+5B", [(1, None), (2, None), (5, 2.0)]),
        *((text, []) for text in ("", "smile", "3 times", "12 angry men", "AU", "AU123", "1+x", "12Cats")),
    ],
)
def test_codes(text, codes):
    assert read_code(text) == codes
