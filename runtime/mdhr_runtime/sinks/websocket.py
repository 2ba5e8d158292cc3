"""Rows to any number of WebSocket clients, one JSON text message per row.

The address is where this program LISTENS: subscribers connect to it at any time, and no other program has to run.
`ws://127.0.0.1:8765` can be reached from this machine only, `ws://0.0.0.0:8765` from everywhere.

A subscriber gets the rows from its arrival on. Connections that a web page opens are refused: any page in a browser on
this machine could otherwise read along.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import OutputError
from ..results import FrameResult
from .base import Sink, SinkContext
from .extras import extra
from .publishing import QUEUED, Outbox, not_understood, parse_target
from .record import as_json

FORM = "ws://[user:password@]host:port[/path], with the address to listen on."
GRACE = 2.0
"""Seconds at the end in which rows that wait may still go out."""


class WebSocketPublisher(Sink):
    """Sends rows.

    Every subscriber has a bounded queue: when it is too slow, its oldest rows go, and are counted. Neither `write` nor
    the other subscribers wait for it.

    Args:
        target: Where to listen, see `FORM`. With user and password, subscribers must give them (HTTP basic
            authentication).
        context: The run.
        queued: Most rows that wait, per subscriber.

    Attributes:
        port: The port that is listened on, also where the URL says 0.

    Raises:
        OutputError: The URL is not understood, the extra `ws` is not installed, or the address cannot be listened on.
    """

    def __init__(self, target: str, context: SinkContext, queued: int = QUEUED) -> None:
        self._address = parse_target(target, FORM)
        if self._address.port is None:
            raise not_understood("It names no port.", FORM)
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
        """Rows that did not reach a subscriber because it was too slow, over all subscribers."""
        return self._dropped + sum(subscriber.outbox.dropped for subscriber in self._subscribers)

    @property
    def summary(self) -> str:
        """See `Sink`."""
        lost = f", {self.dropped} dropped for slow ones" if self.dropped else ""
        return f"{self._delivered} rows to {self._served} subscribers: {self._address}{lost}"

    def write(self, result: FrameResult) -> None:
        """Send the rows of a frame to the present subscribers. Never waits and never fails."""
        subscribers = self._subscribers
        if not subscribers or self._ending.is_set():
            return
        for row in result.rows:
            message = as_json(row, self._context)
            for subscriber in subscribers:
                subscriber.outbox.put(message)
        self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """Send what waits, within `GRACE` seconds, and end. Safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end)
            self._thread.join()

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
        if unquote(urlsplit(request.path).path) != f"/{self._address.path}":
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if self._address.user is None:
            return None
        credentials = (self._address.user, self._address.password or "")
        return await self._library.basic_auth("rows", credentials)(connection, request)

    async def _serve(self, connection: Any) -> None:
        """Serve one subscriber until it leaves or the run ends."""
        subscriber = _Subscriber(connection, self._queued)
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


class _Subscriber:
    """A connection that gets rows, and those that wait for it."""

    def __init__(self, connection: Any, queued: int) -> None:
        self.connection = connection
        self.outbox = Outbox(queued)
        self.news = asyncio.Event()

    async def something(self, ending: asyncio.Event) -> bool:
        """Wait until there may be a message; False when there will be none any more."""
        if ending.is_set() and not self.outbox:
            return False
        if not self.outbox:
            await self.news.wait()
        self.news.clear()
        return True
