"""TensorRT's errors, as a logger keeps them."""

from types import SimpleNamespace

from mdhr_runtime.backends.tensorrt.installed import MOST_ERRORS, Flavor, make_logger


class Interface:
    """TensorRT's `ILogger`, as far as a logger needs it."""

    INTERNAL_ERROR, ERROR, WARNING = range(3)


def test_the_cause_of_a_failure_is_kept_beside_what_it_made_impossible():
    logger = make_logger(Flavor("tensorrt", "10.16", SimpleNamespace(ILogger=Interface)))
    assert logger.errors() == "nothing"
    logger.log(Interface.ERROR, "Xid 79: fallen off the bus\n")
    logger.log(Interface.WARNING, "slow")
    logger.log(Interface.INTERNAL_ERROR, "no context")
    logger.log(Interface.INTERNAL_ERROR, "no context")
    assert logger.errors() == "Xid 79: fallen off the bus; no context"


def test_a_logger_keeps_no_more_than_the_newest_errors():
    logger = make_logger(Flavor("tensorrt", "10.16", SimpleNamespace(ILogger=Interface)))
    for number in range(100):
        logger.log(Interface.ERROR, f"error {number}")
    assert logger.errors().split("; ") == [f"error {number}" for number in range(100 - MOST_ERRORS, 100)]
