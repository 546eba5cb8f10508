"""Two thousand photos at once in fifty folders: who comes first, and what a look costs then."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from daemon.endings import Endings
from daemon.inspector import Inspected
from daemon.intake import Intake
from daemon.journal import Journal
from daemon.settings import Settings, ShareSettings, WatchSettings
from daemon.share import Share, make_share, open_share

PHOTOS, STYLES = 2000, 50
LANES = [f"Style {number:02}" for number in range(STYLES)]
CALLS = ("stat", "lstat", "open", "scandir", "listdir")


@dataclass
class Crowd:
    """An intake before all these photos; nothing is inspected before the test says so."""

    share: Share
    journal: Journal
    now: float = 0.0
    asked: deque[tuple[str, Path]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Put the styles there; their folders come with the first look."""
        ids = count()
        for lane in LANES:
            (self.share.styles / f"{lane}.jpg").write_bytes(b"style")
        settings = Settings(watch=WatchSettings(mode="poll", settle_seconds=1, settle_scans=2))
        self.intake = Intake(
            self.share,
            settings,
            self.journal,
            Endings(self.share, self.journal, lambda: self.now),
            self,
            clock=lambda: self.now,
            make_id=lambda: f"job-{next(ids)}",
        )
        self.look()

    def submit(self, key: str, content: Path, *_styles: Path, **_beside: object) -> None:
        """As an inspector: take note of the question."""
        self.asked.append((key, content))

    def answer(self) -> str:
        """Find the photo that was asked about first whole; give its folder."""
        key, content = self.asked.popleft()
        self.intake.answer(Inspected(key, ok=True, message="", blame=""))
        assert not content.exists()  # it was taken
        return content.parent.name

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += 1
            self.intake.look()

    def drop(self) -> None:
        """All of a folder, then all of the next one."""
        for lane in LANES:
            for number in range(PHOTOS // STYLES):
                (self.share.inbox / lane / f"{number:03}.jpg").write_bytes(b"photo")


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 0.0)) as journal:
        yield Crowd(share, journal)


def test_folders_take_turns_in_being_taken_and_in_being_painted(crowd: Crowd) -> None:
    crowd.drop()
    crowd.look(3)
    turns = 4
    taken = [crowd.answer() for _ in range(turns * STYLES)]
    begun = []
    while (job := crowd.journal.next_queued()) is not None:
        crowd.journal.start(job.id)
        begun.append(job.lane)
    for order in (taken, begun):
        for turn in range(turns):
            assert sorted(order[turn * STYLES : (turn + 1) * STYLES]) == LANES


def test_who_comes_later_waits_for_one_turn_of_the_others_at_most(crowd: Crowd) -> None:
    crowd.drop()
    crowd.look(3)
    for _ in range(2 * STYLES):
        crowd.answer()
    late = crowd.share.inbox / "Another"
    (crowd.share.styles / "Another.jpg").write_bytes(b"style")
    crowd.look()
    (late / "late.jpg").write_bytes(b"photo")
    crowd.look(3)
    taken = [crowd.answer() for _ in range(STYLES + len(crowd.asked) + 1)]
    assert "Another" in taken


def test_few_are_asked_about_at_a_time(crowd: Crowd) -> None:
    crowd.drop()
    crowd.look(5)
    assert len(crowd.asked) == 4
    crowd.answer()
    assert len(crowd.asked) == 4


def test_what_a_look_costs_does_not_grow_with_the_photos(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return function(*args, **kwargs)

        return call

    def calls_of_a_look() -> Counter[str]:
        crowd.look(4)  # all is settled, and asked about
        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, counted(name, getattr(os, name)))
            calls.clear()
            crowd.look()
        return Counter(calls)

    statements: list[str] = []
    empty = calls_of_a_look()
    crowd.drop()
    crowd.journal._database.set_trace_callback(statements.append)
    full = calls_of_a_look()
    crowd.journal._database.set_trace_callback(None)
    assert full == empty
    assert full["scandir"] <= STYLES + 5
    assert full.total() <= 4 * STYLES + 50
    assert statements == []  # nothing is known of a photo before it is taken
    assert not any(crowd.share.work.rglob("*.jpg"))


def test_what_is_kept_of_photos_goes_with_them(crowd: Crowd) -> None:
    crowd.drop()
    crowd.look(3)
    intake = crowd.intake
    held = (intake._first_seen, intake._readiness._rests, intake._waiting)
    assert len(held[0]) == len(held[1]) == PHOTOS
    for lane in LANES:
        for photo in (crowd.share.inbox / lane).iterdir():
            photo.unlink()
    crowd.look()
    crowd.asked.clear()
    held = (intake._first_seen, intake._readiness._rests, intake._waiting, intake._pairer._known)
    assert [len(each) for each in held] == [0] * 4
    assert intake._seen is not None
    assert intake._seen.files == ()
