import numpy as np
import pytest
from rows import nobody, row

from mdhr_runtime.sinks.drawing import OCCURS, Rect, draw

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
