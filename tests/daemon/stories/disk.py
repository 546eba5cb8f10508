"""The disk that a story happens on.

It is one of its own, where that may be mounted, to be filled up, closed to writers and taken away;
else an ordinary folder. There, and as one way more everywhere, the daemon is refused what it is
about to do (`tests.daemon.faulty`).
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

from tests.daemon import faulty

Way = Literal["immutable", "mount", "refused"]
WAYS: Final[tuple[Way, ...]] = ("immutable", "mount", "refused")
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
        faults: the link that tells the daemon what it is refused.
        ways: in which a folder of it can be closed to writers.
    """

    def __init__(self, *, own: bool, ways: tuple[Way, ...] = ("refused",)) -> None:
        self.own = own
        self.base = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.share, self.inside = self.base / "share", self.base / "disk"
        self.faults, self.ways = self.base / "faults", ways
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
        """Leave only so many pages free; where nothing is mounted, none."""
        if not self.own:
            self._refuse(self.share, errno.ENOSPC)
            return
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
        self.faults.unlink(missing_ok=True)
        self.ballast.unlink(missing_ok=True)

    def shut(self, folder: Path, way: Way) -> None:
        """Let nobody write in a folder."""
        if way == "refused":
            self._refuse(folder, errno.EACCES)
        elif way == "immutable":
            _run("chattr", "+i", folder)
        else:
            _run("mount", "--bind", folder, folder)
            _run("mount", "-o", "remount,bind,ro", folder)
        self._shut[folder] = way

    def open_up(self) -> None:
        """Let everybody write again."""
        for folder, way in self._shut.items():
            if way == "refused":
                self.faults.unlink()
            elif way == "immutable":
                _run("chattr", "-i", folder)
            else:
                _run("umount", "-l", folder)
        self._shut.clear()

    def unplug(self) -> None:
        """Take the share away: an empty folder lies in its place, or nothing of it can be read."""
        if not self.own:
            self._refuse(self.share, errno.EIO, reading=True)
            return
        _run("umount", "-l", self.share)

    def plug(self) -> None:
        """Bring it back."""
        if not self.own:
            self.faults.unlink()
            return
        _run("mount", "--bind", self.inside / "share", self.share)

    def strays(self) -> list[str]:
        """What was written in the share's place while it was away."""
        if not self.own:
            return []
        return sorted(str(path.relative_to(self.share)) for path in self.share.rglob("*"))

    def close(self) -> None:
        """Leave nothing."""
        if self.own:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.open_up()
            for place in (self.share, self.inside):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self.base, ignore_errors=True)

    def _refuse(self, folder: Path, number: int, *, reading: bool = False) -> None:
        faulty.tell(self.faults, folder, number, reading=reading)


@cache
def why_not() -> str:
    """Why no disks can be mounted here; empty if they can."""
    if os.geteuid() != 0:
        return "only root may mount"
    try:
        disk = Disk(own=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nothing can be mounted here: {error}"
    try:
        disk.unplug()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nothing can be unmounted here: {error}"
    finally:
        disk.close()
    return ""


@cache
def ways() -> tuple[Way, ...]:
    """How a folder of a disk of its own can be closed to writers here: not each kernel does all."""
    disk, found = Disk(own=True), list[Way]()
    try:
        for way in WAYS:
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                disk.shut(disk.inside / "share", way)
                disk.open_up()
                found.append(way)
    finally:
        disk.close()
    return tuple(found)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
