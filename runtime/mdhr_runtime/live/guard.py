"""The decision which requests the live page answers.

The page shows faces, so it answers its own viewers and no other website. A website that the viewer visits could
otherwise reach it through the viewer's browser: by a request of its own to this address, by showing the page in a
frame, or by pointing its own domain name here (DNS rebinding), for which the browser then sees one and the same origin.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping
from email.message import Message
from urllib.parse import urlsplit


class Guard:
    """Decides which requests are answered.

    Args:
        loopback: Whether only this machine can reach the server.
        names: Names under which it may be asked for, in lower case.
    """

    def __init__(self, loopback: bool, names: Collection[str]) -> None:
        self._loopback = loopback
        self._names = {"localhost", *names}

    def refusal(self, headers: Mapping[str, str] | Message, path: str) -> str | None:
        """Say why a request is refused.

        Args:
            headers: Its headers, looked up without regard to case.
            path: Its path.

        Returns:
            The reason in a sentence for the viewer, or None if the request is welcome.
        """
        host = headers.get("Host", "")
        if not self._knows(host):
            return (
                "This page is not served under that name. Open it by its IP address, "
                "or start mdhr-run with --serve NAME:PORT to serve it under a name."
            )
        origin = headers.get("Origin")
        if origin is not None and not _same_origin(origin, host):
            return "Requests from other websites are refused."
        # Browsers send this with images and scripts too, for which there is no Origin. To follow a link is harmless.
        embedded = path != "/" or headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        if embedded and headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            return "Other websites must not embed this page."
        return None

    def _knows(self, host: str) -> bool:
        name = _hostname(host)
        if name is None:
            return False
        address = ip_of(name)
        if address is None:
            return name in self._names
        # An address in numbers cannot be rebound: the browser's origin is then this very server.
        return address.is_loopback or not self._loopback


def _hostname(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        clean = parts.netloc == host and "@" not in host and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.hostname if clean else None


def _same_origin(origin: str, host: str) -> bool:
    return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a host as an IP address; None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def names_of_this_machine() -> set[str]:
    """Names under which a browser in the same network may know this machine, in lower case."""
    name = socket.gethostname().lower()
    return {name, f"{name.partition('.')[0]}.local"}
