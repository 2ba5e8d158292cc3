from dataclasses import replace

import numpy as np
import pytest
from rows import nobody, row

from mdhr_runtime.faces import View
from mdhr_runtime.sinks.drawing import FACE_COLOURS, OCCURS, POOR, TRACK, Rect, _label, draw

AUS = tuple(f"AU{number:02d}" for number in range(1, 13))
GREY = np.full((360, 640, 3), 90, np.uint8)


def face(box, scores=None, face_id=0):
    return row(1, np.linspace(0, 1, 12) if scores is None else scores, face_id=face_id, box=box)


def changed(image, before=GREY):
    """The rectangle in which something was drawn."""
    ys, xs = np.nonzero((image != before).any(axis=2))
    return Rect(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_the_image_is_not_touched_and_the_result_is_like_it():
    before = GREY.copy()
    drawn = draw(GREY, [face((100, 100, 200, 220))], AUS)
    assert (before == GREY).all()
    assert drawn.shape == GREY.shape
    assert drawn.dtype == np.uint8
    assert (drawn != GREY).any()


def test_an_image_that_shares_its_memory_the_other_way_round_is_drawn_too():
    flipped = np.zeros((360, 640, 3), np.uint8)[:, :, ::-1]
    flipped.flags.writeable = False
    assert draw(flipped, [face((100, 100, 200, 220))], AUS).any()


def test_a_frame_without_a_face_stays_as_it_is():
    assert (draw(GREY, [nobody(1)], AUS) == GREY).all()


def test_aus_that_occur_stand_out():
    def highlighted(score):
        drawn = draw(GREY, [face((100, 100, 200, 220), np.full(12, score))], AUS)
        return int((drawn == OCCURS).all(axis=2).sum())

    assert highlighted(0.49) == 0
    assert 0 < highlighted(0.5) < highlighted(1.0)


def test_the_panel_stands_beside_the_face_where_there_is_room():
    box = (100, 100, 200, 220)
    drawn = draw(GREY, [face(box)], AUS)
    assert changed(drawn).right > 300
    assert (drawn[130:190, 130:170] == 90).all()
    at_the_right = draw(GREY, [face((500, 100, 600, 220))], AUS)
    assert changed(at_the_right).left < 400


def test_faces_are_not_hidden_by_each_others_panels():
    boxes = [(60 + 150 * index, 60, 130 + 150 * index, 150) for index in range(4)]
    drawn = draw(GREY, [face(box, face_id=index) for index, box in enumerate(boxes)], AUS)
    for left, top, right, bottom in boxes:
        assert (drawn[top + 25 : bottom - 15, left + 15 : right - 15] == 90).mean() > 0.9


@pytest.mark.parametrize("size", [(360, 640), (1080, 1920), (120, 160), (48, 48), (9, 7)])
@pytest.mark.parametrize("box", [(-30, -20, 40, 50), (600, 300, 700, 400), (10, 10, 11, 11), (5.5, 5.5, 5.6, 5.6)])
def test_any_box_in_any_frame(size, box):
    image = np.zeros((*size, 3), np.uint8)
    assert draw(image, [face(box)], AUS).shape == image.shape


def test_fifty_faces():
    rows = [face((12 * index, 7 * index, 12 * index + 40, 7 * index + 50), face_id=index) for index in range(50)]
    assert (draw(GREY, rows, AUS) != GREY).any()


def test_the_order_of_the_rows_does_not_matter():
    rows = [face((100, 100, 200, 220)), face((260, 100, 360, 220), face_id=1)]
    assert (draw(GREY, rows, AUS) == draw(GREY, rows[::-1], AUS)).all()


def test_two_faces_in_the_same_box():
    rows = [face((100, 100, 200, 220), face_id=index) for index in range(2)]
    assert (draw(GREY, rows, AUS) != GREY).any()


def viewed(box, quality, scores=None, person=None, face_id=0, pose=(0.0, 0.0, 0.0)):
    x1, y1, x2, y2 = box
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([(x1 + x * (x2 - x1), y1 + y * (y2 - y1)) for x, y in points], np.float32)
    view = View(landmarks, pose, quality, ("blurred", "dark"))
    return replace(face(box, scores, face_id), person=person, view=view)


BOX = (100, 100, 200, 220)


def test_a_person_keeps_its_colour_when_the_face_is_another():
    def colours(person, face_id):
        drawn = draw(GREY, [viewed(BOX, 0.9, person=person, face_id=face_id)], AUS)
        return {index for index, colour in enumerate(FACE_COLOURS) if (drawn[100:220, 100:200] == colour).all(2).any()}

    assert [colours(2, 0), colours(2, 5), colours(None, 5)] == [{2}, {2}, {5}]


@pytest.mark.parametrize(
    ("row", "brief", "text"),
    [
        (face(BOX, face_id=5), False, "face 5"),
        (viewed(BOX, 0.9, person=2, face_id=5), False, "person 2, face 5"),
        (viewed(BOX, 0.4, person=2, face_id=5), False, "person 2, face 5: blurred"),
        (viewed(BOX, 0.4, face_id=5), True, "F5: AU 7 10 12 14 15 17, blurred"),
        (viewed(BOX, 0.9, np.zeros(12), 2, 5), True, "P2 F5: AU"),
    ],
)
def test_labels_say_who_it_is_and_what_is_wrong(row, brief, text):
    aus = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17")
    assert _label(row, aus if brief else ()) == text


def test_a_face_that_is_not_scored_has_a_box_and_no_panel():
    unscored = replace(viewed(BOX, 0.1), scores=None)
    assert changed(draw(GREY, [unscored], AUS)).right < 260
    assert changed(draw(GREY, [viewed(BOX, 0.1)], AUS)).right > 260


def test_the_bar_of_the_quality_is_as_long_as_the_quality():
    below = draw(GREY, [replace(viewed(BOX, 0.75), scores=None)], AUS)[223]
    assert [(below == colour).all(axis=1).sum() for colour in (FACE_COLOURS[0], TRACK)] == [75, 25]
    assert (draw(GREY, [viewed(BOX, 0.25)], AUS)[223] == POOR).all(axis=1).sum() == 25


@pytest.mark.parametrize(("pose", "side"), [((0.5, 0, 0), (0, 1)), ((-0.5, 0, 0), (0, -1)), ((0, 0.5, 0), (-1, 0))])
def test_the_nose_points_where_the_head_is_turned(pose, side):
    ahead, turned = (draw(GREY, [replace(viewed(BOX, 0.9, pose=each), scores=None)], AUS) for each in ((0, 0, 0), pose))
    line = changed(turned, ahead)
    middle = (line.left + line.right) / 2 - 150, (line.top + line.bottom) / 2 - 172
    assert [abs(part) > 5 and np.sign(part) for part in middle] == [part and np.sign(part) for part in side]


def test_in_a_crowd_all_faces_have_panels_or_none():
    boxes = [
        (30 + 200 * column, 30 + 115 * row, 80 + 200 * column, 90 + 115 * row)
        for row in range(3)
        for column in range(3)
    ]
    small = draw(GREY, [face(box, np.ones(12), index) for index, box in enumerate(boxes)], AUS)
    assert not (small == OCCURS).all(axis=2).any()
