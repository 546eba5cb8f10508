"""Whether a file is there, gone for good, or only out of reach.

A share that goes away for a moment looks as if its files had been removed, and an empty folder lies
where a drive was connected. So a file that is not seen is gone only if what should hold it is seen
without it; in all other cases nobody can say, and an `OSError` is raised.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from daemon.handles import opened
from daemon.locking import LOCK
from daemon.share import Share
from daemon.workplace import JOBS

GONE: Final = (
    "The photo is no longer in the work folder, where it waited to be painted. "
    "Drop it into the inbox again."
)
"""What to say of a job whose photo is gone."""


def is_there(path: Path) -> bool:
    """Whether something has this name; as `os.path.lexists`, which takes any trouble for a no.

    Raises:
        OSError: the disk does not say.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_gone(path: Path, folder: Path) -> bool:
    """Whether a file is not below a folder that is there.

    Args:
        path: the file.
        folder: where it should be, at any depth.

    Raises:
        OSError: the folder is not there either, or the disk does not say.
    """
    with opened(folder) as handle:
        # By the handle: between two looks by name a share may have come or gone.
        try:
            os.stat(os.path.relpath(path, folder), dir_fd=handle, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return True
    return False


def is_gone_from_claim(path: Path, folder: Path, share: Share) -> bool:
    """Whether a file of a job is gone: from its claim, or together with its claim.

    Args:
        path: the file.
        folder: the claim's, as of `claim_folders.claim_folder`.
        share: the share.

    Raises:
        OSError: nobody can say: the share is away, or the disk gives no answer.
    """
    try:
        return is_gone(path, folder)
    except FileNotFoundError:
        if not is_here(share):
            raise
    # All claims may have been taken away; else the claim alone, if it has not come back meanwhile.
    return not is_there(folder.parent) or is_gone(folder, folder.parent)


def is_here(share: Share) -> bool:
    """Whether the work folder is the one that photos were moved into.

    The folder of all claims is a sign of it: it is there as long as a service runs. Somebody may
    have removed that one a moment ago; then the lock, which a service makes when it starts, and an
    inbox are signs. In the place of a drive that is not connected lies an empty folder, into which
    something else may have been written in the moment when the drive went.

    Raises:
        OSError: the disk gives no answer.
    """
    try:
        with opened(share.work) as handle, os.scandir(handle) as entries:
            names = {entry.name for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return False
    return JOBS in names or (LOCK in names and share.inbox.is_dir())


def is_movable(folder: Path, other: Path) -> bool:
    """Whether what lies in a folder can be put into another one: renamed, not copied.

    What cannot be read can be moved so all the same.
    """
    try:
        near = folder.stat().st_dev == other.stat().st_dev
    except OSError:
        return False
    return near and os.access(folder, os.W_OK | os.X_OK)
