"""Reads files that anybody may have put there: regular ones, whole, and none that is too large."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from daemon import gaps
from daemon.errors import PictureUnreadableError
from daemon.handles import open_file

_MEGABYTE: Final = 1_000_000


class Content(NamedTuple):
    """A file that was read.

    Attributes:
        data: all of it.
        hole: whether the disk knows of a part that was never written.
    """

    data: bytes
    hole: bool


def read_bounded(path: Path, most: int, top: Path | None = None) -> bytes:
    """Read a file as `read_with_holes` does; its bytes alone."""
    return read_with_holes(path, most, top).data


def read_with_holes(path: Path, most: int, top: Path | None = None) -> Content:
    """Read a regular file whole, if it is not too large.

    Args:
        path: of the file; a link is not followed, a pipe or device not waited for.
        most: bytes.
        top: a folder above it; none on the way down from there may be a link.

    Returns:
        What is in it.

    Raises:
        PictureUnreadableError: no regular file, or too large.
        OSError: it is not there or not readable.
    """
    try:
        handle = open_file(path, top)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PictureUnreadableError("It is a link. Put the picture itself there.") from error
        raise
    with ExitStack() as stack:
        stack.callback(os.close, handle)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise PictureUnreadableError("It is not a file. Put a picture there.")
        file = stack.enter_context(os.fdopen(handle, "rb", closefd=False))
        hole = gaps.has_hole(handle, status.st_size)
        if status.st_size > most or len(data := file.read(most + 1)) > most:
            raise PictureUnreadableError(
                f"The file is larger than {most / _MEGABYTE:g} MB, which is the most that is "
                "allowed. Save the picture smaller."
            )
    return Content(data, hole)
