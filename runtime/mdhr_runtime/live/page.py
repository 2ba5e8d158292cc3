"""The live page as a sink, and where it is served."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from ..addresses import redacted
from ..errors import OutputError
from ..results import FrameResult
from ..sinks.base import Sink, SinkContext
from .events import EventStream
from .guard import Guard, ip_of, names_of_this_machine
from .page_state import PageState
from .pictures import Pictures
from .server import Server

LOOPBACK = "127.0.0.1"
ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class ListenAddress:
    """A host and a port to listen on.

    Attributes:
        host: Name or IP address of one of this machine's interfaces; 0.0.0.0 stands for all of them.
        port: TCP port; 0 takes any that is free.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read `[HOST:]PORT`. Without a host it is the loopback interface, which only this machine reaches.

        Args:
            text: For example "8080", "0.0.0.0:8080" or "[::1]:8080".

        Raises:
            OutputError: It is something else.
        """
        match = ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            raise OutputError(
                f"The live page cannot be served at {redacted(text)}.",
                "That is no address of the form [HOST:]PORT with a port from 0 to 65535.",
                "Give a port such as 8080, or a host and a port such as 0.0.0.0:8080 or [::1]:8080.",
            )
        return cls((match["host"] or LOOPBACK).strip("[]"), int(match["port"]))

    def __str__(self) -> str:
        """The address as it is written in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class LivePage(Sink):
    """Serves the page from construction to `close`. Viewers cannot slow down the analysis.

    Args:
        target: Where to serve it, as `live://[HOST:]PORT`.
        context: The run. Its sources are shown in their order; without its `stats`, some figures stay empty.

    Attributes:
        url: Where to open it.
        exposed: Whether other machines can reach it.

    Raises:
        OutputError: It cannot be served there.
    """

    needs_images = True

    def __init__(self, target: str, context: SinkContext) -> None:
        address = ListenAddress.parse(target.partition("://")[2])
        self._server = _listen(address)
        host, port = self._server.server_address[:2]
        bound = ipaddress.ip_address(str(host).partition("%")[0])
        names = {address.host.lower()} | (set() if bound.is_loopback else names_of_this_machine())
        self.exposed = not bound.is_loopback
        self.url = f"http://{ListenAddress(socket.gethostname() if bound.is_unspecified else address.host, port)}/"
        self.notices = (f"live page: {self.url}",)
        if self.exposed:
            self.warnings = ("whoever reaches this port can watch; there is no password",)
        self._state = PageState(context.sources)
        self._server.start(
            Guard(bound.is_loopback, names), EventStream(self._state, context), Pictures(self._state, context.aus)
        )
        self._frames = 0
        self._closed = False

    @property
    def summary(self) -> str:
        """See `Sink`."""
        return f"{self._frames} frames: {self.url}"

    def write(self, result: FrameResult) -> None:
        """Show the next result. Never waits for a viewer."""
        self._state.post(result)
        self._frames += result.final

    def close(self) -> None:
        """Let the viewers take the last results, within `server.FAREWELL` seconds, and stop serving."""
        if not self._closed:
            self._closed = True
            self._server.stop()


def _listen(address: ListenAddress) -> Server:
    try:
        family, _, _, _, target = _resolve(address)
        return Server(target, family)
    except (OSError, UnicodeError) as error:  # the latter for what can be no host's name
        raise _cannot_serve(address, error) from error


def _resolve(address: ListenAddress) -> tuple[Any, ...]:
    kind = socket.SOCK_STREAM
    numeric = socket.AI_NUMERICHOST if ip_of(address.host) is not None else 0
    return socket.getaddrinfo(address.host, address.port, type=kind, flags=socket.AI_PASSIVE | numeric)[0]


def _cannot_serve(address: ListenAddress, error: OSError | UnicodeError) -> OutputError:
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
