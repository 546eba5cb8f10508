"""Who keeps a share, seen from beside: nothing is made or changed, and no service kept out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon.journal import JOURNAL
from daemon.locking import LOCK, LONGEST_OWNER
from daemon.names import printable
from daemon.share import Share


@dataclass(frozen=True)
class Keeping:
    """Whether a share is kept.

    Attributes:
        running: whether a daemon keeps it; None if this user cannot tell.
        remark: why the journal that the settings point at says nothing of that, and what to do;
            empty if it does.
    """

    running: bool | None
    remark: str = ""


def keeping(share: Share, state: Path) -> Keeping:
    """Look at the locks of a share: the one beside the journal, then the share's own.

    Args:
        share: its folders.
        state: its state folder, as the settings have it.
    """
    try:
        if _owner(state) is not None:
            return Keeping(running=True)
    except OSError as error:
        return Keeping(None, _closed(state, error))
    try:
        owner = _owner(share.work)
    except OSError as error:
        # With a journal in it the state folder is the right one, and its lock says enough.
        if (state / JOURNAL).exists():
            return Keeping(running=False)
        return Keeping(None, _closed(share.work, error))
    return Keeping(running=False) if owner is None else Keeping(True, _elsewhere(owner, share.work))


def is_held(state: Path) -> bool:
    """Whether a service holds the lock in a state folder; not, if this user cannot tell."""
    with contextlib.suppress(OSError):
        return _owner(state) is not None
    return False


def _owner(folder: Path) -> str | None:
    """What stands in a lock file that a daemon holds; None if none does.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(handle, LONGEST_OWNER, 0).decode("utf-8", "replace")
    except OSError:  # a file system without locks: the daemon has none there either
        return None
    finally:
        os.close(handle)
    return None


def _elsewhere(owner: str, work: Path) -> str:
    process, _, machine = owner.strip().partition(" ")
    if machine and machine != socket.gethostname():
        return (
            f"A service on {printable(machine)} keeps this share, and its journal is there. Ask "
            "there with `atelierd status`."
        )
    folder = _journal_folder(process, work)
    base = (
        "that of the service (of systemd's, a folder in /var/lib)"
        if folder is None
        else printable(folder.parent)
    )
    return (
        f"A service{f' (process {process})' if process.isdecimal() else ''} keeps this share, but "
        "its journal is not where these settings say. Set state_dir to "
        f"{base}, in the file of settings or with --state_dir."
    )


def _journal_folder(process: str, work: Path) -> Path | None:
    """Where a daemon on this machine holds its other lock; None if this user may not know."""
    held = set(_open_files(Path("/proc", process, "fd"))) if process.isdecimal() else set()
    if work / LOCK not in held:  # another process has this number now
        return None
    return next((path.parent for path in held - {work / LOCK} if path.name == LOCK), None)


def _open_files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):  # a process of somebody else, or one that has ended
        for handle in folder.iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                yield handle.readlink()


def _closed(folder: Path, error: OSError) -> str:
    return (
        f"{printable(folder)} cannot be looked into ({error.strerror}). Ask as the user that the "
        f"service runs as{_by_sudo(folder)}."
    )


def _by_sudo(folder: Path) -> str:
    """How to ask as the owner of the folder, or of the nearest one above that can be seen."""
    for path in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            owner = path.stat().st_uid
            with contextlib.suppress(KeyError):
                return f": `sudo -u {printable(pwd.getpwuid(owner).pw_name)} atelierd status`"
            break
    return ""
