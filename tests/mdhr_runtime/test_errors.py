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


@pytest.mark.parametrize(
    "said",
    [
        "std::bad_alloc",
        "OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 691200 bytes in function 'x'",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 9",
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 B.",
        "[Errno 12] Cannot allocate memory",
        "x.so: failed to map segment from shared object",
        "can't start new thread",
    ],
)
def test_a_shortage_is_recognised_whatever_was_made_of_it(said):
    def fail():
        try:
            raise RuntimeError(said)
        except RuntimeError as error:
            raise errors.ProviderError("ONNX Runtime is not installed.", "Who knows.", "Install it.") from error

    with pytest.raises(errors.ProviderError) as caught:
        fail()
    told = errors.shortage(caught.value)
    assert (told.what, told.why) == ("Memory ran out.", said)


def test_what_is_no_shortage_is_left_alone():
    assert errors.shortage(MemoryError()).why == "No more could be had."
    assert errors.shortage(ValueError("no memory of it")) is None
    assert errors.shortage(None) is None
