"""What the signals of the system ask for, told to whoever keeps the share at that moment.

A signal that nobody heeds ends the process, and SIGHUP does so in a way that systemd takes for an
orderly end: the service would not be started again. So they are heeded from the first moment of the
service to its last, also while one part of it hands over to the next.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Protocol

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_STANDARD: Final = (0, 1, 2)


class Listener(Protocol):
    """Who can be told; both are called in the midst of anything."""

    def stop(self, why: str) -> None:
        """Somebody wants the end."""

    def reload(self) -> None:
        """Somebody has changed the settings."""


class Signals:
    """Heeds them, within `heeded`; what comes while there is no listener, the first one is told."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._stop = ""
        self._is_reload = False
        self._is_stopping = False
        self._terminals = [handle for handle in _STANDARD if os.isatty(handle)]

    def tell(self, listener: Listener) -> None:
        """Tell this one from now on, and nobody else."""
        self._listener = listener  # first: what comes meanwhile, it is told by the handler
        if self._is_reload:
            self._is_reload = False
            listener.reload()
        if self._stop:
            why, self._stop = self._stop, ""
            listener.stop(why)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Heed the signals as long as this lasts; those that are ignored stay so."""
        # `nohup` means it.
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._heed) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heed(self, number: int, _frame: FrameType | None) -> None:
        # SIGHUP also comes when the terminal is closed in which somebody started this.
        if number == signal.SIGHUP and all(map(os.isatty, self._terminals)):
            self._is_reload = True
        elif self._is_stopping:
            # Nothing is lost by this: the journal is true at any moment, the kernel lets go of the
            # locks, and the children die with us.
            os._exit(128 + number)
        else:
            self._is_stopping, self._stop = True, signal.Signals(number).name
        if self._listener is not None:
            self.tell(self._listener)
