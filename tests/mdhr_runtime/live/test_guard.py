import pytest

from mdhr_runtime.live.guard import Guard

LOCAL = Guard(loopback=True, names=["127.0.0.1"])
OPEN = Guard(loopback=False, names=["0.0.0.0", "box7", "box7.local"])


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:9000", "[::1]:8080"])
def test_names_of_the_loopback_interface_are_welcome(host):
    # With another port too: somebody may forward one.
    assert LOCAL.refusal({"Host": host}, "/") is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example", "192.168.1.5", "user@localhost", "localhost:x", "[::1", "a/b"],
)
def test_other_names_are_refused(host):
    assert "not served under that name" in LOCAL.refusal({"Host": host}, "/")


@pytest.mark.parametrize("host", ["192.168.1.5:8080", "box7:8080", "box7.local", "localhost:8080", "[fe80::1]:8080"])
def test_an_open_server_knows_its_names_and_numbers(host):
    assert OPEN.refusal({"Host": host}, "/") is None


def test_an_open_server_is_safe_from_rebinding():
    assert "not served under that name" in OPEN.refusal({"Host": "box7.evil.example"}, "/")


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://localhost:8080"])
def test_its_own_origin_is_welcome(origin):
    assert LOCAL.refusal({"Host": "localhost:8080", "Origin": origin}, "/events") is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://localhost:9999", "file://"])
def test_other_origins_are_refused(origin):
    assert "other websites" in LOCAL.refusal({"Host": "localhost:8080", "Origin": origin}, "/")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_websites_cannot_embed_it_but_link_to_it(site):
    headers = {"Host": "localhost:8080", "Sec-Fetch-Site": site}
    assert "embed" in LOCAL.refusal({**headers, "Sec-Fetch-Mode": "no-cors"}, "/pictures/0.jpg")
    assert "embed" in LOCAL.refusal({**headers, "Sec-Fetch-Mode": "navigate"}, "/pictures/0.jpg")
    assert "embed" in LOCAL.refusal({**headers, "Sec-Fetch-Mode": "cors"}, "/")
    assert LOCAL.refusal({**headers, "Sec-Fetch-Mode": "navigate"}, "/") is None
