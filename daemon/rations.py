"""What reading one picture may cost the process that does it: memory, and time of the processor.

A small file can ask for terabytes, or for hours. Pixels are counted before they are decoded
(`daemon.pictures`); what else a decoder does with a file that was made to harm it nobody knows
before. So each picture has a ration. It is what makes decoding safe in the engine's process too,
which lives on afterwards: both limits are soft ones, and are lifted when the picture is read.

Time of the processor is counted, not that of the clock: on a machine that paints, a good picture
takes long, too.
"""

from __future__ import annotations

import math
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemon.errors import PictureUnreadableError

TOO_LONG: Final = "Reading the picture takes too long. Save it anew as a JPEG and try again."
"""What is said of a picture that has used up its time."""

_BASE_MEMORY: Final = 2 << 30  # Python, numpy and the codecs' libraries map a lot and use little
_BYTES_A_PIXEL: Final = 24  # the decoded picture, its copies while it is turned and converted
_LEAST_SECONDS: Final = 30.0
_SECONDS_A_PIXEL: Final = 0.2e-6  # the slowest of the formats, on a slow machine
_GRACE_SECONDS: Final = 5  # for a decoder's own code to come back to Python, which raises then


@dataclass(frozen=True)
class Ration:
    """What one picture may cost.

    Attributes:
        pixels: a picture with more is refused.
        memory_bytes: of address space, besides what the process has when it begins.
        seconds: of the processor, all threads together.
    """

    pixels: int
    memory_bytes: int
    seconds: float


def ration_for(pixels: int, file_bytes: int) -> Ration:
    """The ration for pictures up to a size.

    Args:
        pixels: the most that are allowed.
        file_bytes: the most that a file has.
    """
    memory = _BASE_MEMORY + 2 * file_bytes + _BYTES_A_PIXEL * pixels
    return Ration(pixels, memory, max(_LEAST_SECONDS, _SECONDS_A_PIXEL * pixels))


@contextmanager
def rationed(ration: Ration) -> Iterator[None]:
    """Read one picture within its ration; only in a child process, and in its main thread.

    Memory that is refused shows as whatever the decoder makes of it, mostly a `MemoryError`. A
    decoder that does not come back to Python when the time is up ends the process (SIGXCPU).

    Args:
        ration: what it may cost. Limits that are lower already stay so.

    Raises:
        PictureUnreadableError: the time is used up.
    """
    with _memory(ration.memory_bytes), _time(ration.seconds):
        yield


class _TimeUpError(BaseException):
    """No `Exception`: decoders forgive those."""


@contextmanager
def _memory(size: int) -> Iterator[None]:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    with _soft_limit(resource.RLIMIT_AS, pages * resource.getpagesize() + size):
        yield


@contextmanager
def _time(seconds: float) -> Iterator[None]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    last = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + _GRACE_SECONDS
    with _soft_limit(resource.RLIMIT_CPU, last), _alarm(seconds):
        yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    listening = True

    def ring(_number: int, _frame: object) -> None:
        if listening:
            raise _TimeUpError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # rings once
    try:
        try:
            yield
        finally:
            listening = False  # from here on nothing is interrupted
    except _TimeUpError:
        raise PictureUnreadableError(TOO_LONG) from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _soft_limit(kind: int, value: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    bounds = [limit for limit in (value, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(kind, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))
