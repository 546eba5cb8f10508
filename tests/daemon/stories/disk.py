"""The disk that a story happens on.

It is one of its own, where that may be mounted, to be filled up, closed to writers and taken away;
else an ordinary folder, with which none of this can be done.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final, Literal

Way = Literal["immutable", "mount"]
_SIZE: Final = 6 << 20
_PAGE: Final = 4096
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there


class Disk:
    """Where a story's share lies.

    Args:
        own: whether it is a disk of its own.

    Attributes:
        base: a folder for all of it; what lies in it directly is on an ordinary disk.
        inside: a folder on the disk itself, for what is not of the share.
        share: the share's root.
    """

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.base = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.share, self.inside = self.base / "share", self.base / "disk"
        self._shut: dict[Path, Way] = {}
        for folder in (self.share, self.inside):
            folder.mkdir()
        if own:
            _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "atelierd-story", self.inside)
            (self.inside / "share").mkdir()
            self.plug()

    @property
    def ballast(self) -> Path:
        """What fills it."""
        return self.inside / "ballast"

    def fill(self, room: int) -> None:
        """Leave only so many pages free."""
        with self.ballast.open("ab") as file:
            step = _SIZE
            while step >= _PAGE:
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
                file.seek(0, os.SEEK_END)
            file.truncate(max(file.tell() - room * _PAGE, 0))

    def free(self) -> None:
        """Make room again."""
        self.ballast.unlink(missing_ok=True)

    def shut(self, folder: Path, way: Way) -> None:
        """Let nobody write in a folder."""
        if way == "immutable":
            _run("chattr", "+i", folder)
        else:
            _run("mount", "--bind", folder, folder)
            _run("mount", "-o", "remount,bind,ro", folder)
        self._shut[folder] = way

    def open_up(self) -> None:
        """Let everybody write again."""
        for folder, way in self._shut.items():
            if way == "immutable":
                _run("chattr", "-i", folder)
            else:
                _run("umount", "-l", folder)
        self._shut.clear()

    def unplug(self) -> None:
        """Take the share away: an empty folder lies in its place."""
        _run("umount", "-l", self.share)

    def plug(self) -> None:
        """Bring it back."""
        _run("mount", "--bind", self.inside / "share", self.share)

    def strays(self) -> list[str]:
        """What was written in the share's place while it was away."""
        return sorted(str(path.relative_to(self.share)) for path in self.share.rglob("*"))

    def close(self) -> None:
        """Leave nothing."""
        if self.own:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.open_up()
            for place in (self.share, self.inside):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self.base, ignore_errors=True)


@cache
def may_mount() -> bool:
    """Whether disks can be mounted here."""
    if os.geteuid() != 0:
        return False
    try:
        disk = Disk(own=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    try:
        for way in ("immutable", "mount"):
            disk.shut(disk.inside / "share", way)
            disk.open_up()
        disk.unplug()
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        disk.close()
    return True


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
