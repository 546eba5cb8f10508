"""Files that appear whole or not at all, and never in the place of another.

Whatever is written for people is written under a hidden temporary name in the same folder, synced
to the disk, and only then given its name; the folder is synced too. Whoever looks at the folder
sees nothing or the whole file, also after a power cut.

A name is given without overwriting in the best way that the file system offers: `renameat2` with
`RENAME_NOREPLACE`; a hard link and an unlink; or, where there is neither (SMB, exFAT over FUSE),
by creating the target empty and exclusively as a reservation and renaming over that. After a crash
the second way may leave a file under both names and the third an empty file; never a lost one.
Whoever wants to put that right (`daemon.halfway`) is told each name before it is tried.

Names that differ only in case or in Unicode form count as taken: Samba shows the folder to
machines for which they are the same name.

Links below the share's folders are never followed. Whoever calls holds the folders, so that nobody
can swap one for a link between a look and a use: a path of `daemon.handles.held` is a path too.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import structlog

from daemon.across import move_across
from daemon.companions import numbered_as_it_is
from daemon.copying import sync_folder
from daemon.names import canonical, printable
from daemon.pulse import Tick, unheard

_TEMPORARY_BYTES: Final = 8
_TEMPORARY: Final = re.compile(rf"\.atelierd-[0-9a-f]{{{2 * _TEMPORARY_BYTES}}}\.tmp")
_RENAME_NOREPLACE: Final = 1  # linux/fs.h
_AT_FDCWD: Final = -100  # linux/fcntl.h
# What a way of renaming answers where kernel, sandbox or file system do not know it.
_UNSUPPORTED: Final = frozenset(
    {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK}
)
_log: Final = structlog.get_logger()


def write_atomically(path: Path, data: bytes, *, replace: bool = True, sync: bool = True) -> None:
    """Write a whole file: readers see the old one, or none, and then the new one.

    Args:
        path: the file; its folder exists. A link of that name is replaced, not followed.
        data: the content.
        replace: whether a file of that name may be overwritten.
        sync: whether it has to be whole after a power cut, too.

    Raises:
        FileExistsError: the name is taken and `replace` is false.
        OSError: the disk or the permissions do not allow it; nothing is left behind.
    """
    temporary = _write_temporary(path.parent, data, sync=sync)
    try:
        if replace:
            temporary.replace(path)
        else:
            rename_new(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def unsaid(_path: Path) -> None:
    """Tell nobody."""


def publish_new(
    folder: Path, name: str, data: bytes, intend: Callable[[Path], None] = unsaid
) -> Path:
    """Write a whole new file, under the name itself or the first free `NAME (2)`, `NAME (3)` ...

    The file has the permissions that any new file of this process has (umask, default ACL and
    set-group-id of the folder), so that the people of the share can read it.

    Args:
        folder: an existing folder.
        name: the wished file name.
        data: the content.
        intend: told each path before it is tried, the last one of which is the file's. What it
            raises ends the attempt; nothing is left behind then.

    Returns:
        The path under which the file appeared; also if the folder cannot be synced after that,
        since whoever is told of an error publishes again, under the next name.

    Raises:
        OSError: the disk or the permissions do not allow it; nothing is left behind.
    """
    temporary = _write_temporary(folder, data)
    try:
        path = _give_free_name(temporary, folder, name, intend)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    try:
        sync_folder(folder)
    except OSError as error:
        _log.warning("file.not_synced", file=printable(path.name), why=error.strerror)
    return path


def move_new(
    source: Path,
    folder: Path,
    name: str,
    intend: Callable[[Path], None] = unsaid,
    tick: Tick = unheard,
) -> Path:
    """Move a file or folder, under the name itself or the first free `NAME (2)`, `NAME (3)` ...

    Args:
        source: what to move; a link is moved itself, not what it points to.
        folder: an existing folder; on another device the source is copied under a temporary
            name, synced, named, and only then removed. Times and permission bits are kept.
        name: the wished name in `folder`.
        intend: told each path before it is tried; what it raises ends the attempt.
        tick: called while it is copied.

    Returns:
        The new path.

    Raises:
        OSError: the disk or the permissions do not allow it. The source is where it was, unless it
            was moved and only the sync of a folder failed; or see `daemon.across`.
        StoppedError: of the tick; likewise.
    """

    def give_name(what: Path) -> Path:
        return _give_free_name(what, folder, name, intend)

    return _move(source, folder, give_name, tick)


def move_exactly(source: Path, target: Path, tick: Tick = unheard) -> None:
    """Move a file or folder to exactly this path, as `move_new` does.

    Raises:
        FileExistsError: the name is taken, if only by one that differs in case; nothing moved.
        OSError: as `move_new`.
        StoppedError: likewise.
    """

    def give_name(what: Path) -> Path:
        if not is_free(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        rename_new(what, target)
        return target

    _move(source, target.parent, give_name, tick)


def is_free(path: Path) -> bool:
    """Whether nothing in the folder has this name, nor one that differs in case or Unicode form."""
    return _folded(path.name) not in _taken(path.parent)


def free_in(folder: Path) -> Callable[[str], bool]:
    """What `is_free` says of many names in one folder, by one look at it, now."""
    taken = _taken(folder)
    return lambda name: _folded(name) not in taken


def free_names(folder: Path, name: str) -> Iterator[str]:
    """The names to try: `name`, `name (2)`, ... but those that are taken at the first look."""
    is_free = free_in(folder)
    for number in count(1):
        candidate = numbered_as_it_is(name, number)
        if is_free(candidate):
            yield candidate


def is_temporary(name: str) -> bool:
    """Whether a name is one under which something is written here before it gets its own.

    After a crash such a file, or folder, may be left. That of a living daemon looks the same.
    """
    return _TEMPORARY.fullmatch(name) is not None


def temporary_name(folder: Path) -> Path:
    """A new name, under which something may lie in a folder until it gets its own."""
    return folder / f".atelierd-{secrets.token_hex(_TEMPORARY_BYTES)}.tmp"


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[int]:
    """Hold a new file open that goes away again, to see whether and how one can be made.

    Args:
        folder: an existing folder. A crash leaves a file that `is_temporary` knows by its name.

    Yields:
        A handle.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    path = temporary_name(folder)
    with path.open("xb") as file:
        try:
            yield file.fileno()
        finally:
            path.unlink(missing_ok=True)


def try_out(folder: Path, size: int) -> None:
    """See that a file of this size can be put into a folder and is synced; it goes away again.

    Raises:
        OSError: none can.
    """
    with temporary_file(folder) as handle:
        os.write(handle, bytes(size))
        os.fsync(handle)


def rename_new(source: Path, target: Path) -> None:
    """Rename within one device, never overwriting, in the best way that the file system offers.

    Raises:
        FileExistsError: the target's name is taken.
        OSError: as `os.rename`; `EXDEV` when the two lie on different devices.
    """
    *better, last = RENAMES
    if not any(_succeeds(way, source, target) for way in better):
        last(source, target)


def rename_by_kernel(source: Path, target: Path) -> None:
    """Rename by `renameat2` with `RENAME_NOREPLACE`: one step, for files and folders."""
    renameat2 = _renameat2()
    if renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    old, new = os.fsencode(source), os.fsencode(target)
    if renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))


def rename_by_link(source: Path, target: Path) -> None:
    """Rename by a hard link and an unlink: for files where the file system has hard links."""
    if stat.S_ISDIR(source.lstat().st_mode):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(source))
    _link(source, target)
    try:
        source.unlink(missing_ok=True)  # gone is gone, whoever removed it
    except OSError as error:
        _give_up_link(source, target)
        # Not as "unsupported": another way to rename would find the name taken, or make a third.
        number = errno.EACCES if error.errno in _UNSUPPORTED else error.errno
        raise OSError(number, error.strerror, str(source)) from error


def rename_by_reservation(source: Path, target: Path) -> None:
    """Rename over an empty file or folder that was created exclusively: works everywhere."""
    if stat.S_ISDIR(source.lstat().st_mode):
        target.mkdir()
        give_up = target.rmdir
    else:
        target.touch(exist_ok=False)
        give_up = target.unlink
    try:
        source.replace(target)
    except BaseException:
        if os.path.lexists(source):  # else a server has renamed, and was not heard to say so
            give_up()
        raise


RENAMES: Final[tuple[Callable[[Path, Path], None], ...]] = (
    rename_by_kernel,
    rename_by_link,
    rename_by_reservation,
)
"""The ways to rename without overwriting, best first."""


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        # A server that is asked twice, since its first answer got lost, denies what it has done:
        # by another name the file would be there twice.
        if not _is_one_file(source, target):
            raise


def _is_one_file(source: Path, target: Path) -> bool:
    try:
        return os.path.samestat(source.lstat(), target.lstat())
    except OSError:
        return False


def _give_up_link(source: Path, target: Path) -> None:
    # By one of the two names the file must stay; a server may have done what it denies.
    with contextlib.suppress(OSError):
        if _is_one_file(source, target):
            target.unlink()


def _succeeds(way: Callable[[Path, Path], None], source: Path, target: Path) -> bool:
    try:
        way(source, target)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return True


@cache
def _renameat2() -> Any:
    """The C library's function, or None where it has none (musl, glibc before 2.28)."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = [
            ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint,
        ]  # fmt: skip
    return function


def _move(source: Path, folder: Path, give_name: Callable[[Path], Path], tick: Tick) -> Path:
    try:
        target = give_name(source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        target = move_across(source, temporary_name(folder), give_name, tick)
    sync_folder(folder)
    with contextlib.suppress(FileNotFoundError):  # a person may have removed the emptied folder
        sync_folder(source.parent)
    return target


def _give_free_name(source: Path, folder: Path, name: str, intend: Callable[[Path], None]) -> Path:
    for candidate in free_names(folder, name):
        intend(folder / candidate)
        with contextlib.suppress(FileExistsError):  # somebody was quicker: the next number
            rename_new(source, folder / candidate)
            return folder / candidate
    raise AssertionError("numbers do not end")


def _write_temporary(folder: Path, data: bytes, *, sync: bool = True) -> Path:
    path = temporary_name(folder)
    try:
        # Not `tempfile`: its 0600 would follow the file to where the share's group reads it.
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _taken(folder: Path) -> set[str]:
    # All names, since the disk cannot be asked which of them are the same to Samba's people: to
    # itself they are not. With 10,000 results that takes about 5 ms of the processor.
    return {_folded(name) for name in os.listdir(folder)}  # noqa: PTH208 - names, not paths


def _folded(name: str) -> str:
    if name.isascii():  # the same, sooner
        return name.lower()
    return canonical(canonical(name).casefold())
