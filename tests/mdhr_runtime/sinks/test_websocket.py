import json
import socket
import threading
import time
from contextlib import ExitStack

import pytest
from rows import CONTEXT, event, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks import websocket

client = pytest.importorskip("websockets.sync.client", reason="needs the extra 'ws'")
from websockets.exceptions import InvalidStatus  # noqa: E402


def publisher(path="rows", queued=2_000, login=""):
    return websocket.WebSocketPublisher(f"ws://{login}127.0.0.1:0/{path}", CONTEXT, queued)


def served(output):
    return int(output.summary.partition(" subscribers")[0].rpartition(" ")[2])


def connect(output, path="rows", **options):
    before = served(output)
    connection = client.connect(f"ws://127.0.0.1:{output.port}/{path}", proxy=None, **options)
    end = time.monotonic() + 30
    while served(output) == before:
        assert time.monotonic() < end
        time.sleep(0.005)
    return connection


def frames(connection):
    return [json.loads(message)["frame"] for message in connection]


@pytest.mark.slow
def test_every_subscriber_gets_every_row_in_order():
    with publisher() as output, connect(output) as one, connect(output) as two:
        for number in range(1, 301):
            output.write(result(row(number)))
        output.close()
        assert frames(one) == frames(two) == list(range(1, 301))
    assert output.dropped == 0
    assert output.summary == "600 messages to 2 subscribers: ws://127.0.0.1:0/rows"


@pytest.mark.parametrize(("path", "events"), [("rows", "rows/events"), ("", "events")])
def test_events_have_a_path_of_their_own(path, events):
    with publisher(path) as output, connect(output, path) as rows, connect(output, events) as others:
        output.write(result(row(1)))
        output.write_event(event())
        output.write(result(row(2)))
        output.close()
        assert frames(rows) == [1, 2]
        (only,) = map(json.loads, others)
    assert (only["au"], only["face_id"], only["duration"]) == ("AU12", 0, 0.6)
    assert output.summary.startswith("3 messages to 2 subscribers: ")


def test_who_comes_later_gets_the_rows_from_then_on():
    with publisher() as output:
        output.write(result(row(1)))
        with connect(output) as late:
            output.write(result(row(2)))
            output.close()
            assert frames(late) == [2]
        output.write(result(row(3)))


def test_who_leaves_is_forgotten():
    with publisher() as output, connect(output) as stays:
        with connect(output):
            output.write(result(row(1)))
        gone = connect(output)
        gone.socket.close()  # without a word
        for number in range(2, 50):
            output.write(result(row(number)))
            assert json.loads(stays.recv())["frame"] == number - 1
        assert json.loads(stays.recv())["frame"] == 49
        assert len(output._subscribers) == 1


@pytest.mark.slow
def test_who_does_not_read_loses_rows_and_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(websocket, "GRACE", 0.2)
    with publisher(queued=100) as output, ExitStack() as stack:
        reads = stack.enter_context(connect(output))
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", output.port))
        stack.callback(sock.close)
        connect(output, sock=sock, max_queue=1)
        got = []
        for number in range(1, 20_001):
            output.write(result(row(number)))
            if number % 50 == 0:  # never more than its queue holds
                got += [json.loads(reads.recv(timeout=30))["frame"] for _ in range(50)]
        assert got == list(range(1, 20_001))
        assert output.dropped > 0
        work = threading.Thread(target=output.close, daemon=True)
        work.start()
        work.join(60)
        assert not work.is_alive()
    assert "dropped for slow ones" in output.summary


def test_web_pages_other_paths_and_strangers_are_refused():
    with publisher(login="me:p%40ss@") as output:
        url = f"127.0.0.1:{output.port}"
        for address, options, status in (
            (f"ws://me:p%40ss@{url}/rows", {"origin": "http://evil.example"}, 403),
            (f"ws://me:p%40ss@{url}/other", {}, 404),
            (f"ws://me:p%40ss@{url}/events", {}, 404),
            (f"ws://{url}/rows/events", {}, 401),
            (f"ws://{url}/rows", {}, 401),
            (f"ws://me:wrong@{url}/rows", {}, 401),
        ):
            with pytest.raises(InvalidStatus) as refused, client.connect(address, proxy=None, **options):
                pass
            assert refused.value.response.status_code == status
        with client.connect(f"ws://me:p%40ss@{url}/rows", proxy=None):
            pass
    assert "p@ss" not in output.summary


def test_an_address_that_is_taken_or_not_ours():
    with publisher() as output, pytest.raises(OutputError, match="cannot be listened on"):
        websocket.WebSocketPublisher(f"ws://127.0.0.1:{output.port}/rows", CONTEXT)
    with pytest.raises(OutputError, match="cannot be listened on"):
        websocket.WebSocketPublisher("ws://192.0.2.1:8765/rows", CONTEXT)
    with pytest.raises(OutputError, match="not understood") as error:
        websocket.WebSocketPublisher("ws://127.0.0.1/rows", CONTEXT)
    assert "no port" in error.value.why


def test_threads_end_with_it_and_closing_twice_is_harmless():
    before = set(threading.enumerate())
    with publisher() as output:
        (started,) = set(threading.enumerate()) - before
        output.close()
    assert not started.is_alive()


def test_a_stranger_that_speaks_no_websocket_prints_nothing(capfd):
    with publisher() as output, socket.create_connection(("127.0.0.1", output.port)) as stranger:
        stranger.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        stranger.recv(1000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("host", "exposed"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_who_listens_for_everybody_is_warned(host, exposed):
    with websocket.WebSocketPublisher(f"ws://{host}:0", CONTEXT) as output:
        assert output.warnings == ("whoever reaches this port can read the rows, which are not encrypted",) * exposed
    with websocket.WebSocketPublisher(f"ws://me:secret@{host}:0", CONTEXT) as output:
        warned = "whoever reaches this port and knows the password can read the rows, which are not encrypted"
        assert output.warnings == (warned,) * exposed


def test_what_can_be_no_host_is_told():
    with pytest.raises(OutputError, match="cannot be listened on"):
        websocket.WebSocketPublisher("ws://a..b:1", CONTEXT)
