"""Where the live page is served."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from ..errors import OutputError

LOOPBACK = "127.0.0.1"
ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Address:
    """A host and a port to listen on.

    Attributes:
        host: Name or IP address of one of this machine's interfaces; 0.0.0.0 stands for all of them.
        port: TCP port; 0 takes any that is free.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `[HOST:]PORT`. Without a host it is the loopback interface, which only this machine reaches.

        Args:
            text: For example "8080", "0.0.0.0:8080" or "[::1]:8080".

        Raises:
            OutputError: It is something else.
        """
        match = ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            raise OutputError(
                f"The live page cannot be served at {text}.",
                "That is no address of the form [HOST:]PORT with a port from 0 to 65535.",
                "Give a port such as 8080, or a host and a port such as 0.0.0.0:8080 or [::1]:8080.",
            )
        return cls((match["host"] or LOOPBACK).strip("[]"), int(match["port"]))

    def __str__(self) -> str:
        """The address as it is written in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


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
