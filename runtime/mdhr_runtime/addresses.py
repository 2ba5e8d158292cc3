"""Addresses that users give: of cameras, brokers, and where to listen.

Those in the network hold passwords and tokens, so nothing prints, logs or writes the text that was given: only the text
form of an `Address`.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
LOGIN = re.compile(r"^[^/@]*:.*@", re.DOTALL)
"""The start of `user:password@host`, to which no scheme was written."""
ONE_SLASH = re.compile(r"^([a-z][a-z0-9+.-]+:)/(?!/)", re.IGNORECASE)
"""The start of a URL that was mistyped, or taken for a path."""
PARAMETERS = frozenset(":=&;@?#\\")
"""What begins the parameters of a path, or an address inside it: many cameras take user and password there."""
STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hdfs"))
"""Schemes of stores, where a path is the name of a file: `s3://bucket/date=2026-11-28/x.mp4`."""
WEBCAM = re.compile(r"(?:(/dev/video)|camera:)?([0-9]{1,3})")
FILE_URL = re.compile(r"file://(?:localhost(?=/))?(.*)", re.IGNORECASE | re.DOTALL)
SECRETIVE = re.compile(r"[a-z][a-z0-9+.-]*:/+\S*[@?#;=]\S*", re.IGNORECASE)
"""A URL with secrets in a text, also one that was taken for a path."""
CUT_LOGIN = re.compile(r"://[^/?#]*:[^/?#]*[/?#].*@", re.DOTALL)
"""A password with a "/", "?" or "#" as it is: whoever reads URLs takes its end for host and path."""


@dataclass(frozen=True, repr=False)
class Address:
    """A URL with a host. Its text has neither user, password, query nor fragment, and of the path no parameters.

    Attributes:
        scheme: Such as "rtsp", in lower case.
        host: Name or number of the host, in lower case, an IPv6 number without brackets.
        port: Its port, or None where the URL names none.
        path: What follows host and port, without the slash in front. `%40` and the like are decoded.
        parameters: Query and fragment with their signs, also if nothing follows these.
        user: Name to log in with, decoded, or None.
        password: The password, decoded, or None.
        secret_url: The URL as it was given: for those who connect, never to be shown.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    parameters: str
    user: str | None
    password: str | None
    secret_url: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take a URL apart.

        Raises:
            ValueError: It is no URL with a host. The text says why, and repeats nothing of it.
        """
        host = None
        with suppress(ValueError):  # it may quote a part of the password: ours must not have it as its context
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        if not host or " " in host:
            raise ValueError("It names no host, or its host or port is not valid.")
        if not url.isprintable():
            raise ValueError("It holds characters that cannot be shown.")
        user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
        path, parameters = unquote(parts.path.removeprefix("/")), "".join(re.findall("[?#].*", url))
        return cls(parts.scheme, host, port, path, parameters, user, password, url)

    @property
    def place(self) -> str:
        """Host, port and path, as far as they can be shown."""
        if CUT_LOGIN.search(self.secret_url):
            return "…"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        end = frozenset() if self.scheme in STORES else PARAMETERS
        path = "".join(takewhile(lambda letter: letter.isprintable() and letter not in end, self.path))
        return f"{host}{port}/{path}".rstrip("/")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def is_address(text: str) -> bool:
    """Whether a source or target is meant to be a URL, and not a path."""
    return "://" in text


def locate(source: str | Path | int) -> int | str | Path:
    """Say what is meant by a source: the number of a webcam, the URL of a stream, or else the path of a file.

    Args:
        source: What the user gave. A file or folder that exists comes before whatever its name could mean. Otherwise
            `0` and `camera:0` are webcams, and so is the device `/dev/video0`; `file://…` is a path.
    """
    if not isinstance(source, str):
        return source
    webcam, url = WEBCAM.fullmatch(source), FILE_URL.fullmatch(source)
    if webcam and (webcam[1] or not os.path.lexists(source)):
        return int(webcam[2])
    if os.path.lexists(source) or not is_address(source):
        return Path(source)
    return source if url is None else Path(os.fsdecode(unquote_to_bytes(os.fsencode(url[1]))))


def redacted(text: str) -> str:
    """A source or target as it may be shown: of a URL the text form of its `Address`, a path as it is.

    Args:
        text: What the user gave, whether it is valid or not.
    """
    text = ONE_SLASH.sub(r"\1//", text)
    if not is_address(text):
        return LOGIN.sub("…@", text, count=1)
    try:
        return str(Address.parse(text))
    except ValueError:
        scheme = text.partition("://")[0].lower()
        return f"{scheme if SCHEME.fullmatch(scheme) else '…'}://…"


def without_secrets(text: str) -> str:
    """A text of ours, or of a library, in which what may be the URL of a user is `redacted`.

    Who shows an address shows its text form in the first place. This is for what was given as another thing, and for
    what others say.
    """
    return SECRETIVE.sub(lambda found: redacted(found[0]), text)
