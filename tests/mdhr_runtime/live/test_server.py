"""What a stranger's request gets, on a real connection."""

import json
import socket

import pytest

from mdhr_runtime.live import server


@pytest.fixture
def page(serve, make_result):
    page = serve()
    page.write(make_result(1))
    return page


def port(page):
    return int(page.url.rstrip("/").rpartition(":")[2])


@pytest.mark.parametrize("path", server.FILES)
def test_files(page, ask, path):
    response = ask(page, path)
    assert (response.status, response.headers["Content-Type"]) == (200, server.FILES[path][1])
    assert response.body


def test_pictures(page, ask):
    response = ask(page, "/pictures/0.jpg")
    assert response.status == 200
    assert json.loads(response.headers["X-Result"])[:3] == [1, 0.04, 1]
    assert response.body.startswith(b"\xff\xd8")
    assert ask(page, "/pictures/0.jpg?after=1,0").status == 200  # its final scores took the place of others
    assert ask(page, "/pictures/0.jpg?after=1,1").status == 204
    assert ask(page, "/pictures/1.jpg").status == 404


def test_no_picture_before_the_first_frame(serve, ask):
    assert ask(serve(), "/pictures/0.jpg").status == 204


@pytest.mark.parametrize("path", ["/", "/pictures/0.jpg", "/nothing"])
def test_every_answer_is_protected(page, ask, path):
    headers = ask(page, path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_only_get_is_allowed(page, ask, method):
    response = ask(page, "/", method, {"Content-Length": "5"}, b"hello")
    assert (response.status, response.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/", "/events", "/pictures/0.jpg"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": None},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_foreign_requests_are_refused(page, ask, path, headers):
    response = ask(page, path, headers=headers)
    assert response.status == 403
    assert b"\xff\xd8" not in response.body


@pytest.mark.parametrize(
    "path",
    [
        "/../page.py",
        "/static/index.html",
        "/%2e%2e/server.py",
        "/..%2fserver.py",
        "//etc/passwd",
        "/page.css/../../server.py",
        "/pictures/../server.py",
        "/pictures/0.jpg/..",
        "/pictures/-1.jpg",
        "/pictures/99999999999.jpg",
        "/server.py",
        "page.css",
        "*",
    ],
)
def test_nothing_else_can_be_fetched(page, path):
    with socket.create_connection(("127.0.0.1", port(page)), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(1000).split(b" ")[1] == b"404"


@pytest.mark.parametrize("line", [b"GET http://[ HTTP/1.1", b"GET", b"\0\xff", b"GET / HTTP/9.9"])
def test_nonsense_is_refused_and_leaves_no_traceback(page, ask, line, capfd):
    with socket.create_connection(("127.0.0.1", port(page)), timeout=20) as connection:
        connection.sendall(line + b"\r\nHost: localhost\r\n\r\n")
        connection.recv(1000)
    assert ask(page).status == 200
    assert capfd.readouterr().err == ""


def test_connections_are_bounded(page, ask, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    held = []
    try:
        for _ in range(3):
            held.append(socket.create_connection(("127.0.0.1", port(page)), timeout=20))
            held[-1].sendall(b"GET /page.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert held[-1].recv(100)
        with socket.create_connection(("127.0.0.1", port(page)), timeout=20) as refused:
            assert refused.recv(100) == b""
    finally:
        for connection in held:
            connection.close()
