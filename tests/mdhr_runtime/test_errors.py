import pickle

import pytest

from mdhr_runtime import errors

FAMILY = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.MdhrError)]


@pytest.mark.parametrize("kind", [kind for kind in FAMILY if kind is not errors.AnalysisError])
def test_errors_keep_their_three_parts_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("It broke.", "It was old.", "Buy another.")))
    assert type(error) is kind
    assert (error.what, error.why, error.fix) == ("It broke.", "It was old.", "Buy another.")
    assert str(error) == "It broke.\n  why: It was old.\n  fix: Buy another."


def test_the_errors_of_several_sources_travel_together():
    problems = [(name, errors.VideoError(f"{name} broke.", "It was old.", "Buy another.")) for name in "ab"]
    error = pickle.loads(pickle.dumps(errors.AnalysisError(problems)))
    assert [(name, str(problem)) for name, problem in error.problems] == [(name, str(each)) for name, each in problems]
    assert str(error) == (
        "2 sources ended with an error.\n"
        "  why: a: a broke. It was old.\n       b: b broke. It was old.\n"
        "  fix: a: Buy another.\n       b: Buy another."
    )
