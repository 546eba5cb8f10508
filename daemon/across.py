"""Moves to another device: copied under a temporary name, compared, named, and only then removed.

At each moment one of the two is whole, and what is removed is compared with what was copied:
people see the copy as soon as it has its name, and may put something into it or change it at once.
Whatever stands in the way, or a stop, takes the copy back as long as the source is whole; what is
not ours in it stays.
"""

from __future__ import annotations

import contextlib
import errno
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from daemon import copying, removing
from daemon.copying import Copied
from daemon.handles import held
from daemon.pulse import Tick, to_the_end


def move_across(
    source: Path, temporary: Path, give_name: Callable[[Path], Path], tick: Tick
) -> Path:
    """Move a file or folder to another device.

    Args:
        source: what to move.
        temporary: a name in the folder where it is to lie, of which nobody knows.
        give_name: gives the copy, which has that name, its own, and says which.
        tick: called for each thing, and each megabyte.

    Returns:
        The new path.

    Raises:
        OSError: the disk or the permissions do not allow it.
        StoppedError: of the tick.
            After any of these the source is where it was, or, if a part of it was removed already,
            the copy is whole.
    """
    with contextlib.ExitStack() as stack:
        try:
            if stat.S_ISDIR(source.lstat().st_mode):
                temporary.mkdir()
                stack.enter_context(removing.guarded(temporary))
            copied = copying.copy_whole(source, temporary, tick=tick)
            copies = _lying(temporary, source, copied, tick)
            target = give_name(temporary)
        except BaseException:
            removing.remove_tree(temporary, to_the_end(tick))
            raise
        named = [replace(one, path=target / one.path.relative_to(temporary)) for one in copies]
        _remove_source(source, copied, target, named, tick)
    copying.say_left_out(source, copied)
    return target


def _lying(top: Path, source: Path, copied: Sequence[Copied], tick: Tick) -> list[Copied]:
    """How the copies of these lie in that of their source now, each folder after its content."""
    copies: list[Copied] = []
    for one in copied:
        tick()
        if not one.is_left_out:
            path = top / one.path.relative_to(source)
            with held(path.parent, top.parent) as folder:
                now = copying.seen(folder / path.name)
            copies.append(replace(now, path=path, is_copy=True))
    return copies


def _remove_source(
    source: Path, copied: Sequence[Copied], target: Path, copies: Sequence[Copied], tick: Tick
) -> None:
    """Remove what was copied; or else its copy, which would come to be there once more each time.

    Until something of the source has gone, that is: from then on the copy is what has to stay.
    """
    try:
        _expect_all(target, copies, tick)
        copying.sync_folder(target.parent)
        copying.remove_copied(source, copied, tick)
    except BaseException:
        if copying.is_whole(copied):
            _take_back(target, copies, to_the_end(tick))
        raise


def _expect_all(target: Path, copies: Sequence[Copied], tick: Tick) -> None:
    """See that nothing of a copy has gone: others may remove what has a temporary name."""
    for one in copies:
        tick()
        try:
            with held(one.path.parent, target.parent) as folder:
                size = copying.seen(folder / one.path.name).size
        except (FileNotFoundError, NotADirectoryError):
            size = None
        # Not by its time as well: some file systems keep those as they like, for all photos.
        if size != one.size:
            raise OSError(errno.EBUSY, "changed while it was moved", str(one.path))


def _take_back(target: Path, copies: Sequence[Copied], tick: Tick) -> None:
    """Remove a copy, but what came or was changed in it since it has its name."""
    with contextlib.suppress(OSError):
        copying.open_folders(target, copies, tick)
        copying.remove_copied(target, copies, tick)
