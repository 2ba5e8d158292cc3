"""Shared by the sinks that publish rows: the address as a URL, and a queue for receivers that may be slow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import unquote, urlsplit

from ..errors import OutputError

QUEUED = 2_000
"""Most messages that wait: about a minute of one face at 30 frames/s, and one megabyte."""


@dataclass(frozen=True)
class PublishAddress:
    """A URL's parts.

    Attributes:
        scheme: Such as "mqtt".
        host: Name or number of the host.
        port: Its port, or None where the URL names none.
        path: What follows host and port, without the slash in front.
        user: Name to log in with, or None.
        password: The password, or None. No text of this class contains it.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}/{self.path}"

    @classmethod
    def parse(cls, url: str, form: str) -> PublishAddress:
        """Take a URL apart.

        Args:
            url: The URL. `%40` and the like in user, password and path are decoded.
            form: The form of such a URL, for the error.

        Raises:
            OutputError: It is no such URL. The text does not repeat the URL, which may hold a password.
        """
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            # The error may quote a part of the password.
            raise _not_understood("Its host or port is not valid.", form) from error
        if not host:
            raise _not_understood("It names no host.", form)
        if parts.query or parts.fragment:
            raise _not_understood("It has a part after '?' or '#'.", f"{form} Write %3F for '?' and %23 for '#'.")
        user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
        return cls(parts.scheme, host, port, unquote(parts.path.removeprefix("/")), user, password)


def _not_understood(why: str, form: str) -> OutputError:
    return OutputError("The address to publish to is not understood.", why, f"Write it as {form}")


class Outbox:
    """A queue that never makes its writer wait: when it is full, its oldest message is lost. Safe between threads.

    Args:
        size: Most messages that it holds.

    Attributes:
        dropped: Messages that were lost because it was full.
    """

    def __init__(self, size: int = QUEUED) -> None:
        self._messages: deque[str] = deque()
        self._size = size
        self._lock = Lock()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str) -> None:
        """Add a message."""
        with self._lock:
            if len(self._messages) >= self._size:
                self._messages.popleft()
                self.dropped += 1
            self._messages.append(message)

    def take(self) -> str | None:
        """Remove the oldest message and return it, or None if there is none."""
        with self._lock:
            return self._messages.popleft() if self._messages else None
