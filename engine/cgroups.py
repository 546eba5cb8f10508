"""Where the kernel says what a control group may use: of processors, of memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def group_folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Folders in which a limit for this process may stand: its own group's, and all above it.

    Args:
        controller: as version 1 names it: `cpu` or `memory`. Version 2 has all in one tree.
        root: where `/sys` and `/proc` stand.
    """
    for mount, group in _hierarchies(controller, root):
        yield mount / group
        yield from (mount / above for above in group.parents)


def read_text(path: Path) -> str:
    """What stands in a small file of the kernel; nothing if it is not there."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _hierarchies(controller: str, root: Path) -> list[tuple[Path, PurePosixPath]]:
    """Mount points, and this process's group in each."""
    base = root / "sys/fs/cgroup"
    found = []
    for line in read_text(root / "proc/self/cgroup").splitlines():
        controllers, _, group = line.partition(":")[2].partition(":")
        path = PurePosixPath(group.lstrip("/"))
        if not controllers:
            # Where version 1 has the place, version 2 is mounted one folder deeper.
            found += [(base, path), (base / "unified", path)]
        elif controller in controllers.split(","):
            found += [(base / controllers, path), (base / controller, path)]
    # In a container the group may be named as the host sees it, and then only the mount is there.
    return found or [(base, PurePosixPath())]
