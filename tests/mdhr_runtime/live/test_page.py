"""The sink as the analysis sees it, and where it listens."""

import socket
import threading

import pytest

from mdhr_runtime.errors import OutputError
from mdhr_runtime.live import page_state
from mdhr_runtime.live.page import ListenAddress, LivePage
from mdhr_runtime.sinks import SinkContext


def port(page):
    return int(page.url.rstrip("/").rpartition(":")[2])


def open_and_never_read(page, path):
    """Ask for something with as little room as possible for the answer."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.connect(("127.0.0.1", port(page)))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("live-page")]


def test_only_this_machine_is_served_unless_asked(serve):
    page = serve("0")
    assert page.url.startswith("http://127.0.0.1:")
    assert not page.exposed
    assert page.notices == (f"live page: {page.url}",)
    assert not page.warnings
    # Every address 127.x.y.z is this machine too, but not the one that is listened on.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port(page)), timeout=20)


def test_others_are_served_when_asked(serve, ask):
    page = serve("0.0.0.0:0")
    assert page.exposed
    assert page.warnings == ("whoever reaches this port can watch; there is no password",)
    assert socket.gethostname() in page.url
    with socket.create_connection(("127.0.0.2", port(page)), timeout=20) as connection:
        connection.sendall(b"GET /page.css HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n")
        assert b" 200 " in connection.recv(100)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6(serve, ask):
    try:
        page = serve("[::1]:0")
    except OutputError as error:
        pytest.skip(error.why)
    assert not page.exposed
    assert ask(page).status == 200


def refused(text):
    with pytest.raises(OutputError, match="cannot be served") as error:
        LivePage(f"live://{text}", SinkContext(()))
    assert error.value.why
    assert error.value.fix
    return error.value


def test_a_port_in_use_is_told(serve):
    taken = port(serve())
    assert f"already uses port {taken}" in refused(str(taken)).why
    assert len(own_threads()) == 1


def test_an_address_of_another_machine_is_told():
    assert "not an address of this machine" in refused("192.0.2.1:8080").why


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64])
def test_an_unknown_host_is_told(host):
    assert "no such host" in refused(f"{host}:8080").why.lower()


def test_a_forbidden_port_is_told(monkeypatch):
    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mdhr_runtime.live.server.TCPServer.server_bind", forbid)
    assert "may not use port 80" in refused("80").why


def test_viewers_who_never_read_hold_nothing_up(serve, make_result, ask, monkeypatch):
    monkeypatch.setattr(page_state, "MOST_ROWS", 2000)
    page = serve()
    page.write(make_result(1))
    stuck = [open_and_never_read(page, path) for path in ("/events", "/events", "/pictures/0.jpg")]
    try:
        for frame in range(2, 2000):
            page.write(make_result(frame, faces=20, size=(90, 160)))
        entries, _ = page._state.since(0)
        assert sum(len(entry.rows) for entry in entries) <= 2000
        assert ask(page, "/pictures/0.jpg").headers["X-Result"].startswith("[1999,")
        page.close()
    finally:
        for connection in stuck:
            connection.close()
    assert not own_threads()


def test_viewers_who_vanish_leave_nothing(serve, make_result, capfd):
    page = serve()
    page.write(make_result(1))
    for path in ("/events", "/pictures/0.jpg", "/"):
        open_and_never_read(page, path).close()
    page.write(make_result(2))
    page.close()
    assert not own_threads()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("frames", [1, 100])
def test_viewers_get_all_results_of_a_run_before_it_closes(serve, make_result, view, farewell, frames):
    farewell(60)
    page = serve()
    viewers = [view(page), view(page)]
    for frame in range(1, frames + 1):
        page.write(make_result(frame, size=(90, 160)))
    page.close()
    for viewer in viewers:
        assert viewer.seen() == ([(frame, True) for frame in range(1, frames + 1)], frames)
    assert not own_threads()


def test_the_last_provisional_scores_become_final(serve, make_result, view, farewell):
    farewell(60)
    page = serve()
    viewer = view(page)
    for final in (False, True):
        page.write(make_result(1, final=final))
    page.close()
    viewer.seen()
    assert viewer.frames[-1] == (1, True)
    assert viewer.picture.startswith("[1,0.04,1,")


def test_a_run_that_is_stopped_shows_what_it_had(serve, make_result, view, farewell):
    farewell(60)
    page = serve()
    viewer = view(page)
    for frame in range(1, 31):
        page.write(make_result(frame, size=(90, 160)))
    with pytest.raises(KeyboardInterrupt), page:
        raise KeyboardInterrupt
    assert viewer.seen() == ([(frame, True) for frame in range(1, 31)], 30)


def test_the_first_viewer_may_come_when_a_short_run_is_over(serve, make_result, view, ask, farewell):
    farewell(60)
    page = serve()
    page.write(make_result(1))
    closing = threading.Thread(target=page.close)
    closing.start()
    page._server.stopping.wait()
    assert ask(page, "/").status == 200
    assert view(page).seen() == ([(1, True)], 1)
    closing.join()
    assert not own_threads()


def test_whoever_opens_the_page_while_others_take_their_last_results_gets_them_too(
    serve, make_result, view, ask, farewell
):
    farewell(60)
    page = serve()
    early = open_and_never_read(page, "/events")
    page.write(make_result(1))
    closing = threading.Thread(target=page.close)
    closing.start()
    page._server.stopping.wait()
    assert view(page).seen() == ([(1, True)], 1)
    assert closing.is_alive()  # for the sake of the other one
    early.close()
    closing.join()


def test_closing_says_goodbye_ends_all_threads_and_frees_the_port(serve, make_result):
    page = serve()
    page.write(make_result(1))
    idle = socket.create_connection(("127.0.0.1", port(page)), timeout=20)
    with socket.create_connection(("127.0.0.1", port(page)), timeout=20) as viewer:
        viewer.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = viewer.recv(100)
        page.close()
        page.close()
        while chunk := viewer.recv(10_000):
            heard += chunk
    idle.close()
    assert heard.endswith(b"event: bye\ndata: {}\n\n")
    assert not own_threads()
    serve(str(port(page)))


def test_the_summary_counts_frames_once(serve, make_result):
    page = serve()
    for final in (False, True):
        page.write(make_result(1, final=final))
    assert page.summary == f"1 frames: {page.url}"


def test_a_failed_run_closes_the_page(serve):
    with pytest.raises(RuntimeError), serve():
        raise RuntimeError
    assert not own_threads()


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
    assert ListenAddress.parse(text) == ListenAddress(host, port)


@pytest.mark.parametrize(
    "text", ["", "page", "70000", "-1", ":8080", "host:", "::1:8080", "http://host:8080", "a b:1", "80\n", "٣"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(OutputError, match="cannot be served") as error:
        ListenAddress.parse(text)
    assert "8080" in error.value.fix


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:8080"])
def test_is_written_as_in_a_url(text):
    assert str(ListenAddress.parse(text)) == text
