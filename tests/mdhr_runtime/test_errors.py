import pickle

import pytest

from mdhr_runtime import errors

FAMILY = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.MdhrError)]


@pytest.mark.parametrize("kind", FAMILY)
def test_errors_keep_their_three_parts_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("It broke.", "It was old.", "Buy another.")))
    assert type(error) is kind
    assert (error.what, error.why, error.fix) == ("It broke.", "It was old.", "Buy another.")
    assert str(error) == "It broke.\n  why: It was old.\n  fix: Buy another."
