"""Copies between devices: whole, synced, with their times, and only of what holds still.

`daemon.files` uses this where a rename is refused because the two folders lie on different
devices (also overlay file systems refuse to rename folders for that reason).

People's folders may lie in one another deeper than Python lets a function call itself: nothing
here does. And they may be changed by them meanwhile: each is held (`daemon.handles`) while
something in it is read, written or removed, so that no link that is swapped in leads elsewhere.

Nothing says how large what people drop may be. So everything here tells a tick (`daemon.pulse`)
that it goes on, and can be ended by it; and a copy is synced as it grows, not only at its end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from daemon.handles import held, opened, reading
from daemon.hindrances import refuse_written_in
from daemon.names import printable
from daemon.pulse import Tick, unheard
from daemon.writers import refuse_written

# Why a folder stays that was copied: something else is in it, or the one above it is not ours.
_STAYS: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM})
LACKS: Final = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM})
"""What a file system answers that has no links, or no modes, or no times of this kind."""
PORTION: Final = 16 << 20
"""So many bytes of a copy are synced at a time. A slow disk takes seconds for them; for all that
the machine's memory would hold of a copy it takes minutes, in which nobody could hear of a stop."""

# FAT knows every other second, Windows and Samba 100 ns.
_ROUNDED_NS: Final = 2_000_000_000
_TICK_NS: Final = 100
_BLOCK: Final = 1 << 20
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
        is_copy: whether this is of a copy of ours, whose time a file system may round later.
    """

    path: Path
    size: int = 0
    mtime_ns: int = 0
    leads_to: str = ""
    is_left_out: bool = field(default=False, compare=False)
    is_copy: bool = field(default=False, compare=False)

    def is_as(self, now: Copied) -> bool:
        """Whether this is what is seen now, wherever that is."""
        if (self.size, self.leads_to) != (now.size, now.leads_to):
            return False
        is_rounded = self.is_copy and now.mtime_ns % _TICK_NS == 0
        return abs(self.mtime_ns - now.mtime_ns) <= (_ROUNDED_NS if is_rounded else 0)


def copy_whole(
    source: Path, target: Path, *, unread: bool = False, tick: Tick = unheard
) -> list[Copied]:
    """Copy a file, or a folder with all that is in it, and sync the copy to the disk.

    In a folder what is neither file, link nor folder is left out, since nothing is in it; and so
    are links where the other file system has none. Whoever keeps the copy calls `say_left_out`.

    Args:
        source: a regular file, a link (copied as a link) or a folder of such.
        target: does not exist, or is an empty folder for the content of one; its folder exists.
        unread: whether files and folders in it that may not be read are left out too, and files
            copied to which somebody may still write. Only for who leaves the source where it is.
        tick: called for each thing, and each megabyte.

    Returns:
        All that was copied or left out, each folder after its content: the order to remove it in.

    Raises:
        OSError: with `EBUSY` when a file changed meanwhile, or somebody has it open for writing;
            with `EINVAL` when the source is neither file, link nor folder; what was copied so far
            is left for the caller.
        StoppedError: of the tick; likewise.
    """
    if not unread:
        refuse_written_in(source, tick)
    copied: list[Copied] = []
    folders: list[tuple[Path, Path]] = []
    waiting = [(source, target)]
    while waiting:
        here, there = waiting.pop()
        tick()
        with both_held(here, source, there, target) as (one, other):
            if stat.S_ISDIR(one.lstat().st_mode):
                if unread and here != source and _is_closed(one):
                    copied.append(Copied(here, is_left_out=True))
                    continue
                other.mkdir(exist_ok=here == source)
                folders.append((here, there))
                waiting += [(here / name, there / name) for name in names_in(one)]
            else:
                if not unread:  # once more: of many files the first look is long ago
                    refuse_written(one)
                mine = here == source
                copy = _copy_one if mine else partial(_copy_in, unread=unread)
                was = copy(one, other, tick)
                copied.append(replace(was, path=here))
    # Inside out, since whatever is made in a folder changes its time.
    for here, there in reversed(folders):
        tick()
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


def remove_copied(source: Path, copied: Sequence[Copied], tick: Tick = unheard) -> None:
    """Remove what `copy_whole` copied; what came or changed since then stays, with its folder.

    Folders that may not be removed stay too, empty.

    Args:
        source: what was copied.
        copied: what `copy_whole` returned for it.
        tick: called for each thing, twice.

    Raises:
        OSError: the permissions do not allow it; with `EBUSY` when somebody has a file open for
            writing. Nothing is removed then, or not that file, if they opened it only now.
        StoppedError: of the tick; nothing is removed, or a part of it.
    """
    for one in copied:
        tick()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _expect_unwritten(one, source.parent)
    for one in copied:
        tick()
        # What is no folder any more has been swapped: it is not what was copied.
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
            held(one.path.parent, source.parent) as folder,
        ):
            _remove_one(one, folder / one.path.name)
    sync_folder(source.parent)


def open_folders(top: Path, copied: Sequence[Copied], tick: Tick) -> None:
    """Open the folders among these to ourselves, so that what is in them can be removed.

    Args:
        top: what was copied, or a copy.
        copied: what is in it, each folder after its content.
        tick: called for each thing.

    Raises:
        StoppedError: of the tick.
    """
    for one in reversed(copied):
        tick()
        # Folders that are closed to writers, as they were given to us, go too.
        with contextlib.suppress(OSError), held(one.path, top.parent) as here:
            mode = stat.S_IMODE(here.stat().st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                here.chmod(mode | stat.S_IRWXU)


def is_whole(copied: Sequence[Copied]) -> bool:
    """Whether all that was copied is seen where it was copied from, as it was then.

    Args:
        copied: what `copy_whole` returned.
    """
    try:
        return all(one.is_as(seen(one.path)) for one in copied)
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
    if one.is_as(seen(path)):
        path.unlink()


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, which is no link.

    Raises:
        OSError: it is a link, no folder, or cannot be listed.
    """
    with opened(folder) as handle:
        return os.listdir(handle)  # noqa: PTH208 - a handle is no path


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


def _copy_in(source: Path, target: Path, tick: Tick, *, unread: bool) -> Copied:
    """Copy what lies in a folder that is copied, or leave it out."""
    mode = source.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return replace(seen(source), is_left_out=True)
    try:
        return _copy_one(source, target, tick)
    except OSError as error:
        lacks = stat.S_ISLNK(mode) and error.errno in LACKS
        if not (lacks or (unread and isinstance(error, PermissionError))):
            raise
        target.unlink(missing_ok=True)
        return replace(seen(source), is_left_out=True)


def _copy_one(source: Path, target: Path, tick: Tick) -> Copied:
    if source.is_symlink():
        link = seen(source)  # read once: it may come to be another one at any moment
        target.symlink_to(link.leads_to)
        return link
    return _copy_file(source, target, tick)


def _finish_folder(source: Path, target: Path) -> None:
    with opened(target) as handle:
        _keep_looks(source.lstat(), handle)
        _sync(handle)


def _copy_file(source: Path, target: Path, tick: Tick) -> Copied:
    with reading(source) as reader, target.open("xb") as writer:
        before = os.fstat(reader)
        copy_bytes(reader, writer, tick)
        os.fsync(writer.fileno())
        after = os.fstat(reader)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EBUSY, "changed while it was copied", str(source))
        _keep_looks(before, writer.fileno())
    return Copied(source, before.st_size, before.st_mtime_ns)


def copy_bytes(reader: int, writer: BinaryIO, tick: Tick) -> None:
    """Copy what is left of a file, a portion after the other down to the disk.

    Args:
        reader: a handle.
        writer: what it goes into; the last portion is flushed, and not synced.
        tick: called for each megabyte.
    """
    unsynced = 0
    while block := os.read(reader, _BLOCK):
        writer.write(block)
        unsynced += len(block)
        if unsynced >= PORTION:
            writer.flush()
            os.fdatasync(writer.fileno())
            unsynced = 0
        tick()
    writer.flush()


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
