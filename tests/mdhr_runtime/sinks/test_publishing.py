import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks.publishing import Outbox, PublishAddress


def test_a_url_is_taken_apart():
    address = PublishAddress.parse("mqtt://me:p%40ss@[::1]:1884/lab/faces%2F1", "form")
    assert (address.scheme, address.host, address.port, address.path) == ("mqtt", "::1", 1884, "lab/faces/1")
    assert (address.user, address.password) == ("me", "p@ss")


def test_the_password_is_in_no_text():
    address = PublishAddress.parse("mqtt://me:secret@host/topic", "form")
    assert str(address) == "mqtt://host/topic"
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://",
        "mqtt:///topic",
        "mqtt://u:secret@host:x/t",
        "mqtt://u:secret@[bad/t",
        "ws://u:secret@host:1/?q",
        "ws://u:secret/x@h",
    ],
)
def test_nonsense_is_refused_without_repeating_it(url):
    with pytest.raises(OutputError, match="not understood") as error:
        PublishAddress.parse(url, "form")
    assert "secret" not in str(error.value)


def test_the_oldest_goes_when_it_is_full():
    outbox = Outbox(3)
    for number in range(5):
        outbox.put(str(number))
    assert (len(outbox), outbox.dropped) == (3, 2)
    assert [outbox.take() for _ in range(4)] == ["2", "3", "4", None]
