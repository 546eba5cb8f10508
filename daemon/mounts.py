"""Which mount a folder lies on, and whether other machines may change it unseen."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
HANDLES: Final = Path("/proc/self/fdinfo")
_LOOK: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_SILENT: Final = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "9p", "virtiofs",
        "vboxsf", "prl_fs", "vmhgfs", "lustre", "gpfs", "glusterfs", "ocfs2", "gfs2", "davfs",
        "acfs", "beegfs", "orangefs", "pvfs2", "drvfs",
    }
)  # fmt: skip
# FUSE says "fuse" and the helper's name; whether such a one is local is known of these alone.
_LOCAL_FUSE: Final = frozenset(
    {"fuseblk", "fuse.ntfs-3g", "fuse.exfat", "fuse.fuse-overlayfs", "fuse.lxcfs", "fuse.gocryptfs"}
)


def silent_file_system(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """The name of the folder's file system if the kernel does not report all changes to it.

    Over a network the kernel hears of no change that another machine made; the same goes for
    folders that a virtual machine shares with its host, and for most of FUSE.

    Args:
        folder: need not exist; then the one that it would be made in counts.
        mounts: the table of mounts, as proc(5) describes ``/proc/PID/mountinfo``.

    Returns:
        The type, such as ``nfs4``; None if changes are reported, or nothing can be found out.
    """
    kind = _file_system(Path(os.path.realpath(folder)), mounts)
    is_fuse = kind is not None and kind.startswith("fuse") and kind not in _LOCAL_FUSE
    return kind if kind in _SILENT or is_fuse else None


def mount_of(folder: Path, handles: Path = HANDLES) -> tuple[int, int | None]:
    """What two folders have in common between which a rename is possible.

    The device alone does not tell: one that is mounted in two places (a bind mount) is one device,
    and the kernel renames nothing from the one mount into the other. Nor does the mount: parts of
    one (subvolumes of btrfs) may be devices of their own.

    Args:
        folder: an existing folder.
        handles: where the kernel tells of open handles, as proc(5) has ``/proc/PID/fdinfo``.

    Returns:
        The device, and the number of the mount; None for that where the kernel does not tell.

    Raises:
        OSError: the folder is not there, or cannot be looked at.
    """
    handle = os.open(folder, _LOOK)
    try:
        return os.fstat(handle).st_dev, _mount_number(handles / str(handle))
    finally:
        os.close(handle)


def is_bound_to_itself(point: Path, number: int, above: int, mounts: Path = MOUNTS) -> bool:
    """Whether what is mounted at a folder is that folder itself, as it is without the mount.

    Sandboxes do so to open one folder to writers: systemd with ``ReadWritePaths=``, for instance.

    Args:
        point: the folder, with links resolved.
        number: the number of the mount that it lies on (`mount_of`).
        above: that of the folder that it lies in.
        mounts: the table of mounts, as proc(5) describes ``/proc/PID/mountinfo``.

    Returns:
        False too where the table does not tell.
    """
    rows = {row.number: row for row in _rows(mounts)}
    mine, other = rows.get(number), rows.get(above)
    if mine is None or other is None or not point.is_relative_to(other.point):
        return False
    without = other.root / point.relative_to(other.point)
    return (mine.device, mine.root) == (other.device, without)


def _mount_number(told: Path) -> int | None:
    try:
        found = re.search(r"^mnt_id:\s*(\d+)$", told.read_text("ascii"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return None if found is None else int(found[1])


@dataclass(frozen=True)
class _Row:
    """One mount: which part of which file system is mounted where."""

    number: int
    device: str
    root: Path
    point: Path
    kind: str


def _file_system(folder: Path, mounts: Path) -> str | None:
    found: _Row | None = None
    for row in _rows(mounts):
        # The longest way down to the folder; of two mounts at one point the later hides the other.
        longest = found is None or len(row.point.parts) >= len(found.point.parts)
        if longest and folder.is_relative_to(row.point):
            found = row
    return None if found is None else found.kind


def _rows(mounts: Path) -> Iterator[_Row]:
    try:
        lines = os.fsdecode(mounts.read_bytes()).splitlines()
    except OSError:
        return
    for line in lines:
        left, _, right = line.partition(" - ")
        number, _, device, root, point, *_ = left.split(" ")
        where = Path(unescaped(root)), Path(unescaped(point))
        yield _Row(int(number), device, *where, right.split(" ")[0])


def unescaped(field: str) -> str:
    """A field of a table of mounts, in which blanks are written as numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
