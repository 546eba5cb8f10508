"""Small file systems of their own, for tests that may mount: full, closed to writers, or gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest


@cache
def _why_not() -> str:
    if os.geteuid() != 0:
        return "only root may mount"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "none", folder], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
            return ""
    return f"nothing can be mounted here: {done.stderr.strip()}"


class Drive:
    """A drive in memory, connected at a folder; its content outlives being away."""

    def __init__(self, folder: Path, kilobytes: int) -> None:
        self.folder = folder
        self._away = folder.with_name(f"{folder.name}-away")
        self._away.mkdir()
        mount("-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "none", str(self._away))
        self.connect()

    @property
    def aside(self) -> Path:
        """The same drive at another place, where it is neither away nor closed to writers."""
        return self._away

    def connect(self) -> None:
        """Mount it."""
        mount("--bind", str(self._away), str(self.folder))

    def disconnect(self) -> None:
        """Take it away as a drive goes that somebody pulls: also from those who use it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def fill(self) -> Path:
        """Leave no byte free; the file to remove again."""
        path = self.folder / ".filler"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            with contextlib.suppress(OSError):
                while os.write(handle, bytes(4096)):
                    pass
        finally:
            os.close(handle)
        return path

    def allow_writing(self, *, allowed: bool) -> None:
        """Mount it to be read alone, or as before."""
        mount("-o", f"remount,bind,{'rw' if allowed else 'ro'}", str(self.folder))

    def close(self) -> None:
        """Unmount all of it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
        subprocess.run(["umount", "-l", str(self._away)], check=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def drive(folder: Path, kilobytes: int = 4096) -> Iterator[Drive]:
    """A drive at an empty folder, which is made; skips the test where nothing can be mounted."""
    if why := _why_not():
        pytest.skip(why)
    folder.mkdir(parents=True, exist_ok=True)
    made = Drive(folder, kilobytes)
    try:
        yield made
    finally:
        made.close()
