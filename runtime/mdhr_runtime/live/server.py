"""Connections and answers of the live page.

The standard library's server with a thread per connection is enough for the handful of viewers of one box, and
keeps a web framework off it. Whatever a stranger could exhaust is bounded: the number of connections, and how long one
may stall.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from socketserver import TCPServer
from threading import Condition, Event, Lock, Thread, current_thread
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .events import EventStream, as_json, compact
from .guard import Guard
from .pictures import Pictures

MOST_CONNECTIONS = 64
"""Connections at a time. A browser opens up to six per page."""

STALL = 10.0
"""Seconds after which a viewer that neither reads nor asks is dropped."""

FAREWELL = 2.0
"""Seconds that viewers have at the end, at most, to take the last results and pictures."""

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "/results.js": ("results.js", "text/javascript; charset=utf-8"),
    "/video.js": ("video.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""All files that can be fetched. They are read once at the start: no request ever leads to the file system."""

PICTURE = re.compile(r"/pictures/([0-9]{1,4})\.jpg")

PROTECTION = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",  # a browser must not keep faces
}


class Server(ThreadingHTTPServer):
    """Listens, and ends all of its threads in `stop`.

    Args:
        address: What to bind to, as `socket.bind` takes it.
        family: Its address family.
    """

    daemon_threads = True  # if the program dies without closing, they do not keep it alive
    block_on_close = False  # `stop` waits for them

    def __init__(self, address: tuple[Any, ...], family: socket.AddressFamily) -> None:
        self.address_family = family
        self.stopping = Event()
        self.files = _files()
        self.guard: Guard  # these three are set by `start`: what is refused depends on where this listens
        self.events: EventStream
        self.pictures: Pictures
        self._lock = Lock()
        self._open: dict[Thread, socket.socket] = {}
        self._viewing = Condition()  # guards the next two
        self._viewers = 0
        self._watched = False  # by anybody yet: a short run may be over before anybody could come
        self._listener = Thread(target=self.serve_forever, args=(0.1,), name="live-page", daemon=True)
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which `HTTPServer` does and which can take seconds."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def start(self, guard: Guard, events: EventStream, pictures: Pictures) -> None:
        """Begin to answer.

        Args:
            guard: Decides which requests are answered.
            events: Makes the stream of results and figures for each viewer.
            pictures: Makes the pictures.
        """
        self.guard, self.events, self.pictures = guard, events, pictures
        self._listener.start()

    def stop(self) -> None:
        """Let the viewers take all that they lack, within `FAREWELL` seconds; close all connections, join the threads.

        Viewers may still come meanwhile. If none has come yet, one is waited for.
        """
        end = monotonic() + FAREWELL
        self.stopping.set()
        with self._viewing:
            self._viewing.wait_for(lambda: self._watched and not self._viewers, FAREWELL)
        self.shutdown()
        self._listener.join()
        self.server_close()
        self._hang_up(socket.SHUT_RD)  # wakes threads that wait for a request
        for thread in self._threads_now():
            thread.join(max(end - monotonic(), 0))
        self._hang_up(socket.SHUT_RDWR)  # wakes threads that wait for a viewer to read
        for thread in self._threads_now():
            thread.join()

    @contextmanager
    def viewer(self) -> Iterator[None]:
        """Note that somebody takes the events, for as long as the context lasts."""
        with self._viewing:
            self._viewers += 1
            self._watched = True
        try:
            yield
        finally:
            with self._viewing:
                self._viewers -= 1
                self._viewing.notify_all()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Say whether there is room for another connection."""
        with self._lock:
            return len(self._open) < MOST_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        thread = Thread(
            target=self.process_request_thread, args=(request, client_address), name="live-page-viewer", daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore viewers that went away; anything else is a bug and shows its traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def _threads_now(self) -> list[Thread]:
        with self._lock:
            return list(self._open)

    def _hang_up(self, how: int) -> None:
        with self._lock:
            for connection in self._open.values():
                with suppress(OSError):
                    connection.shutdown(how)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "mdhr-run"
    sys_version = ""
    timeout = STALL
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request for the page or something on it."""
        try:
            url = urlsplit(self.path)
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST, "That is no address.")
            return
        query = parse_qs(url.query)
        refusal = self.server.guard.refusal(self.headers, url.path)
        if refusal is not None:
            self._refuse(HTTPStatus.FORBIDDEN, refusal)
        elif url.path in self.server.files:
            body, kind = self.server.files[url.path]
            self._answer(HTTPStatus.OK, body, kind)
        elif url.path == "/events":
            self._stream(query.get("after", [""])[0])
        elif (match := PICTURE.fullmatch(url.path)) and int(match[1]) < len(self.server.pictures):
            self._picture(int(match[1]), query.get("after", [""])[0])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _refuse_method(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "This page is only for looking.", {"Allow": "GET"})

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse_method

    def log_message(self, *_: object) -> None:
        """Log nothing: the terminal is for the analysis."""

    def _picture(self, source: int, after: str) -> None:
        picture = self.server.pictures.get(source)
        if picture is None or after == f"{picture.result.frame},{int(picture.result.final)}":
            self._answer(HTTPStatus.NO_CONTENT)
        else:
            self._answer(HTTPStatus.OK, picture.jpeg, "image/jpeg", {"X-Result": as_json(compact(picture.result))})

    def _stream(self, after: str) -> None:
        self.close_connection = True
        self._start(HTTPStatus.OK, {"Content-Type": "text/event-stream", "Connection": "close"})
        with self.server.viewer():
            for event in self.server.events.events(after, self.server.stopping):
                self.wfile.write(event)
            self.connection.recv(1)  # returns when the viewer has the last pictures and hangs up, or in `stop`

    def _refuse(self, status: HTTPStatus, reason: str, headers: Mapping[str, str] | None = None) -> None:
        # Whatever else the request holds is not read: the connection cannot go on.
        self.close_connection = True
        self._answer(
            status, f"{reason}\n".encode(), "text/plain; charset=utf-8", {"Connection": "close", **(headers or {})}
        )

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        length = {} if status is HTTPStatus.NO_CONTENT else {"Content-Length": str(len(body))}
        self._start(status, {**({"Content-Type": kind} if kind else {}), **length, **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**PROTECTION, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _files() -> dict[str, tuple[bytes, str]]:
    folder = resources.files(__package__) / "static"
    return {path: ((folder / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}
