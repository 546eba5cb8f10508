"""Tells systemd how the service is: the protocol of sd_notify(3), spoken without its library.

A message is one datagram of lines ``NAME=value`` to the socket that ``$NOTIFY_SOCKET`` names.
Without that variable nothing is sent at all. What the socket does not take is said later, or not:
painting never waits for it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from daemon.names import printable

_PAUSE_SECONDS: Final = 1.0
_BEATS: Final = 3  # within the time that the watchdog gives: two of them may get lost
_LONGEST: Final = 900  # characters; systemd takes messages of 4096 bytes
EXTENSION_SECONDS: Final = 120.0
"""How much longer the start may take from each word on that it goes on."""

_EXTENSION_PAUSE_SECONDS: Final = 30.0
_MICRO: Final = 1_000_000
_log: Final = structlog.get_logger()


class Notify:
    """One process's word to systemd.

    Args:
        environ: ``NOTIFY_SOCKET`` names the socket, ``WATCHDOG_USEC`` how long systemd waits for a
            sign of life, ``WATCHDOG_PID`` of which process.
        clock: monotonic seconds, of the kernel's own clock.
        pid: of this process.
    """

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float], pid: int) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        watched = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        limit = _number(environ.get("WATCHDOG_USEC", "")) if watched else 0
        self._beat_seconds = limit / _MICRO / _BEATS if limit else None
        self._beat_at = self._extend_at = self._free_at = clock()
        self._is_late = False
        self._is_ready = self._has_told_ready = False
        self._told = ""
        self._has_failed = False

    @property
    def active(self) -> bool:
        """Whether somebody wants to be told."""
        return self._address is not None

    @property
    def due(self) -> float | None:
        """When `tell` has something to do by itself, by the clock; None for never."""
        if not self.active:
            return None
        times = [] if self._beat_seconds is None else [self._beat_at]
        times += [] if self._has_told_ready else [self._extend_at]
        times += [self._free_at] if self._is_late else []
        return max(min(times), self._free_at) if times else None

    def ready(self) -> None:
        """The start is complete: the next `tell` says so."""
        self._is_ready = True

    def tell(
        self, line: Callable[[], str], *, lives: Callable[[], bool], extends: bool = False
    ) -> None:
        """Say what has changed, and give a sign of life if it is time; at most once a second.

        To be called at each turn of the loop, and when `due`.

        Args:
            line: gives the one line that people see.
            lives: whether the work goes on; asked before a sign of life.
            extends: whether the start, while it is not complete, may take longer for this.
        """
        now = self._clock()
        if not self.active or now < self._free_at:
            self._is_late = True
            return
        self._free_at, self._is_late = now + _PAUSE_SECONDS, False
        text = _one_line(line())
        words = {"STATUS": text} if text != self._told else {}
        if self._is_ready and not self._has_told_ready:
            words["READY"] = "1"
        if extends and not self._is_ready and now >= self._extend_at:
            words["EXTEND_TIMEOUT_USEC"] = str(int(EXTENSION_SECONDS * _MICRO))
        if self._beat_seconds is not None and now >= self._beat_at and lives():
            words["WATCHDOG"] = "1"
        if words and not self._send(words):
            self._is_late = True
            return
        self._told = text
        self._note(words, now)

    def reloading(self) -> None:
        """The settings are being read again; `reloaded` follows."""
        if self._has_told_ready:  # before that, the READY which ends it would be a lie
            self._send({"RELOADING": "1", "MONOTONIC_USEC": str(int(self._clock() * _MICRO))})

    def reloaded(self) -> None:
        """The settings are read, whatever came of it."""
        if self._has_told_ready and not self._send({"READY": "1"}):
            self._has_told_ready = False  # systemd still waits for it: `tell` says it then

    def stopping(self) -> None:
        """The end has begun."""
        self._send({"STOPPING": "1", "STATUS": "Stopping"})

    def ended(self, line: str = "Stopped") -> None:
        """The last word, which people see as long as the service does not run.

        Args:
            line: how it ended, or why.
        """
        self._send({"STATUS": _one_line(line)})

    def _note(self, words: Mapping[str, str], now: float) -> None:
        """Remember what was said, and when the same has to be said again."""
        self._has_told_ready = self._has_told_ready or "READY" in words
        if self._extend_at <= now:
            self._extend_at = now + _EXTENSION_PAUSE_SECONDS
        if self._beat_seconds is not None and self._beat_at <= now:
            # Asked again in a while also when nothing lives: it may go on.
            self._beat_at = now + self._beat_seconds

    def _send(self, words: Mapping[str, str]) -> bool:
        if self._address is None:
            return True
        message = "\n".join(f"{name}={value}" for name, value in words.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ours:
                ours.setblocking(False)
                ours.sendto(message.encode(), self._address)
        except OSError as error:  # it is full, or nobody listens any more
            if not self._has_failed:
                _log.warning("notify.failed", why=error.strerror or str(error))
            self._has_failed = True
            return False
        self._has_failed = False
        return True


def _address(name: str) -> str | None:
    """The socket's address; None for none, and for kinds that are not of this machine's kernel."""
    if name.startswith("@"):
        return f"\0{name[1:]}"  # an abstract one, which no file stands for
    return name if name.startswith("/") else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _one_line(text: str) -> str:
    """No name of a file may begin another line: systemd would take that for an order."""
    text = printable(" ".join(text.splitlines()))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
