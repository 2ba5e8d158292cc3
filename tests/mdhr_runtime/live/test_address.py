import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.live.address import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        ("0", "127.0.0.1", 0),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("box-7.local:8080", "box-7.local", 8080),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_host_and_port(text, host, port):
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", "page", "70000", "-1", ":8080", "host:", "::1:8080", "http://host:8080", "a b:1", "80\n", "٣"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(OutputError, match="cannot be served") as error:
        Address.parse(text)
    assert "8080" in error.value.fix


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:8080"])
def test_is_written_as_in_a_url(text):
    assert str(Address.parse(text)) == text
