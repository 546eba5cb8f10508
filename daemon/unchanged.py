"""Whether a photo is still what was read of it.

Whoever has opened a photo before it was taken can still write to it, wherever it lies. What they
write is another photo than the one that is being painted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from daemon.bounded import read_bounded
from daemon.errors import PictureUnreadableError
from daemon.ready import Stamp, stamp_of


@dataclass(frozen=True)
class Seen:
    """A file as it was read.

    Attributes:
        path: where it lies.
        stamp: size and time from before it was read; None if they could not be had.
        sha256: of its content.
    """

    path: Path
    stamp: Stamp
    sha256: str


def seen(path: Path, stamp: Stamp, content: bytes) -> Seen:
    """Remember what was read.

    Args:
        path: of the file.
        stamp: as of `daemon.ready.stamp_of`, from before it was read.
        content: all of it.
    """
    return Seen(path, stamp, hashlib.sha256(content).hexdigest())


def is_changed(before: Seen, most: int) -> bool:
    """Whether the file is seen to be another one now; not so if it cannot be read.

    Another time alone is no change: a copier may set it last of all.

    Args:
        before: what was read.
        most: bytes; a larger file is another one.
    """
    if stamp_of(before.path) == before.stamp:
        return False
    try:
        content = read_bounded(before.path, most)
    except PictureUnreadableError:
        return True
    except OSError:  # gone, or out of reach: that is for whoever moves it
        return False
    return hashlib.sha256(content).hexdigest() != before.sha256
