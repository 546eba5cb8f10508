"""Whatever a disk says: the service pauses, says so once, and carries on when that is over."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import bulletin
from daemon.bulletin import Bulletin
from daemon.journal import Journal
from daemon.marks import Marks
from daemon.runners.base import Event, Failed, Started
from daemon.runners.request import PaintRequest
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from tests.daemon.faulty import failing
from tests.daemon.mounting import Drive, drive
from tests.daemon.standins import paint, picture
from tests.daemon.test_service import LONG, QUICK, House

TORN = (1, 1, 1)
"""A photo of this colour cannot be painted."""
NUMBERS = [
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, errno.ESTALE,
    errno.EIO,
]  # fmt: skip


@dataclass
class Story(House):
    """A service that runs while a test does things to its disks."""

    state: Path = Path()

    def more_parts(self) -> dict[str, Any]:
        marks = Marks(self.share, self.state)
        marks.expect()
        marks.settle()
        return {"expect": marks.expect, "bulletin": Bulletin(self.state)}

    @property
    def trouble(self) -> str:
        return bulletin.read(self.state)

    def tell(self, story: Callable[[], None]) -> None:
        """Run the service in this thread while the story is told in another one."""
        service, failures = self.service(once=False), list[BaseException]()

        def run() -> None:
            try:
                story()
            except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
                failures.append(error)
            service.stop("the test")

        thread = threading.Thread(target=run)
        thread.start()
        try:
            with capture_logs() as self.logs:
                service.run()
        finally:
            thread.join()
        if failures:
            raise failures[0]

    def wait(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + LONG
        while not what():
            assert time.monotonic() < end, (self.trouble, self.states())
            time.sleep(0.02)

    def loud(self) -> list[str]:
        """What was logged for people to see."""
        return [line["event"] for line in self.logs if line["log_level"] in {"warning", "error"}]


def answer(request: PaintRequest) -> list[Event]:
    if request.content == picture(TORN):
        return [Started(request.job_id), Failed(request.job_id, "content", "It is torn.")]
    return paint(request)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.02)
    monkeypatch.setattr("daemon.backoff._LONGEST_SECONDS", 0.1)
    monkeypatch.setattr("daemon.setbacks._PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("daemon.outlet._FRESH_SECONDS", 0.0)
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    settings = Settings(
        watch=QUICK.model_copy(update={"patience_seconds": 60.0}),
        paint=PaintSettings(preset="draft"),
    )
    state = tmp_path / "state"
    with closing(Journal(state / "journal.sqlite", time.time)) as journal:
        yield Story(share, journal, settings, answer, state=state)


def go_through(
    house: Story,
    fault: Callable[[], AbstractContextManager[None]],
    name: str,
    *,
    torn: bool = False,
    inbox: Path | None = None,
) -> None:
    """Drop a photo into a house with a fault; mend that when it is told of; see the photo out."""
    house.style()
    data = picture(TORN if torn else (200, 30, 90))
    done = sum(house.states().values())
    with fault():
        ((inbox or house.share.inbox) / "Waves" / name).write_bytes(data)
        house.wait(lambda: house.trouble)
        time.sleep(0.15)  # some tries more
        states = house.states()
        assert states.get("done", 0) + states.get("failed", 0) == done
    house.wait(lambda: sum(house.states().get(each, 0) for each in ("done", "failed")) == done + 1)
    house.wait(lambda: not house.trouble)
    where = house.share.failed if torn else house.share.originals
    assert (where / "Waves" / name).read_bytes() == data


@pytest.mark.parametrize("place", ["inbox", "styles", "work", "outbox", "originals", "failed"])
def test_each_place_may_refuse_in_each_way(house: Story, place: str) -> None:
    folder = getattr(house.share, place)
    reading = place in {"inbox", "styles"}
    numbers = [*NUMBERS, errno.ENOENT] if reading else NUMBERS

    def story() -> None:
        for number in numbers:
            go_through(
                house,
                lambda number=number: failing(folder, number, reading=reading),
                f"{errno.errorcode[number]}.jpg",
                torn=place == "failed",
            )

    house.tell(story)
    names = sorted(f"Waves/{errno.errorcode[number]}.jpg" for number in numbers)
    assert house.files(house.share.outbox) == ([] if place == "failed" else names)
    assert house.files(house.share.inbox / "Waves") == []
    # A few for each fault, however often things were tried.
    assert len(house.loud()) <= 4 * len(numbers), house.loud()


def has_room_of_its_own(file: Path) -> bool:
    """Whether it is not only there, but has its size."""
    return file.exists() and file.stat().st_size > 0


@contextmanager
def full(disk: Drive) -> Iterator[None]:
    filler = disk.fill()
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(disk: Drive) -> Iterator[None]:
    disk.allow_writing(allowed=False)
    try:
        yield
    finally:
        disk.allow_writing(allowed=True)


@contextmanager
def away(disk: Drive) -> Iterator[None]:
    disk.disconnect()
    try:
        yield
        assert list(disk.folder.iterdir()) == []
    finally:
        disk.connect()


WAYS = {
    "inbox": (read_only, away),
    "styles": (away,),
    **dict.fromkeys(("work", "outbox", "originals", "failed"), (full, read_only, away)),
}
"""What of a real drive lets something wait; what does not is in the next test."""


@pytest.mark.parametrize("place", WAYS)
def test_real_drives_that_are_full_read_only_or_away(house: Story, place: str) -> None:
    with drive(getattr(house.share, place)) as disk:

        def story() -> None:
            for way in WAYS[place]:
                go_through(
                    house,
                    lambda way=way: way(disk),
                    f"{way.__name__}.jpg",
                    torn=place == "failed",
                    inbox=disk.aside if place == "inbox" else None,
                )

        make_share(house.share)
        house.tell(story)
        assert house.files(house.share.inbox / "Waves") == []
    assert len(house.loud()) <= 12, house.loud()


@pytest.mark.parametrize(
    ("place", "way"), [("inbox", full), ("styles", full), ("styles", read_only)]
)
def test_a_real_drive_that_takes_nothing_and_need_not_holds_up_nobody(
    house: Story, place: str, way: Callable[[Drive], AbstractContextManager[None]]
) -> None:
    with drive(getattr(house.share, place)) as disk:
        make_share(house.share)
        photo = house.style() / "photo.jpg"
        hidden = photo.with_name(".photo")
        hidden.write_bytes(picture())

        def story() -> None:
            with way(disk):
                hidden.rename(photo)
                house.wait(lambda: house.states().get("done"))
                assert not house.trouble

        house.tell(story)
        assert house.files(house.share.originals) == ["Waves/photo.jpg"]
        assert house.files(house.share.inbox / "Waves") == []


def test_a_work_disk_that_fills_up_while_it_is_painted_only_delays_the_end(house: Story) -> None:
    """What is on its way out is written down there first."""
    with ExitStack() as stack:
        disk = stack.enter_context(drive(house.share.work))
        make_share(house.share)
        filler = list[Path]()

        def fill_and_paint(request: PaintRequest) -> list[Event]:
            if not filler:
                filler.append(disk.fill())
            return answer(request)

        def story() -> None:
            for name, colour in (("good", (200, 30, 90)), ("torn", TORN)):
                (house.style() / f"{name}.jpg").write_bytes(picture(colour))
                house.wait(lambda: filler and house.trouble)
                time.sleep(0.2)
                filler.pop().unlink()
                house.answer = answer
                end = {"good": "done", "torn": "failed"}[name]
                house.wait(lambda end=end: house.states().get(end))
                house.wait(lambda: not house.trouble)
                filler.clear()

        house.answer = fill_and_paint
        house.tell(story)
        assert house.files(house.share.outbox) == ["Waves/good.jpg"]
        assert house.files(house.share.originals) == ["Waves/good.jpg"]
        assert "Waves/torn.jpg" in house.files(house.share.failed)


def test_a_full_disk_of_the_journal_stops_everything_and_loses_nothing(
    tmp_path: Path, house: Story
) -> None:
    with drive(tmp_path / "local") as disk:
        house.state = tmp_path / "local"
        with closing(Journal(house.state / "journal.sqlite", time.time)) as journal:
            house.journal = journal

            def story() -> None:
                folder = house.style()
                house.wait(lambda: has_room_of_its_own(house.state / bulletin.FILE))
                with full(disk):
                    for number in range(20):
                        (folder / f"{number}.jpg").write_bytes(picture())
                    house.wait(lambda: "journal" in house.trouble)
                    time.sleep(0.3)
                    asked = len(house.inspectors[0].photos)
                    assert asked < 60
                house.wait(lambda: house.states() == {"done": 20})
                house.wait(lambda: not house.trouble)

            house.tell(story)
        assert len(house.files(house.share.outbox)) == 20
        assert len(house.loud()) <= 6, house.loud()
