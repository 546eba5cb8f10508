"""The last resort for a fault of the program itself, met with over one photo.

One photo, or one file that somebody dropped, must not end the service: it would meet with it again
at every start, and nobody's photos would be painted. So what nobody foresaw becomes an error like
others, `FaultError`, and whoever works on the photo lets it fail or wait. The log has it all.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Final

import structlog

from daemon.errors import AtelierError, FaultError
from daemon.names import printable
from daemon.once import Once, reason_of

_FAULT: Final = (
    "A fault of the program itself ({}) stands in the way; its log has what is needed to mend it."
)
_ADVICE: Final = " Until then the photo may work if it is saved anew, with nothing else beside it."
_log: Final = structlog.get_logger()


class LastResort:
    """Turns what nobody foresaw into a `FaultError`, and tells the log each of them once."""

    def __init__(self) -> None:
        self._said = Once()

    @contextmanager
    def over(self, what: PurePath | str) -> Iterator[None]:
        """Work on one photo.

        Args:
            what: the photo, or what else the work is about.

        Raises:
            FaultError: something happened that nobody foresaw. What is meant to be said
                (`AtelierError`), and what disks say (`OSError`), stays as it is.
            OSError: with `ENOMEM`, for a lack of memory: that is no fault of a photo, and passes.
        """
        try:
            yield
        except (AtelierError, OSError):
            raise
        except MemoryError as error:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
        except Exception as error:
            kind = type(error).__name__
            is_new = self._said.is_new(f"{what}: {kind}")
            log = _log.error if is_new else _log.debug
            log("program.fault", about=printable(what), exc_info=error)
            advice = _ADVICE if isinstance(what, PurePath) else ""
            raise FaultError(_FAULT.format(kind) + advice) from error

    @contextmanager
    def aside(self, what: str, said: Once, tell: Callable[[str], None]) -> Iterator[None]:
        """Do something that no photo waits for: what stands in the way of it is only told.

        Args:
            what: the work is about.
            said: remembers what was told.
            tell: is given the reason, once.
        """
        try:
            with self.over(what):
                yield
        except (AtelierError, OSError) as error:
            if said.is_new(reason_of(error)):
                tell(reason_of(error))
