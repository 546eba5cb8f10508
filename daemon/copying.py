"""Copies between devices: whole, synced, with their times, and only of what holds still.

`daemon.files` uses this where a rename is refused because the two folders lie on different
devices (also overlay file systems refuse to rename folders for that reason).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Copied:
    """One thing that was copied.

    Attributes:
        path: where it was copied from.
        size: bytes it had then; 0 for folders.
        mtime_ns: its modification time then; 0 for folders.
    """

    path: Path
    size: int = 0
    mtime_ns: int = 0


def copy_whole(source: Path, target: Path) -> list[Copied]:
    """Copy a file, or a folder with all that is in it, and sync the copy to the disk.

    Args:
        source: a regular file, a link (copied as a link) or a folder of such.
        target: does not exist; its folder does.

    Returns:
        All that was copied, each folder after its content: the order to remove it in.

    Raises:
        OSError: with `EBUSY` when a file changed meanwhile, with `EINVAL` when something is
            neither file, link nor folder; what was copied so far is left for the caller.
    """
    mode = source.lstat().st_mode
    if stat.S_ISDIR(mode):
        return _copy_folder(source, target)
    if stat.S_ISLNK(mode):
        target.symlink_to(source.readlink())
        return [_seen(source)]
    return [_copy_file(source, target)]


def remove_copied(source: Path, copied: list[Copied]) -> None:
    """Remove what `copy_whole` copied; what came or changed since then stays, with its folder.

    Args:
        source: what was copied.
        copied: what `copy_whole` returned for it.

    Raises:
        OSError: the permissions do not allow it.
    """
    for one in copied:
        with contextlib.suppress(FileNotFoundError):
            _remove_one(one)
    sync_folder(source.parent)


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
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
        os.fsync(handle)
    except OSError as error:
        # SMB and some FUSE file systems cannot sync folders; the server decides there.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


def _remove_one(one: Copied) -> None:
    if stat.S_ISDIR(one.path.lstat().st_mode):
        try:
            one.path.rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
    elif _seen(one.path) == one:
        one.path.unlink()


def _seen(path: Path) -> Copied:
    now = path.lstat()
    return Copied(path, now.st_size, now.st_mtime_ns)


def _copy_folder(source: Path, target: Path) -> list[Copied]:
    target.mkdir()
    copied: list[Copied] = []
    for entry in sorted(source.iterdir()):
        copied += copy_whole(entry, target / entry.name)
    _keep_looks(source.lstat(), target)
    sync_folder(target)
    return [*copied, Copied(source)]


def _copy_file(source: Path, target: Path) -> Copied:
    with _opened(source) as reader, target.open("xb") as writer:
        before = os.fstat(reader)
        with os.fdopen(os.dup(reader), "rb") as stream:
            shutil.copyfileobj(stream, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
        after = os.fstat(reader)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise OSError(errno.EBUSY, "changed while it was copied", str(source))
    _keep_looks(before, target)
    return Copied(source, before.st_size, before.st_mtime_ns)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[int]:
    # O_NONBLOCK: a pipe that took the file's place since the look must not hang the daemon.
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "neither a file nor a folder", str(source))
        yield handle
    finally:
        os.close(handle)


def _keep_looks(original: os.stat_result, copy: Path) -> None:
    # vfat and SMB refuse modes, some also times: a copy without them is still the whole photo.
    with contextlib.suppress(PermissionError):
        copy.chmod(original.st_mode & 0o777)
    with contextlib.suppress(PermissionError):
        os.utime(copy, ns=(original.st_atime_ns, original.st_mtime_ns))
