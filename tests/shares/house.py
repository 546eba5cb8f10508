"""A share that a real daemon watches, and what has to be true of every photo in the end.

Where the test may become other users (root), the service, the people and their group are apart, as
docs/install.md sets them up; elsewhere one user is all of them. The users are such as every Linux
has, since a test makes none.
"""

from __future__ import annotations

import contextlib
import grp
import io
import itertools
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daemon import files
from daemon.notes import why_name
from tests.daemon.test_run import ROOT, Program, grey

LONG = 60.0
STYLE = 200
PATIENT = """
state_dir = "state"
[share]
root = "share"
[watch]
settle_seconds = 0.3
settle_scans = 2
poll_seconds = 0.1
scan_seconds = 0.5
patience_seconds = 120
[paint]
preset = "draft"
size = 64
iterations = 4
[output]
format = "png"
"""
HASTY = PATIENT.replace("patience_seconds = 120", "patience_seconds = 1")
"""Gives up what stays unreadable after a second."""
UMASK = 'umask 0002; exec "$@"'


@dataclass(frozen=True)
class Users:
    """Who is who: names of users, and of the group that they share."""

    service: str
    person: str
    group: str

    def as_service(self) -> list[str]:
        """What stands before a command that the service's user shall run, with the unit's umask."""
        return self._become(self.service)

    def as_person(self) -> list[str]:
        return self._become(self.person)

    def own(self, folder: Path) -> None:
        """Give a folder to the service and the group."""
        if os.geteuid() == 0:
            shutil.chown(folder, self.service, self.group)

    def _become(self, user: str) -> list[str]:
        if os.geteuid() != 0:
            return ["sh", "-c", UMASK, "sh"]
        become = ["setpriv", "--reuid", user, "--regid", self.group, "--clear-groups"]
        if not _is_open_to_all(Path(sys.executable).resolve()) or not _is_open_to_all(ROOT):
            # Python lies in somebody's home. To read is not to write: that is what is tested here.
            become += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        return [*become, "sh", "-c", UMASK, "sh"]


def apart() -> Users:
    """The service and a person of its group, if root runs the test; else the same as `alone`."""
    return Users("bin", "daemon", "daemon") if os.geteuid() == 0 else alone()


def alone() -> Users:
    """One user who is no root, and is all of them."""
    if os.geteuid() == 0:
        return Users("daemon", "daemon", "daemon")
    name = pwd.getpwuid(os.geteuid()).pw_name
    return Users(name, name, grp.getgrgid(os.getegid()).gr_name)


def _is_open_to_all(path: Path) -> bool:
    above = (one.stat().st_mode & stat.S_IXOTH for one in path.parents)
    return bool(path.stat().st_mode & stat.S_IROTH) and all(above)


@dataclass
class House(Program):
    """One share, the daemon that keeps it, and new photos for it."""

    users: Users = field(default_factory=alone)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    read: dict[Path, tuple[tuple[int, ...], bytes]] = field(default_factory=dict)

    def open(self, *arguments: str, program: Sequence[str] = ()) -> None:
        """Start the service, and wait until it can paint."""
        stand_in = ["-m", "tests.daemon.run_with_stand_in", "stand_in_worker"]
        command = [*self.users.as_service(), sys.executable, *(program or stand_in)]
        self.start(*arguments, program=command)
        self.wait(lambda: self.said("engine.ready"))

    def close(self) -> None:
        """End the service: nothing went wrong that it would have told, and nothing is left over."""
        service = self.processes[-1]
        service.send_signal(signal.SIGTERM)
        assert service.wait(LONG) == 0, self.text()
        failed = self.said("job.failed")
        wrong = [line for line in self.log() if line["level"] in {"error", "critical"}]
        assert [line for line in wrong if line not in failed] == []

    def lane(self, value: int = STYLE, *, name: str = "Style") -> str:
        """A new style, and its folder in the inbox."""
        name = f"{name} {next(self.numbers)}"
        (self.share / "Styles" / f"{name}.png").write_bytes(grey(value))
        self.wait((self.share / "Inbox" / name).is_dir)
        return name

    def new(self, kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
        """A photo of noise around a colour that no other photo of this house has.

        Of its lower half all colours are the other way round: half a photo has another mean.
        """
        number = next(self.numbers)
        colour = np.array([number % 7, number // 7 % 7, number // 49 % 7]) * 20 + 50
        width, height = size
        pixels = np.random.default_rng(number).integers(-30, 31, (height, width, 3)) + colour
        pixels[height // 2 :] += 40
        file = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(file, kind)
        return file.getvalue()

    def wait(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + LONG
        while not what():
            assert time.monotonic() < end, f"{self.text()}\n{self.files('')}"
            assert self.processes[-1].poll() is None, self.text()
            time.sleep(0.05)

    def places(self, photo: bytes) -> list[str]:
        """Where in the share a photo lies, also where nobody may look."""
        return [name for name, data in self.tree().items() if data == photo]

    def tree(self) -> dict[str, bytes]:
        """All files but the styles."""
        found = {}
        # Not `rglob`, which some Pythons end with an error when a folder goes away meanwhile.
        for folder, _, names in os.walk(self.share):
            for path in (Path(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    if stat.S_ISREG(path.lstat().st_mode):
                        found[str(path.relative_to(self.share))] = self._content_of(path)
        return found

    def _content_of(self, path: Path) -> bytes:
        """Read a file, unless it was read as it is: this is asked many times a second."""
        now = path.lstat()
        key = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if path not in self.read or self.read[path][0] != key:
            self.read[path] = key, path.read_bytes()
        return self.read[path][1]

    def ends(
        self, below: str, painted: Iterable[bytes] = (), failed: Iterable[bytes] = ()
    ) -> dict[str, bytes]:
        """Wait until these photos have ended, and see that each did so once, with its result.

        Args:
            below: what the names of all of them, and of nothing else, begin with in each folder.
            painted: those that have to have a result.
            failed: those that have to have a reason.

        Returns:
            The results, by name.
        """
        painted, failed = list(painted), list(failed)
        self.wait(lambda: self._have_ended(painted, failed))
        for photo in painted:
            (place,) = self.places(photo)
            assert place.startswith(f"Originals/{below}")
        for photo in failed:
            (place,) = self.places(photo)
            assert place.startswith(f"Failed/{below}")
        found = self.tree()
        results = {name: data for name, data in found.items() if name.startswith(f"Outbox/{below}")}
        assert len(results) == len(painted), sorted(results)
        for photo in painted:
            assert len([1 for data in results.values() if is_painting_of(photo, data)]) == 1
        assert [name for name in found if name.startswith(f"Inbox/{below}")] == []
        # None stays; for a moment one is there each time the page is made.
        self.wait(lambda: not any(files.is_temporary(Path(name).name) for name in self.tree()))
        return results

    def _have_ended(self, painted: list[bytes], failed: list[bytes]) -> bool:
        found = self.tree()
        if any(name.startswith(".atelierd/jobs/") for name in found):
            return False
        ended = {data for name, data in found.items() if name.startswith("Originals/")}
        ended |= {
            data
            for name, data in found.items()
            if name.startswith("Failed/") and why_name(name) in found
        }
        return ended.issuperset(painted) and ended.issuperset(failed)


def mean(picture: bytes) -> Any:
    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB"), np.float64).mean(axis=(0, 1))


def is_painting_of(photo: bytes, result: bytes) -> bool:
    """Whether the stand-in for the engine has seen all of this photo."""
    return bool(np.abs((mean(photo) + STYLE) / 2 - mean(result)).max() <= 1)


@contextmanager
def built(users: Users, config: str = PATIENT) -> Iterator[House]:
    """A share as docs/install.md has it made; nothing runs yet, and nothing does afterwards."""
    # Not in pytest's folder, which is closed to the other users.
    with tempfile.TemporaryDirectory(prefix="atelierd-share-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "config.toml").write_text(config)
        for below, mode in (("share", 0o2755), ("state", 0o750)):
            (folder / below).mkdir()
            users.own(folder / below)
            (folder / below).chmod(mode)
        command = [*users.as_service(), sys.executable, "-m", "daemon", "init", "--no-styles"]
        subprocess.run(
            [*command, folder / "share"], cwd=ROOT, check=True, capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        house = House(folder, users=users)
        try:
            yield house
        finally:
            for process in house.processes:
                process.kill()
                process.wait()


def needed(*programs: str) -> list[str]:
    """The paths of these programs; without one of them the test is left out."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = {program: shutil.which(program, path=path) for program in programs}
    missing = [program for program, place in found.items() if place is None]
    if missing:
        pytest.skip(
            f"{', '.join(missing)} not installed (apt install samba smbclient openssh-client)"
        )
    return [place for place in found.values() if place is not None]
