"""The live page as an output of the analysis."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from ..errors import OutputError
from ..results import FrameResult
from ..sinks.base import SourceInfo
from .address import Address, ip_of, names_of_this_machine
from .board import Board
from .events import Feed, StatsSource
from .guard import Guard
from .pictures import Pictures
from .server import Server, Site


class LivePage:
    """Serves the page from construction to `close`. Nobody who looks at it can slow the analysis.

    Args:
        address: Where to serve it.
        aus: Names of the AUs in the order of the scores.
        sources: The sources, in the order in which they are shown.
        stats: Says what the analysis knows of its sources, by name. Called from other threads, about once a second for
            every viewer; it must not block. None leaves these figures empty.

    Attributes:
        url: Where to open it.
        exposed: Whether other machines can reach it.

    Raises:
        OutputError: It cannot be served there.
    """

    def __init__(
        self,
        address: Address,
        aus: Sequence[str],
        sources: Sequence[SourceInfo],
        stats: StatsSource | None = None,
    ) -> None:
        self._server = _listen(address)
        host, port = self._server.server_address[:2]
        bound = ipaddress.ip_address(str(host).partition("%")[0])
        names = {address.host.lower()} | (set() if bound.is_loopback else names_of_this_machine())
        self.exposed = not bound.is_loopback
        self.url = f"http://{Address(socket.gethostname() if bound.is_unspecified else address.host, port)}/"
        self._board = Board(sources)
        self._server.start(
            Site(
                Guard(bound.is_loopback, names),
                Feed(self._board, aus, stats),
                Pictures(self._board, aus),
                len(self._board.sources),
            )
        )
        self._frames = 0
        self._closed = False

    @property
    def summary(self) -> str:
        """What was shown, in words."""
        return f"{self._frames} frames: {self.url}"

    def __enter__(self) -> LivePage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def write(self, result: FrameResult) -> None:
        """Show the next result. Never waits for a viewer."""
        self._board.post(result)
        self._frames += result.final

    def close(self) -> None:
        """Tell the viewers that the run is over, and stop serving."""
        if not self._closed:
            self._closed = True
            self._server.stop()


def _listen(address: Address) -> Server:
    try:
        family, _, _, _, target = _resolve(address)
        return Server(target, family)
    except (OSError, UnicodeError) as error:  # the latter for what can be no host's name
        raise _cannot_serve(address, error) from error


def _resolve(address: Address) -> tuple[Any, ...]:
    kind = socket.SOCK_STREAM
    numeric = socket.AI_NUMERICHOST if ip_of(address.host) is not None else 0
    return socket.getaddrinfo(address.host, address.port, type=kind, flags=socket.AI_PASSIVE | numeric)[0]


def _cannot_serve(address: Address, error: OSError | UnicodeError) -> OutputError:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        why, fix = "There is no such host.", "Give an address of this machine, or 0.0.0.0 for all of them."
    elif error.errno == errno.EADDRINUSE:
        why = f"Another program already uses port {address.port}, perhaps another mdhr-run."
        fix = "Stop it, or choose another port with --serve."
    elif error.errno in (errno.EACCES, errno.EPERM):
        why, fix = f"You may not use port {address.port}.", "Choose a port from 1024 on with --serve."
    elif error.errno == errno.EADDRNOTAVAIL:
        why = f"{address.host} is not an address of this machine."
        fix = "Give one that is, or 0.0.0.0 for all of them, or leave the host out to serve this machine only."
    else:
        why, fix = error.strerror or os.strerror(error.errno or 0), "Choose another host or port with --serve."
    return OutputError(f"The live page cannot be served at {address}.", why, fix)
