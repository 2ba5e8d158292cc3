import traceback

import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks.publishing import Outbox, parse_target


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://",
        "mqtt:///topic",
        "mqtt://u:secret@host:x/t",
        "mqtt://u:secret@[bad/t",
        "ws://u:secret@host:1/?q",
        "ws://u:secret@host:1/#",
        "ws://u:secret/x@h",
    ],
)
def test_nonsense_is_refused_without_repeating_it(url):
    with pytest.raises(OutputError, match="not understood") as error:
        parse_target(url, "form")
    assert "secret" not in "".join(traceback.format_exception(error.value))


def test_the_oldest_goes_when_it_is_full():
    outbox = Outbox(3)
    for number in range(5):
        outbox.put(str(number))
    assert (len(outbox), outbox.dropped) == (3, 2)
    assert [outbox.take() for _ in range(4)] == ["2", "3", "4", None]
