"""What the inspector's child does: it looks into one file after the other, within limits."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from daemon.bounded import read_with_holes
from daemon.child import settle_in_to_decode
from daemon.errors import NoPictureError, PictureUnreadableError
from daemon.gaps import has_zeros
from daemon.names import is_picture
from daemon.rations import Ration, ration_for, rationed
from daemon.reasons import NO_PICTURE
from daemon.settings import WatchSettings

_WAIT_SECONDS: Final = 120.0  # for a slow share, and a processor that has other things to do
# Somebody has to permit it, or to take a link away.
_LASTING: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP})
_NO_MEMORY: Final = "The picture needs more memory than there is. Save it smaller and try again."


@dataclass(frozen=True)
class Finding:
    """What the child has found in one file.

    Attributes:
        message: what is wrong with it and what to do; empty if nothing is.
        gap: whether a part of it may not be written yet (`daemon.gaps`).
        passing: whether what is wrong may lie in the moment and not in the file: the disk, the
            memory, the time that it took, a child that was ended, a fault of the program.
    """

    message: str = ""
    gap: bool = False
    passing: bool = False


@dataclass(frozen=True)
class Limits:
    """What one picture may cost, and where it may lie.

    Attributes:
        seconds: by the clock; a picture that takes longer counts as unreadable.
        idle_seconds: the child ends when it had nothing to do for so long.
        file_bytes: a larger file is refused.
        ration: what decoding it may cost; its memory is also all that the child ever has.
        tops: folders; on the way down from one of them to a file, no folder may be a link.
        restart_seconds: pause after a child that could not be started.
        most_starts: so many that could not be started, one after the other, and a request is
            answered without a look; None tries for ever.
    """

    seconds: float
    idle_seconds: float
    file_bytes: int
    ration: Ration
    tops: tuple[Path, ...] = ()
    restart_seconds: float = 5.0
    most_starts: int | None = None

    def top_of(self, path: Path) -> Path | None:
        """Which of these folders a file lies below; None if in none of them."""
        return next((one for one in self.tops if path.is_relative_to(one)), None)


def limits_of(settings: WatchSettings, *tops: Path) -> Limits:
    """The limits that follow from the settings.

    Args:
        settings: how large files and pictures may be.
        tops: the folders that people may write to.
    """
    ration = ration_for(settings.max_pixels, settings.max_bytes)
    return Limits(max(_WAIT_SECONDS, 4 * ration.seconds), 60.0, settings.max_bytes, ration, tops)


def inspect_files(connection: Connection, limits: Limits) -> None:
    """The child's whole life: a path comes, what is found in that file goes back.

    The first finding, an empty one, says that it is ready.

    Args:
        connection: the child's end of the pipe; its end is the order to stop.
        limits: what one picture may cost.
    """
    settle_in_to_decode(limits.ration.memory_bytes)
    from daemon import pictures  # noqa: PLC0415 - shows now, not at the first file, that it can

    pictures.get_ready()
    try:
        connection.send(Finding())
        while True:
            connection.send(look_into(connection.recv(), limits))
    except (EOFError, OSError):
        return


def what_is_wrong(path: Path, limits: Limits) -> str:
    """Decode a picture whole; only in a child process, since decoders may crash.

    Args:
        path: of the picture.
        limits: how large file and picture may be.

    Returns:
        What is wrong with it and what to do, in plain words; empty if nothing is.
    """
    return look_into(path, limits).message


def look_into(path: Path, limits: Limits) -> Finding:
    """The same, and whether a part of the file may not be written yet."""
    try:
        content = read_with_holes(path, limits.file_bytes, limits.top_of(path))
        if message := _what_is_wrong_with(content.data, path, limits.ration):
            return Finding(message)
        return Finding(gap=content.hole or has_zeros(content.data))
    except PictureUnreadableError as error:
        return Finding(str(error), passing=isinstance(error.__cause__, MemoryError))
    except MemoryError:
        return Finding(_NO_MEMORY, passing=True)
    except OSError as error:
        return Finding(
            f"The file cannot be read ({error.strerror}). Check that it is there and readable.",
            passing=error.errno not in _LASTING,
        )


def _what_is_wrong_with(data: bytes, path: Path, ration: Ration) -> str:
    from daemon import pictures  # noqa: PLC0415 - only the child is to have decoders in it

    try:
        with rationed(ration):
            pictures.decode(data, max_pixels=ration.pixels)
    except NoPictureError as error:
        # A photo that has lost its beginning is still called a photo.
        return str(error) if is_picture(path.name) else NO_PICTURE
    return ""
