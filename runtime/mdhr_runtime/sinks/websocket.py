"""Rows and events to any number of WebSocket clients, one JSON text message each.

The address is where this program LISTENS: subscribers connect to it at any time, and no other program has to run.
`ws://127.0.0.1:8765` can be reached from this machine only, `ws://0.0.0.0:8765` from everywhere.

A subscriber gets the rows from its arrival on; one that connects to `/events`, after the path of the rows if there is
one, gets the events instead. Connections that a web page opens are refused: any page in a browser on this machine could
otherwise read along.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from ..au_events import AuEvent
from ..errors import OutputError
from ..extras import extra
from ..results import FrameResult
from .base import Sink, SinkContext
from .publishing import EVENTS, QUEUED, Outbox, not_understood, parse_target
from .record import as_json, event_as_json

FORM = "ws://[user:password@]host:port[/path], with the address to listen on."
GRACE = 2.0
"""Seconds at the end in which messages that wait may still go out."""


class WebSocketPublisher(Sink):
    """Sends rows and events.

    Every subscriber has a bounded queue: when it is too slow, its oldest messages go, and are counted. Neither `write`
    nor the other subscribers wait for it.

    Args:
        target: Where to listen, see `FORM`. With user and password, subscribers must give them (HTTP basic
            authentication).
        context: The run.
        queued: Most messages that wait, per subscriber.

    Attributes:
        port: The port that is listened on, also where the URL says 0.

    Raises:
        OutputError: The URL is not understood, the extra `ws` is not installed, or the address cannot be listened on.
    """

    def __init__(self, target: str, context: SinkContext, queued: int = QUEUED) -> None:
        self._address = parse_target(target, FORM)
        if self._address.port is None:
            raise not_understood("It names no port.", FORM)
        self._rows_path = f"/{self._address.path}"
        self._events_path = f"{self._rows_path.rstrip('/')}/{EVENTS}"
        self._context = context
        self._queued = queued
        self._library = extra("ws", "websockets.asyncio.server")
        self._closed_error = extra("ws", "websockets.exceptions").ConnectionClosed
        self._subscribers: tuple[_Subscriber, ...] = ()  # replaced, never changed: two threads use it
        self._served = self._delivered = self._dropped = 0
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        try:
            self._server = self._loop.run_until_complete(self._listen())
        except (OSError, UnicodeError) as error:  # the latter for what can be no host's name
            self._loop.close()
            raise OutputError(
                f"{self._address} cannot be listened on.",
                getattr(error, "strerror", None) or str(error),
                "Choose a free port, and an address of this machine: 127.0.0.1, or 0.0.0.0 for all.",
            ) from error
        self.port: int = self._server.sockets[0].getsockname()[1]
        if not all(ip_address(one.getsockname()[0].partition("%")[0]).is_loopback for one in self._server.sockets):
            who = "whoever reaches this port" + (" and knows the password" if self._address.user is not None else "")
            self.warnings = (f"{who} can read the rows, which are not encrypted",)
        self._thread = Thread(target=self._run, name="websocket", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Messages that did not reach a subscriber because it was too slow, over all subscribers."""
        return self._dropped + sum(subscriber.outbox.dropped for subscriber in self._subscribers)

    @property
    def summary(self) -> str:
        """See `Sink`."""
        lost = f", {self.dropped} dropped for slow ones" if self.dropped else ""
        return f"{self._delivered} messages to {self._served} subscribers: {self._address}{lost}"

    def write(self, result: FrameResult) -> None:
        """Send the rows of a frame to the present subscribers. Never waits and never fails."""
        subscribers = self._of(self._rows_path)
        for row in result.rows if subscribers else ():
            self._send(as_json(row, self._context), subscribers)

    def write_event(self, event: AuEvent) -> None:
        """Send an event, likewise."""
        self._send(event_as_json(event), self._of(self._events_path))

    def close(self) -> None:
        """Send what waits, within `GRACE` seconds, and end. Safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end)
            self._thread.join()

    def _of(self, path: str) -> Sequence[_Subscriber]:
        """The present subscribers of a path."""
        return () if self._ending.is_set() else [one for one in self._subscribers if one.path == path]

    def _send(self, message: str, subscribers: Sequence[_Subscriber]) -> None:
        for subscriber in subscribers:
            subscriber.outbox.put(message)
        if subscribers:
            self._loop.call_soon_threadsafe(self._wake)

    async def _listen(self) -> Any:
        logger = logging.getLogger(__name__)
        logger.addHandler(logging.NullHandler())  # or every port scan would print a traceback
        logger.setLevel(logging.INFO)  # below, the library tells the headers of subscribers, with their passwords
        return await self._library.serve(
            self._serve,
            self._address.host,
            self._address.port,
            origins=[None],
            compression=None,  # costs more memory and time per subscriber than these rows are worth
            process_request=self._admit,
            close_timeout=1,
            max_size=1024,
            logger=logger,
        )

    async def _admit(self, connection: Any, request: Any) -> Any:
        """Refuse requests for another path or without the password."""
        if _path(request) not in (self._rows_path, self._events_path):
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if self._address.user is None:
            return None
        credentials = (self._address.user, self._address.password or "")
        return await self._library.basic_auth("rows", credentials)(connection, request)

    async def _serve(self, connection: Any) -> None:
        """Serve one subscriber until it leaves or the run ends."""
        subscriber = _Subscriber(connection, _path(connection.request), self._queued)
        self._served += 1
        self._subscribers = (*self._subscribers, subscriber)
        try:
            with suppress(self._closed_error):
                while await subscriber.something(self._ending):
                    while (message := subscriber.outbox.take()) is not None:
                        await connection.send(message)
                        self._delivered += 1
        finally:
            self._subscribers = tuple(one for one in self._subscribers if one is not subscriber)
            self._dropped += subscriber.outbox.dropped

    def _run(self) -> None:
        self._loop.run_until_complete(self._until_closed())
        self._loop.close()

    async def _until_closed(self) -> None:
        await self._ending.wait()
        if self._server.handler_tasks:
            await asyncio.wait(self._server.handler_tasks, timeout=GRACE)
        for subscriber in self._subscribers:
            subscriber.connection.transport.abort()  # it has not read until now, so it would not read a farewell either
        self._server.close()
        await self._server.wait_closed()

    def _wake(self) -> None:
        for subscriber in self._subscribers:
            subscriber.news.set()

    def _end(self) -> None:
        self._ending.set()
        self._wake()


def _path(request: Any) -> str:
    return unquote(urlsplit(request.path).path)


class _Subscriber:
    """A connection to a path, and the messages that wait for it."""

    def __init__(self, connection: Any, path: str, queued: int) -> None:
        self.connection, self.path = connection, path
        self.outbox = Outbox[str](queued)
        self.news = asyncio.Event()

    async def something(self, ending: asyncio.Event) -> bool:
        """Wait until there may be a message; False when there will be none any more."""
        if ending.is_set() and not self.outbox:
            return False
        if not self.outbox:
            await self.news.wait()
        self.news.clear()
        return True
