"""Copies between devices: whole, synced, with their times, and only of what holds still.

`daemon.files` uses this where a rename is refused because the two folders lie on different
devices (also overlay file systems refuse to rename folders for that reason).

People's folders may lie in one another deeper than Python lets a function call itself: nothing
here does. And they may be changed by them meanwhile: each is held (`daemon.handles`) while
something in it is read, written or removed, so that no link that is swapped in leads elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from daemon.handles import FOLDER, held, opened, reading
from daemon.hindrances import refuse_written_in
from daemon.names import printable
from daemon.writers import refuse_written

# Why a folder stays that was copied: something else is in it, or the one above it is not ours.
_STAYS: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM})
LACKS: Final = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM})
"""What a file system answers that has no links, or no modes, or no times of this kind."""
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class Copied:
    """One thing that was copied.

    Attributes:
        path: where it was copied from.
        size: bytes it had then; 0 for folders, pipes, sockets and devices.
        mtime_ns: its modification time then; 0 for these.
        leads_to: what it names, if it is a link.
        is_left_out: whether there is no copy of it, since none can be made.
    """

    path: Path
    size: int = 0
    mtime_ns: int = 0
    leads_to: str = ""
    is_left_out: bool = field(default=False, compare=False)


def copy_whole(source: Path, target: Path, *, unread: bool = False) -> list[Copied]:
    """Copy a file, or a folder with all that is in it, and sync the copy to the disk.

    In a folder what is neither file, link nor folder is left out, since nothing is in it; and so
    are links where the other file system has none. Whoever keeps the copy calls `say_left_out`.

    Args:
        source: a regular file, a link (copied as a link) or a folder of such.
        target: does not exist; its folder does.
        unread: whether files and folders in it that may not be read are left out too, and files
            copied to which somebody may still write. Only for who leaves the source where it is.

    Returns:
        All that was copied or left out, each folder after its content: the order to remove it in.

    Raises:
        OSError: with `EBUSY` when a file changed meanwhile, or somebody has it open for writing;
            with `EINVAL` when the source is neither file, link nor folder; what was copied so far
            is left for the caller.
    """
    if not unread:
        refuse_written_in(source)
    copied: list[Copied] = []
    folders: list[tuple[Path, Path]] = []
    waiting = [(source, target)]
    while waiting:
        here, there = waiting.pop()
        with both_held(here, source, there, target) as (one, other):
            if stat.S_ISDIR(one.lstat().st_mode):
                if unread and here != source and _is_closed(one):
                    copied.append(Copied(here, is_left_out=True))
                    continue
                other.mkdir()
                folders.append((here, there))
                waiting += [(here / name, there / name) for name in names_in(one)]
            else:
                if not unread:  # once more: of many files the first look is long ago
                    refuse_written(one)
                mine = here == source
                was = _copy_one(one, other) if mine else _copy_in(one, other, unread=unread)
                copied.append(replace(was, path=here))
    # Inside out, since whatever is made in a folder changes its time.
    for here, there in reversed(folders):
        with both_held(here, source, there, target) as (one, other):
            _finish_folder(one, other)
        copied.append(Copied(here))
    return copied


def say_left_out(source: Path, copied: Sequence[Copied]) -> None:
    """Log what of a folder was not copied, if anything.

    Args:
        source: what was copied.
        copied: what `copy_whole` returned for it.
    """
    left_out = [one.path.relative_to(source) for one in copied if one.is_left_out]
    if left_out:
        names = [printable(path) for path in left_out]
        _log.warning("copy.left_out", folder=printable(source.name), files=names)


def remove_copied(source: Path, copied: Sequence[Copied]) -> None:
    """Remove what `copy_whole` copied; what came or changed since then stays, with its folder.

    Folders that may not be removed stay too, empty.

    Args:
        source: what was copied.
        copied: what `copy_whole` returned for it.

    Raises:
        OSError: the permissions do not allow it; with `EBUSY` when somebody has a file open for
            writing. Nothing is removed then, or not that file, if they opened it only now.
    """
    for one in copied:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _expect_unwritten(one, source.parent)
    for one in copied:
        # What is no folder any more has been swapped: it is not what was copied.
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
            held(one.path.parent, source.parent) as folder,
        ):
            _remove_one(one, folder / one.path.name)
    sync_folder(source.parent)


def is_whole(copied: Sequence[Copied]) -> bool:
    """Whether all that was copied is seen where it was copied from, as it was then.

    Args:
        copied: what `copy_whole` returned.
    """
    try:
        return all(seen(one.path) == one for one in copied)
    except OSError:
        return False


def seen(path: Path) -> Copied:
    """What lies here now, in the way in which `copy_whole` tells of it.

    Raises:
        OSError: nothing does, or the disk does not say.
    """
    now = path.lstat()
    if stat.S_ISLNK(now.st_mode):
        return Copied(path, now.st_size, now.st_mtime_ns, str(path.readlink()))
    if stat.S_ISREG(now.st_mode):
        return Copied(path, now.st_size, now.st_mtime_ns)
    return Copied(path)


@contextlib.contextmanager
def both_held(here: Path, source: Path, there: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Name what lies below the source, and its copy below the target, by handles of their folders.

    Args:
        here: the source itself, or something below it.
        source: whose folder nobody but us can swap for another.
        there: the target itself, or something below it.
        target: likewise.

    Yields:
        Paths, of use as long as this lasts; what they lead to may itself be a link.

    Raises:
        OSError: one of their folders is not there, or a part of the way down to it is a link.
    """
    with held(here.parent, source.parent) as one, held(there.parent, target.parent) as other:
        yield one / here.name, other / there.name


def _remove_one(one: Copied, path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        try:
            path.rmdir()
        except OSError as error:
            if error.errno not in _STAYS:
                raise
        return
    # Once more: of many files, or on a slow disk, the first look is long ago.
    refuse_written(path)
    if replace(seen(path), path=one.path) == one:
        path.unlink()


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, which is no link.

    Raises:
        OSError: it is a link, no folder, or cannot be listed.
    """
    with opened(folder) as handle:
        return os.listdir(handle)  # noqa: PTH208 - a handle is no path


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, if it is there.

    Links that somebody puts into the folder meanwhile lead nowhere else.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            _remove_folder(path)
        else:
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut, where the file system can do that.

    Args:
        folder: an existing folder.

    Raises:
        OSError: the disk failed, or the folder may not be read.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        # SMB and some FUSE file systems cannot sync folders; the server decides there.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def _expect_unwritten(one: Copied, top: Path) -> None:
    with held(one.path.parent, top) as folder:
        refuse_written(folder / one.path.name)


def _is_closed(folder: Path) -> bool:
    """Whether a folder may not be listed, or what is in it not be reached."""
    try:
        names_in(folder)
    except PermissionError:
        return True
    return not os.access(folder, os.X_OK, effective_ids=True)


def _copy_in(source: Path, target: Path, *, unread: bool) -> Copied:
    """Copy what lies in a folder that is copied, or leave it out."""
    mode = source.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return replace(seen(source), is_left_out=True)
    try:
        return _copy_one(source, target)
    except OSError as error:
        lacks = stat.S_ISLNK(mode) and error.errno in LACKS
        if not (lacks or (unread and isinstance(error, PermissionError))):
            raise
        target.unlink(missing_ok=True)
        return replace(seen(source), is_left_out=True)


def _copy_one(source: Path, target: Path) -> Copied:
    if source.is_symlink():
        link = seen(source)  # read once: it may come to be another one at any moment
        target.symlink_to(link.leads_to)
        return link
    return _copy_file(source, target)


def _finish_folder(source: Path, target: Path) -> None:
    with opened(target) as handle:
        _keep_looks(source.lstat(), handle)
        _sync(handle)


def _copy_file(source: Path, target: Path) -> Copied:
    with reading(source) as reader, target.open("xb") as writer:
        before = os.fstat(reader)
        with os.fdopen(os.dup(reader), "rb") as stream:
            shutil.copyfileobj(stream, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
        after = os.fstat(reader)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EBUSY, "changed while it was copied", str(source))
        _keep_looks(before, writer.fileno())
    return Copied(source, before.st_size, before.st_mtime_ns)


def _keep_looks(original: os.stat_result, copy: int) -> None:
    # By the handle: by its name this could be done to a file that a link leads to.
    # vfat and SMB refuse modes, some also times: a copy without them is still the whole photo.
    with _bearing_lacks():
        os.fchmod(copy, original.st_mode & 0o777)
    with _bearing_lacks():
        os.utime(copy, ns=(original.st_atime_ns, original.st_mtime_ns))


@contextlib.contextmanager
def _bearing_lacks() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {*LACKS, errno.EACCES}:
            raise


def _remove_folder(path: Path) -> None:
    here = os.open(path, FOLDER)
    trail: list[tuple[os.stat_result, str, list[str]]] = []
    try:
        folders = _remove_files(here)
        while folders or trail:
            if folders:
                name = folders.pop()
                trail.append((os.fstat(here), name, folders))
                here = _step(here, name)
                folders = _remove_files(here)
            else:
                above, name, folders = trail.pop()
                here = _step(here, "..")
                if not os.path.samestat(os.fstat(here), above):
                    raise OSError(errno.EBUSY, "moved while it was removed", str(path))
                os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)
    path.rmdir()


def _step(here: int, name: str) -> int:
    there = os.open(name, FOLDER, dir_fd=here)
    os.close(here)
    return there


def _remove_files(folder: int) -> list[str]:
    """Remove what is no folder, and give the names of the folders."""
    # The copy of a folder that is closed to writers is closed too. Not all file systems have modes.
    with contextlib.suppress(OSError):
        os.fchmod(folder, stat.S_IRWXU)
    with os.scandir(folder) as entries:
        seen = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    for name, is_folder in seen.items():
        if not is_folder:
            os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in seen.items() if is_folder]
