"""A share for measurements, and the real service on it, in a process of its own."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from daemon.journal import JOURNAL, Journal
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share

QUICK_TO_SETTLE: Final = {"watch.settle_seconds": "1", "watch.poll_seconds": "0.5"}
"""A copy on one disk is complete at once."""

_END_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1
_ROOT: Final = Path(__file__).parent.parent


class HouseError(Exception):
    """The service has ended, or does not come to where it should."""


@dataclass(frozen=True)
class House:
    """A share and where its service keeps its journal.

    Attributes:
        share: made.
        base: setting `state_dir` of the service.
        log: what the service says.
    """

    share: Share
    base: Path
    log: Path

    @property
    def options(self) -> list[str]:
        """What a command needs to find it."""
        return ["--share.root", str(self.share.root), "--state_dir", str(self.base)]

    @property
    def state(self) -> Path:
        """The folder of the journal.

        Raises:
            HouseError: no service has made it yet.
        """
        found = next(self.base.glob(f"**/{JOURNAL}"), None)
        if found is None:
            raise HouseError(f"there is no journal in {self.base}")
        return found.parent

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, to read beside the service."""
        with closing(Journal(self.state / JOURNAL, time.time, read_only=True)) as journal:
            yield journal


def make_house(folder: Path, styles: int) -> House:
    """Make a share with small pictures as styles.

    Args:
        folder: an empty one.
        styles: how many.
    """
    share = open_share(ShareSettings(root=folder / "share"))
    share.root.mkdir()
    make_share(share)
    for number, name in enumerate(style_names(styles)):
        (share.styles / f"{name}.jpg").write_bytes(small_picture(number))
    return House(share, folder / "state", folder / "atelierd.log")


def style_names(number: int) -> list[str]:
    """Names of so many styles."""
    return [f"Style {each:03}" for each in range(number)]


def small_picture(seed: int, width: int = 64, height: int = 48) -> bytes:
    """A JPEG of noise: no two seeds give the same."""
    file = io.BytesIO()
    noise = random.Random(seed).randbytes(width * height * 3)  # noqa: S311 - no secret
    Image.frombytes("RGB", (width, height), noise).save(file, "JPEG")
    return file.getvalue()


@contextmanager
def service(
    house: House, program: Sequence[str], settings: Mapping[str, str], **environ: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The service, as long as this lasts.

    Args:
        house: its share.
        program: the words that come before the options: a module's name first.
        settings: besides where the share is.
        environ: variables besides ours.
    """
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    words = [sys.executable, "-m", *program, *house.options, *options, "--log.format", "json"]
    with house.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            words, stdin=subprocess.DEVNULL, stderr=log, env={**environment(), **environ}, cwd=_ROOT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment() -> dict[str, str]:
    """Ours, with this checkout's modules first."""
    return {**os.environ, "PYTHONPATH": str(_ROOT)}


def wait_until(
    what: str, is_so: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float
) -> None:
    """Wait for something that the service is to bring about.

    Raises:
        HouseError: it has ended, or the time is over.
    """
    until = time.monotonic() + seconds
    while not is_so():
        if process.poll() is not None:
            raise HouseError(f"the service ended with {process.returncode} before {what}")
        if time.monotonic() > until:
            raise HouseError(f"after {seconds:g} s still not: {what}")
        time.sleep(_LOOK_SECONDS)
