"""The folders of one share: absolute, apart from one another, and there."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from daemon import files
from daemon.errors import ShareError
from daemon.handles import named
from daemon.names import printable
from daemon.settings import ShareSettings
from daemon.words import LANGUAGES, Language

_FOLDERS: Final = ("inbox", "outbox", "styles", "originals", "failed", "work")
_PRIVATE: Final = 0o700
_PUBLIC: Final = 0o777  # less what the umask takes away
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Share:
    """Where everything of one share lies, and for whom. Paths are absolute, with links resolved.

    Attributes:
        root: what people see over the network.
        inbox: where photos are dropped.
        outbox: where results appear.
        styles: one picture here is one style.
        originals: photos that were painted.
        failed: photos that could not be painted.
        work: photos that are being painted, and what the service keeps beside them.
        language: of what people read there.
    """

    root: Path
    inbox: Path
    outbox: Path
    styles: Path
    originals: Path
    failed: Path
    work: Path
    language: Language = LANGUAGES[0]

    def folders(self) -> Iterator[tuple[str, Path]]:
        """Give each folder but the root, by the name of its setting."""
        return ((name, getattr(self, name)) for name in _FOLDERS)

    @property
    def root_is_apart(self) -> bool:
        """Whether a file in the root lies in no other folder, where it would be taken for more."""
        return not any(self.root.is_relative_to(folder) for _, folder in self.folders())


def open_share(settings: ShareSettings) -> Share:
    """Find out where the folders of a share are; nothing is made or changed.

    Args:
        settings: a relative path is taken below `settings.root`, the root itself below the
            current folder; ``~`` is the user's home.

    Raises:
        ShareError: two folders are the same or one lies in the other (links followed), a relative
            path leads out of the root, or a path cannot be one.
    """
    root = _resolved("root", Path(), settings.root)
    folders = {name: _below(root, name, getattr(settings, name)) for name in _FOLDERS}
    share = Share(root, **folders, language=settings.language)
    for (name, folder), (other_name, other) in combinations(share.folders(), 2):
        _refuse_nesting(name, folder, other_name, other)
        _refuse_nesting(other_name, other, name, folder)
    return share


def _below(root: Path, name: str, path: Path) -> Path:
    if ".." in path.parts and not path.is_absolute():
        raise ShareError(
            f"share.{name} ({printable(path)}) leads out of the share's folder. "
            "Write the whole path, beginning with /, if it shall lie elsewhere."
        )
    return _resolved(name, root, path)


def _resolved(name: str, base: Path, path: Path) -> Path:
    try:
        return (base / path.expanduser()).resolve()
    # No such user; links in a circle (either, by version of Python); a NUL in the name.
    except (RuntimeError, OSError, ValueError) as error:
        raise ShareError(
            f"share.{name} ({printable(path)}) cannot be a folder: {error}. Set another path."
        ) from error


def _refuse_nesting(name: str, folder: Path, other_name: str, other: Path) -> None:
    if folder == other:
        raise ShareError(
            f"share.{name} and share.{other_name} are the same folder ({printable(folder)}). "
            "Give each a folder of its own."
        )
    if other in folder.parents:
        raise ShareError(
            f"share.{name} ({printable(folder)}) lies inside share.{other_name} "
            f"({printable(other)}). Put them beside one another."
        )


def is_there(share: Share) -> bool:
    """Whether there is a share at all: an inbox that this user can see."""
    try:
        return share.inbox.is_dir()
    except OSError:  # a folder above is closed
        return False


def expect_share(share: Share, make: str = "") -> None:
    """See that there is a share; none is made, since its drive may only be away.

    Args:
        share: its folders.
        make: the command with which a person makes one, if that is not ``atelierd init``.

    Raises:
        ShareError: there is none.
    """
    if not is_there(share):
        usual = f"`{printable(shlex.join(['atelierd', 'init', str(share.root)]))}`"
        raise ShareError(
            f"There is no share in {printable(share.root)}: the folder {printable(share.inbox)} is "
            f"not there, or closed to this user. Make a share with {make or usual}, name "
            "another one with --share.root, or connect the drive that it lies on."
        )


def make_share(share: Share) -> tuple[str, ...]:
    """Make the folders that are missing, and see that all can be written to. Safe to repeat.

    The work folder is made for this user alone, and closed to others if it is open to them. All of
    it happens in the root that was there at first: if that is unmounted meanwhile, nothing is made
    in the folder that comes to light below it.

    Returns:
        What somebody should see to, in plain words; empty if all is well.

    Raises:
        ShareError: a folder cannot be made or written to, or two names turn out to be the same
            folder (on a file system that does not tell ``Inbox`` from ``inbox``).
    """
    with _held(share.root) as root:
        for name, folder in share.folders():
            near = folder.is_relative_to(share.root)
            place = root / folder.relative_to(share.root) if near else folder
            with _saying_what_to_do(share, name, folder):
                _make(place, _PRIVATE if folder == share.work else _PUBLIC)
    try:
        for (name, folder), (other_name, other) in combinations(share.folders(), 2):
            if folder.samefile(other):
                _refuse_nesting(name, folder, other_name, folder)
        return _close(share.work)
    except OSError as error:  # one has gone again
        raise ShareError(
            f"The folders of the share in {printable(share.root)} cannot be looked into "
            f"({error.strerror}). Check the drives that they lie on."
        ) from error


def _close(work: Path) -> tuple[str, ...]:
    """Close a folder to others if it is ours; say so if they can write to it all the same."""
    status = work.stat()
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid():
        with contextlib.suppress(OSError):
            work.chmod(_PRIVATE)
        status = work.stat()  # some file systems take no modes, and some say nothing about it
    if not status.st_mode & _OTHERS_WRITE:
        return ()
    why = (
        f"Others can write to {printable(work)}, where photos wait to be painted, and could swap "
        "them for other files. Give that folder to the user who runs atelierd, and close it to all "
        "others (chmod 700), or set share.work to another one."
    )
    return (why,)


@contextmanager
def _held(root: Path) -> Iterator[Path]:
    """A path to the root, made if it is missing, that stays its own whatever is unmounted."""
    try:
        root.mkdir(_PUBLIC, parents=True, exist_ok=True)
        handle = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # whoever makes a folder in it says why it cannot be
        yield root
        return
    try:
        yield named(handle)
    finally:
        os.close(handle)


def _make(place: Path, mode: int) -> None:
    place.mkdir(mode, parents=True, exist_ok=True)
    # Asking for the rights is not enough: on network file systems only writing tells.
    with files.temporary_file(place):
        pass


@contextmanager
def _saying_what_to_do(share: Share, name: str, folder: Path) -> Iterator[None]:
    """Say of which folder the operating system complains, and how another one is chosen."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        what, another = _at_fault(share, name, folder)
        raise ShareError(
            f"The folder {what} cannot be made, because a file is in its place. Move that file "
            f"away, or name {another}."
        ) from error
    except OSError as error:
        what, another = _at_fault(share, name, folder)
        raise ShareError(
            f"The folder {what} cannot be made or written to ({error.strerror}). Let the user who "
            f"runs atelierd write there, or name {another}."
        ) from error


def _at_fault(share: Share, name: str, folder: Path) -> tuple[str, str]:
    """Which folder is to be named, and how to call another one."""
    with contextlib.suppress(OSError):
        if folder.is_relative_to(share.root) and not share.root.is_dir():
            # Whoever chose the share's folder has not heard of those in it.
            return printable(share.root), "another folder for the share"
    return printable(folder), f"another one as share.{name}"
