"""Readiness: files at rest, by a clock that the test sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.pairing import Candidate
from daemon.readiness import Readiness
from daemon.scanner import Sighting
from daemon.settings import WatchSettings
from tests.daemon.standins import Clock

PHOTO = Sighting(Path("/i/photo.jpg"), size=100, mtime_ns=5, inode=1)
STYLE = Sighting(Path("/i/photo.style.jpg"), size=200, mtime_ns=6, inode=2)


def candidate(content: Sighting, style: Sighting | None = None) -> Candidate:
    relative = PurePath(content.path.name)
    path = Path("/s.jpg")
    return Candidate("style", "s", "s", content, path, style, None, None, relative)


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def readiness(clock: Clock) -> Readiness:
    return Readiness(WatchSettings(settle_seconds=5, settle_scans=3), clock)


def look(readiness: Readiness, clock: Clock, after: float, *found: Candidate) -> list[Candidate]:
    clock.now += after
    return readiness.settled(found)


def test_long_enough_and_often_enough_is_settled(readiness: Readiness, clock: Clock) -> None:
    photo = candidate(PHOTO)
    assert look(readiness, clock, 0, photo) == []
    assert look(readiness, clock, 2.5, photo) == []
    assert readiness.restless
    assert look(readiness, clock, 2.5, photo) == [photo]
    assert not readiness.restless
    assert look(readiness, clock, 1, photo) == [photo]


def test_time_alone_is_not_enough(readiness: Readiness, clock: Clock) -> None:
    look(readiness, clock, 0, candidate(PHOTO))
    assert look(readiness, clock, 1000, candidate(PHOTO)) == []
    assert readiness.restless
    assert look(readiness, clock, 0, candidate(PHOTO)) != []


def test_looks_alone_are_not_enough(readiness: Readiness, clock: Clock) -> None:
    for _ in range(100):
        assert look(readiness, clock, 0.01, candidate(PHOTO)) == []
    assert readiness.restless


@pytest.mark.parametrize(
    "changed", [{"size": 101}, {"size": 99}, {"mtime_ns": 6}, {"mtime_ns": 4}, {"inode": 9}]
)
def test_any_change_begins_anew(
    readiness: Readiness, clock: Clock, changed: dict[str, int]
) -> None:
    for _ in range(3):
        look(readiness, clock, 5, candidate(PHOTO))
    later = candidate(replace(PHOTO, **changed))
    assert look(readiness, clock, 5, later) == []
    assert readiness.unchanged_for(later) == 0
    assert look(readiness, clock, 5, later) == []
    assert look(readiness, clock, 0, later) == [later]


def test_the_files_own_times_say_nothing(readiness: Readiness, clock: Clock) -> None:
    for mtime_ns in (0, -1, 2**62):
        photo = candidate(replace(PHOTO, mtime_ns=mtime_ns, inode=abs(mtime_ns)))
        found = [look(readiness, clock, 5, photo) for _ in range(3)]
        assert found == [[], [], [photo]]


def test_all_files_of_a_candidate_have_to_rest(readiness: Readiness, clock: Clock) -> None:
    for _ in range(3):
        look(readiness, clock, 5, candidate(PHOTO))
    both = candidate(PHOTO, STYLE)
    assert look(readiness, clock, 5, both) == []
    assert readiness.unchanged_for(both) == 0
    assert look(readiness, clock, 3, both) == []
    assert readiness.unchanged_for(both) == 3
    assert look(readiness, clock, 3, both) == [both]


def test_one_restless_file_holds_up_no_other(readiness: Readiness, clock: Clock) -> None:
    photo = candidate(PHOTO)
    for size in range(1, 4):
        growing = candidate(replace(STYLE, size=size))
        found = look(readiness, clock, 5, photo, growing)
    assert found == [photo]
    assert readiness.restless


def test_an_empty_file_never_settles_but_is_unchanged(readiness: Readiness, clock: Clock) -> None:
    empty = candidate(replace(PHOTO, size=0))
    for _ in range(10):
        assert look(readiness, clock, 10, empty) == []
    assert readiness.unchanged_for(empty) == 90
    assert not readiness.restless


def test_what_vanished_is_forgotten(readiness: Readiness, clock: Clock) -> None:
    for _ in range(3):
        look(readiness, clock, 5, candidate(PHOTO))
    assert look(readiness, clock, 5) == []
    assert not readiness.restless
    assert readiness._rests == {}
    assert look(readiness, clock, 5, candidate(PHOTO)) == []


def test_an_unknown_candidate_has_changed_just_now(readiness: Readiness) -> None:
    assert readiness.unchanged_for(candidate(PHOTO)) == 0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 1)), max_size=30),
    st.floats(0, 6),
    st.integers(2, 5),
)
def test_settled_is_never_said_too_early(
    looks: list[tuple[float, int]], seconds: float, scans: int
) -> None:
    clock = Clock(1000.0)
    readiness = Readiness(WatchSettings(settle_seconds=seconds, settle_scans=scans), clock)
    history: list[tuple[float, int]] = []
    for after, size in looks:
        photo = candidate(replace(PHOTO, size=size))
        found = look(readiness, clock, after, photo)
        history.append((clock.now, size))
        same = next((n for n, (_, s) in enumerate(reversed(history)) if s != size), len(history))
        rested = clock.now - history[-same][0] >= seconds and same >= scans
        assert (found == [photo]) == (rested and size > 0)
        assert readiness.restless != rested
