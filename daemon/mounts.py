"""Which mount a folder lies on, and whether other machines may change it unseen."""

from __future__ import annotations

import os
import re
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


def _mount_number(told: Path) -> int | None:
    try:
        found = re.search(r"^mnt_id:\s*(\d+)$", told.read_text("ascii"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return None if found is None else int(found[1])


def _file_system(folder: Path, mounts: Path) -> str | None:
    try:
        lines = os.fsdecode(mounts.read_bytes()).splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        left, _, right = line.partition(" - ")
        point = Path(unescaped(left.split(" ")[4]))
        # The longest way down to the folder; of two mounts at one point the later hides the other.
        if folder.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = len(point.parts), right.split(" ")[0]
    return found and found[1]


def unescaped(field: str) -> str:
    """A field of a table of mounts, in which blanks are written as numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
