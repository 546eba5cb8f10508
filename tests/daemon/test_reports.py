"""What takes long: the service says that it goes on, and hears of a stop. A drive is slow here."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from daemon import claims, files
from daemon.journal import Journal
from daemon.notify import Notify
from daemon.service import Service
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from tests.daemon.listening import Listener
from tests.daemon.standins import picture
from tests.daemon.test_service import QUICK, House

MEGABYTES = 8
FILM = bytes(MEGABYTES << 20)
PID = 77


@dataclass
class Watched(House):
    """A house whose service is watched by systemd, and one drive of which is slow."""

    name: str = ""

    def more_parts(self) -> dict[str, Any]:
        environ = {"NOTIFY_SOCKET": self.name, "WATCHDOG_USEC": "1500000"}
        return {"notify": Notify(environ, time.monotonic, PID)}


@dataclass
class Slow:
    """A drive that takes its time for each megabyte.

    Attributes:
        seconds: for each.
        each: done after each of them.
        written: how many there were.
    """

    seconds: float = 0.4
    each: Callable[[], object] = lambda: None
    written: int = 0


@pytest.fixture
def listener() -> Iterator[Listener]:
    with closing(Listener(f"@atelierd-test-{uuid4()}")) as listener:
        yield listener


@pytest.fixture
def house(tmp_path: Path, elsewhere: Path, listener: Listener) -> Iterator[Watched]:
    share = open_share(ShareSettings(root=tmp_path / "share", failed=elsewhere / "Failed"))
    make_share(share)
    settings = Settings(watch=QUICK, paint=PaintSettings(preset="draft"))
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        made = Watched(share, journal, settings, name=listener.name)
        (made.style() / "film.jpg").write_bytes(FILM)  # which is no picture
        yield made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> Slow:
    drive, opened = Slow(), Path.open

    class Writer(io.BufferedWriter):
        def write(self, data: Any) -> int:
            time.sleep(drive.seconds)
            drive.written += 1
            drive.each()
            return super().write(data)

    def open_slowly(path: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        slow = mode == "xb" and files.is_temporary(path.name)
        if slow and path.parent.resolve().is_relative_to(elsewhere):
            return Writer(io.FileIO(path, "xb"))
        return opened(path, mode, *more, **options)

    monkeypatch.setattr(Path, "open", open_slowly)
    return drive


def run(service: Service) -> None:
    with capture_logs():
        service.run()


def test_a_long_copy_gives_signs_of_life(house: Watched, slow: Slow, listener: Listener) -> None:
    told = list[dict[str, str]]()

    def hear() -> None:
        new = listener.new()
        if slow.written > 2:  # what was said before the copy began does not count
            told.extend(new)

    slow.each = hear
    house.run_until(lambda: house.states() == {"failed": 1})
    assert (house.share.failed / "Waves/film.jpg").read_bytes() == FILM
    assert len([message for message in told if "WATCHDOG" in message]) >= 2
    assert [message for message in told if message.get("STATUS", "").startswith("Busy with")]


def test_a_stop_takes_the_copy_back_and_the_next_start_makes_it(
    house: Watched, slow: Slow, listener: Listener
) -> None:
    service = house.service(once=False)
    after = 0

    def stop() -> None:
        nonlocal after
        if slow.written == 4:
            service.stop("the test")
        after += slow.written > 4

    slow.each = stop
    run(service)
    assert after == 0
    assert house.files(house.share.failed) == ["Waves/film.jpg - why.txt"]
    (claim,) = claims.find_claims(house.share)
    photo = house.share.work / "jobs" / claim / "film.jpg"
    assert photo.read_bytes() == FILM
    # The same at the start: which says that it takes longer, and can be stopped too.
    service, slow.written, before = house.service(once=False), 0, len(listener.heard())
    run(service)
    assert after == 0
    extended = [one for one in listener.heard()[before:] if "EXTEND_TIMEOUT_USEC" in one]
    assert extended
    assert photo.read_bytes() == FILM
    assert house.files(house.share.failed) == ["Waves/film.jpg - why.txt"]
    slow.each, slow.seconds = lambda: None, 0.0
    house.run_until(lambda: house.states() == {"failed": 1})
    assert (house.share.failed / "Waves/film.jpg").read_bytes() == FILM
    assert house.states() == {"failed": 1}
    assert claims.find_claims(house.share) == []
    assert house.files(house.share.failed) == ["Waves/film.jpg", "Waves/film.jpg - why.txt"]


def test_a_photo_is_painted_after_a_film_that_was_moved(house: Watched, slow: Slow) -> None:
    slow.seconds = 0.05
    (house.share.inbox / "Waves" / "photo.jpg").write_bytes(picture())
    house.run_until(lambda: house.states() == {"done": 1, "failed": 1})
    assert house.states() == {"done": 1, "failed": 1}
