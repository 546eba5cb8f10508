"""What cannot be read or taken: when it is tried again, and when people's patience is over."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon.errors import ClaimError, ClaimHeldError, FaultError
from daemon.pairing import Candidate
from daemon.readiness import Readiness
from daemon.ready import Ready
from daemon.scanner import Sighting
from daemon.settings import WatchSettings
from daemon.troubles import Troubles
from tests.daemon.standins import Clock

PATIENCE = 60.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock) -> Troubles:
    settings = WatchSettings(patience_seconds=PATIENCE)
    return Troubles(settings, Readiness(settings, clock), clock)


def photo(name: str, folder: str = "Waves") -> Ready:
    path = Path("/share/Inbox") / folder / name
    seen = Sighting(path, 5, 1, hash(name) & 0xFFFF)
    style = Path("/share/Styles/Waves.jpg")
    relative = PurePath(folder) / name
    return Ready(
        Candidate("style", "Waves", "Waves", seen, style, None, None, None, relative), (None,)
    )


def error(kind: type[ClaimError], name: str, number: int = errno.EACCES) -> ClaimError:
    made = kind(f"{name} could not be taken.")
    made.__cause__ = OSError(number, os.strerror(number), name)
    return made


def test_each_reason_of_a_folder_is_said_once_until_all_are_taken(troubles: Troubles) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            for name in "abc":
                troubles.hold(photo(name), error(ClaimError, name))
            troubles.hold(photo("d", "Dots"), error(ClaimError, "d"))
            troubles.hold(photo("a"), error(ClaimError, "a", errno.EIO))
        troubles.forget_all_but([], [])
        assert not troubles
        troubles.hold(photo("a"), error(ClaimError, "a"))
    loud = [line["photo"] for line in logs if line["log_level"] == "warning"]
    assert loud == ["Waves/a", "Dots/d", "Waves/a", "Waves/a"]
    assert [line["event"] for line in logs if line["log_level"] == "info"] == ["claim.none_fails"]


def test_it_is_tried_again_later_and_later(troubles: Troubles, clock: Clock) -> None:
    ready = photo("a")
    assert troubles.is_due(ready)
    for pause in (1.0, 2.0, 4.0):
        assert troubles.delay(ready, FaultError(f"A fault, {pause}.")) == pause
        assert troubles.why == f"A fault, {pause}."
        assert not troubles.is_due(ready)
        clock.now += pause
        assert troubles.is_due(ready)
    assert not troubles.may_pass
    troubles.forget(ready)
    assert not troubles.taking_fails


def test_only_what_may_not_be_moved_for_as_long_as_people_have_patience_is_held(
    troubles: Troubles, clock: Clock
) -> None:
    ready = photo("a")
    assert not troubles.is_held(ready)
    troubles.hold(ready, error(ClaimHeldError, "a"))
    clock.now += PATIENCE - 1
    troubles.hold(ready, error(ClaimHeldError, "a"))
    assert not troubles.is_held(ready)
    troubles.hold(ready, error(ClaimError, "a", errno.ENOSPC))  # that was something else
    clock.now += 10.0
    assert not troubles.is_held(ready)
    troubles.hold(ready, error(ClaimHeldError, "a"))
    clock.now += PATIENCE
    assert troubles.is_held(ready)
    assert troubles.why == "a could not be taken."


def test_photos_with_gaps_are_told_of_once_a_folder(troubles: Troubles) -> None:
    waves, dots = [photo(name) for name in "abc"], photo("d", "Dots")
    with capture_logs() as logs:
        for each in (*waves, dots):
            assert troubles.waits_for_gaps(each, ["content"])
        troubles.forget_all_but(waves[1:], [])
        for each in (waves[0], dots):
            assert troubles.waits_for_gaps(each, ["content"])
    assert {line["event"] for line in logs} == {"photo.has_gap"}
    loud = [line["photo"] for line in logs if line["log_level"] == "warning"]
    assert loud == ["Waves/a", "Dots/d", "Dots/d"]
    assert len(logs) == 6


def test_a_style_with_gaps_is_forgotten_when_it_has_gone(troubles: Troubles, clock: Clock) -> None:
    ready = photo("a")
    assert troubles.waits_for_gaps(ready, ["style"])
    clock.now += 200.0
    troubles.forget_all_but([ready], [ready.candidate.style])
    assert not troubles.waits_for_gaps(ready, ["style"])
    troubles.forget_all_but([ready], [])
    assert troubles.waits_for_gaps(ready, ["style"])
