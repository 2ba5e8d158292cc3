import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks.address import Address


def test_a_url_is_taken_apart():
    address = Address.parse("mqtt://me:p%40ss@[::1]:1884/lab/faces%2F1", "form")
    assert (address.scheme, address.host, address.port, address.path) == ("mqtt", "::1", 1884, "lab/faces/1")
    assert (address.user, address.password) == ("me", "p@ss")


def test_the_password_is_in_no_text():
    address = Address.parse("mqtt://me:secret@host/topic", "form")
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
        Address.parse(url, "form")
    assert "secret" not in str(error.value)
