"""What stands in for systemd at the other end of the notify socket."""

from __future__ import annotations

import socket
from pathlib import Path


class Listener:
    """A real socket, and what was said to it.

    Args:
        address: where; a name that begins with ``@`` is an abstract one.
    """

    def __init__(self, address: str | Path) -> None:
        self.name = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(f"\0{self.name[1:]}" if self.name.startswith("@") else self.name)
        self._heard: list[dict[str, str]] = []

    def close(self) -> None:
        self._socket.close()

    def heard(self) -> list[dict[str, str]]:
        """All messages since the start, each with its names and values."""
        while (message := self._next()) is not None:
            lines = message.decode().split("\n")
            self._heard.append(dict(line.split("=", 1) for line in lines))
        return self._heard

    def new(self) -> list[dict[str, str]]:
        """The messages that were not heard before."""
        before = len(self._heard)
        return self.heard()[before:]

    def said(self, name: str) -> list[str]:
        """All values that one name had."""
        return [message[name] for message in self.heard() if name in message]

    def _next(self) -> bytes | None:
        try:
            return self._socket.recv(1 << 16)
        except BlockingIOError:
            return None
