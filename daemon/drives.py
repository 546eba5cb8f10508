"""Which folders are places for drives, and whether a drive is there.

At the first start there is no mark yet by which a share's folder could be known (`daemon.marks`).
But the machine itself says where drives belong: in its table of file systems, and in systemd's
units. Such a place without its drive is an empty folder, and a share in it would be hidden by the
drive. In a sandbox it may be mounted all the same, onto itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemon.errors import ShareAwayError
from daemon.marks import MARK
from daemon.mounts import MOUNTS, is_bound_to_itself, mount_of, unescaped
from daemon.names import printable
from daemon.presence import is_there
from daemon.share import Share

_POINT: Final = 1  # the second field of a line, see fstab(5)
_WHERE: Final = "Where"


@dataclass(frozen=True)
class Tables:
    """Where a machine says which drive belongs where, and what is there.

    Attributes:
        fstab: the table of file systems, as fstab(5) describes it.
        units: a folder of systemd's units, of which those of mounts count.
        mounts: the table of mounts, as proc(5) describes ``/proc/PID/mountinfo``.
    """

    fstab: Path = Path("/etc/fstab")
    units: Path = Path("/etc/systemd/system")
    mounts: Path = MOUNTS


THIS_MACHINE: Final = Tables()
"""Where Linux has them."""


def expect_drives(share: Share, tables: Tables = THIS_MACHINE) -> None:
    """See that each drive is there on which the machine says that a folder of the share lies.

    A folder with a mark is the right one whatever the machine says: the service was there before,
    or a person has said so.

    Args:
        share: its folders; they need not be there.
        tables: where the machine says so. What of them cannot be read says nothing.

    Raises:
        ShareAwayError: a drive is not there.
    """
    folders = (share.root, *(path for _, path in share.folders()))
    points = _at_or_above(folders, {*_in_fstab(tables.fstab), *_in_units(tables.units)})
    for folder in folders:
        above = [point for point in points if folder.is_relative_to(point)]
        if not above:
            continue
        point = max(above, key=lambda point: len(point.parts))
        if not _is_marked(point, share, folder) and not _is_mounted(point, tables.mounts):
            raise ShareAwayError(
                f"The folder {printable(folder)} belongs on a drive that is to be connected at "
                f"{printable(point)}, as this machine's settings say, and none is: nothing is "
                "written there. Connect it; or, if none belongs there any more, make an empty file "
                f"{printable(folder / MARK)} by hand."
            )


def _is_marked(point: Path, share: Share, folder: Path) -> bool:
    tops = (each for each in (folder, share.root) if each.is_relative_to(point))
    with contextlib.suppress(OSError):
        return any(folder.is_relative_to(top) and is_there(top / MARK) for top in tops)
    return False


def _is_mounted(point: Path, mounts: Path) -> bool:
    try:
        (device, number), (other, above) = mount_of(point), mount_of(point.parent)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # such as one that is closed to this user: whoever goes on is told why
        return True
    if number is None or above is None:
        return device != other
    # A part of a file system may be a device of its own without being mounted.
    is_itself = device == other and is_bound_to_itself(point, number, above, mounts)
    return number != above and not is_itself


def _at_or_above(folders: Collection[Path], points: Collection[Path]) -> set[Path]:
    """Those of the points on which one of the folders lies, without a look at any other.

    Whoever looks at one whose server does not answer waits for that, for ever maybe.
    """
    near = {point for point in points if _carries(point, folders)}
    others = set(points) - near
    parts = {part for folder in folders for part in folder.parts}
    for point in others:
        # A link on the way to it may have hidden it; but not if it lies on another drive.
        if point.name in parts and others.isdisjoint(point.parents):
            near |= {meant for meant in _without_links(point) if _carries(meant, folders)}
    return near - {Path("/")}


def _carries(point: Path, folders: Collection[Path]) -> bool:
    return any(folder.is_relative_to(point) for folder in folders)


def _without_links(point: Path) -> Iterator[Path]:
    # What cannot be a path is none.
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        yield point.parent.resolve() / point.name


def _in_fstab(table: Path) -> Iterator[Path]:
    for line in _lines(table):
        fields = line.split()
        if len(fields) > _POINT and not fields[0].startswith("#"):
            yield from _point(unescaped(fields[_POINT]))


def _in_units(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for unit in sorted(folder.glob("*.mount")):
            for line in _lines(unit):
                key, _, value = line.partition("=")
                if key.strip() == _WHERE:
                    yield from _point(value.strip().strip('"'))


def _point(name: str) -> Iterator[Path]:
    # Of swap there is none.
    if name.startswith("/"):
        yield Path("/" + os.path.normpath(name).lstrip("/"))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
