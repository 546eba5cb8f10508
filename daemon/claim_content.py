"""What lies in a claim: what people gave us, beside our own notes about it; and what is left of it.

To a folder on another device all is copied, and removed then; but not what somebody has changed or
added since. When the files of a job have left, that is still in the claim, and belongs somewhere
(`rest_belongs_in`):

- a photo that was changed after it was copied is one that nobody has painted. It goes back to the
  inbox, with all else that is left, and is painted as it is now; the one that was painted is kept;
- all else is nothing without its photo, and goes where that has gone: as it would have done by a
  rename, which takes along what lies in a folder at that moment.
"""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path
from typing import Final

from daemon import files, halfway, presence
from daemon.copying import Copied, names_in
from daemon.departure import LEAVING
from daemon.handles import held
from daemon.intention import RESULT
from daemon.keepsakes import COPIED
from daemon.names import split
from daemon.pulse import Tick, unheard

ORIGIN: Final = ".origin"
"""File in a claim's folder: the folder below the inbox that its files came from."""

_OURS: Final = frozenset({ORIGIN, COPIED, LEAVING, RESULT})


def content_of(folder: Path) -> list[Path]:
    """What people gave us, the photo before the style that is named after it.

    Args:
        folder: the claim's.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    content = [path for path in folder.iterdir() if not _is_ours_by_name(path.name)]
    return sorted(content, key=lambda path: (len(split(path.name)[0]), path.name))


def remains(folder: Path, tick: Tick = unheard) -> list[Path]:
    """What is left in a claim of which all has left.

    What holds nothing but folders is nothing: it is removed, as far as that can be done. Where it
    may not be removed after it was copied, it would be copied again and again.

    Args:
        folder: the claim's.
        tick: called for each folder in it, of which there may be any number.

    Raises:
        OSError: it is not there, or cannot be read.
        StoppedError: of the tick; some of the folders may be gone.
    """
    return [path for path in content_of(folder) if not _is_cleared(path, tick)]


def rest_belongs_in(folder: Path, photo: Path, inbox: Path, gone_to: Path) -> Path:
    """Where what is left in a claim belongs.

    Args:
        folder: the claim's.
        photo: the job's, in it.
        inbox: the folder that its files came from.
        gone_to: the folder that they went to.

    Raises:
        OSError: the disk does not say.
    """
    # Of a photo that stays in the inbox there is a copy here, and nobody but us has that.
    is_new = presence.is_there(photo) and not presence.is_there(folder / COPIED)
    return inbox if is_new else gone_to


def _is_ours_by_name(name: str) -> bool:
    return name in _OURS or files.is_temporary(name)


def _is_cleared(path: Path, tick: Tick) -> bool:
    """Whether there is nothing but folders in something, or nothing of it any more."""
    found = _bare(path, tick)
    if found is None:
        return False
    # Folders alone are removed, and only those that are empty: what comes at this moment stays.
    with contextlib.suppress(OSError):
        halfway.remove_found(path, found, tick)
    return not presence.is_there(path) or _bare(path, tick) is not None


def _bare(path: Path, tick: Tick) -> list[Copied] | None:
    """The folders that something consists of, each after those in it; None if there is more."""
    found, waiting = list[Copied](), [path]
    while waiting:
        here = waiting.pop()
        tick()
        try:
            with held(here.parent, path.parent) as above:
                if not stat.S_ISDIR((above / here.name).lstat().st_mode):
                    return None
                waiting += [here / name for name in names_in(above / here.name)]
        except OSError:  # nobody can say what is in it
            return None
        found.append(Copied(here))
    return found[::-1]
