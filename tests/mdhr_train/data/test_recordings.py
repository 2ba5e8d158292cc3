from collections import namedtuple

import pytest

from mdhr_runtime.errors import DataError
from mdhr_train.data.recordings import divide, require_disjoint, some
from mdhr_train.datasets import DATASETS

BP4D = DATASETS["bp4d"]


class Stub(namedtuple("Stub", "subject frames")):
    """A recording of which only the subject and the length matter."""

    def __len__(self):
        return self.frames


ONE_OF_EACH = [Stub("F007", 1), Stub("M011", 2), Stub("F001", 3)]


def test_recordings_are_divided_by_the_order_of_their_subjects():
    found = divide(BP4D, ONE_OF_EACH)
    assert [one.subject for one in found[1, "train"]] == ["F001", "M011"]
    assert [one.subject for one in found[2, "train"]] == ["F001", "F007"]
    assert [one.subject for one in found[3, "test"]] == ["F001"]


@pytest.mark.parametrize("missing", [Stub("F007", 0), None])
def test_an_empty_fold_is_refused(missing):
    recordings = ONE_OF_EACH[1:] + ([missing] if missing else [])
    with pytest.raises(DataError, match="Fold 1 of bp4d has no test frames"):
        divide(BP4D, recordings)


def test_a_subject_of_no_part_is_refused():
    with pytest.raises(DataError, match="F099 belongs to no fold"):
        divide(BP4D, [*ONE_OF_EACH, Stub("F099", 1)])


def test_a_shared_subject_is_named():
    require_disjoint("Fold 1", ONE_OF_EACH[:1], ONE_OF_EACH[1:])
    with pytest.raises(DataError, match="same subjects") as error:
        require_disjoint("Fold 1", ONE_OF_EACH[:2], ONE_OF_EACH[1:])
    assert "M011" in error.value.why


def test_of_many_things_the_first_are_named():
    assert some("abc") == "a, b, c"
    assert some("abcde") == "a, b, c and 2 more"
