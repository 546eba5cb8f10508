"""Old jobs that are over are forgotten, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon import pruning
from daemon.errors import JournalError
from daemon.jobs import JobState, NewJob, Stay
from daemon.journal import Journal
from daemon.pruning import KEPT_SECONDS, Pruning
from tests.daemon.standins import Clock

DAY = 86_400.0


@pytest.fixture
def now() -> Clock:
    return Clock(1_000 * DAY)


@pytest.fixture
def journal(tmp_path: Path, now: Clock) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", now)) as opened:
        yield opened


def job(job_id: str) -> NewJob:
    photo, style = Path("/w") / job_id / "a.jpg", Path("/s.jpg")
    return NewJob(job_id, "Waves", "Waves", PurePath("a.jpg"), photo, style, None, "{}")


def end(journal: Journal, job_id: str, *, good: bool = True, stays: bool = False) -> None:
    here = (Stay(PurePath("a.jpg"), 1, 1),) if stays else ()
    journal.add(replace(job(job_id), stays=here))
    if good:
        journal.published(job_id, Path("/o.jpg"), {})
        journal.finish(job_id)
    else:
        journal.fail(job_id, "It is damaged.")


def ids(journal: Journal) -> set[str]:
    return {each.id for state in JobState for each in journal.having(state)}


def test_what_is_not_over_or_stays_is_kept_however_old(journal: Journal, now: Clock) -> None:
    for number in range(5):
        end(journal, f"old {number}", good=number % 2 == 0)
        now.now += 1
    end(journal, "stays", stays=True)
    for job_id in ("queued", "running"):
        journal.add(job(job_id))
    journal.start("running")
    now.now += 100 * DAY
    for job_id in ("new", "newer"):
        end(journal, job_id)
    assert journal.prune(2, 90 * DAY, 2) == 2
    assert ids(journal) & {f"old {n}" for n in range(5)} == {"old 2", "old 3", "old 4"}
    assert journal.prune(2, 90 * DAY, 100) == 3
    assert ids(journal) == {"stays", "queued", "running", "new", "newer"}
    assert journal.waiting() == {"Waves": 1}
    assert [one.id for one in journal.staying()] == ["stays"]


def test_the_newest_are_kept_however_old_and_the_young_however_many(
    journal: Journal, now: Clock
) -> None:
    for number in range(5):
        end(journal, str(number))
        now.now += 1
    assert journal.prune(0, 90 * DAY, 100) == 0
    now.now += 1000 * DAY
    assert journal.prune(5, 90 * DAY, 100) == 0
    assert journal.prune(3, 90 * DAY, 100) == 2
    assert ids(journal) == {"2", "3", "4"}


def test_a_clock_that_is_behind_forgets_nothing(journal: Journal, now: Clock) -> None:
    end(journal, "a")
    now.now = 0.0
    assert journal.prune(0, 90 * DAY, 100) == 0


def test_it_is_done_at_the_start_bit_by_bit_and_then_once_a_day(
    journal: Journal, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "NEWEST", 1)
    monkeypatch.setattr(pruning, "_AT_A_TIME", 2)
    for number in range(6):
        end(journal, str(number))
    now.now += KEPT_SECONDS + 1
    old = Pruning(journal, now)
    with capture_logs() as logs:
        left = []
        for _ in range(4):
            old.prune_if_due()
            left.append(len(ids(journal)))
    assert left == [4, 2, 1, 1]
    assert logs == [{"event": "journal.pruned", "jobs": 5, "log_level": "info"}]
    end(journal, "next")
    now.now += DAY - 1
    old.prune_if_due()
    assert len(ids(journal)) == 2


def test_a_journal_that_takes_nothing_holds_nobody_up_for_that(
    journal: Journal, now: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise JournalError("The disk is full.")

    old = Pruning(journal, now)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(journal, "prune", refuse)
        old.prune_if_due()
        old.prune_if_due()
    assert [line["event"] for line in logs] == ["journal.not_pruned"]
    for number in range(2):
        end(journal, str(number))
    monkeypatch.setattr(pruning, "NEWEST", 1)
    now.now += KEPT_SECONDS + DAY
    old.prune_if_due()
    assert ids(journal) == {"1"}


def test_the_file_stops_growing(journal: Journal, now: Clock) -> None:
    def fill(times: int) -> int:
        for number in range(times):
            end(journal, f"{now.now} {number}")
        now.now += 91 * DAY
        journal.prune(0, 90 * DAY, times)
        (pages,) = journal._rows("PRAGMA page_count")
        return int(pages[0])

    first = fill(200)
    assert max(fill(200) for _ in range(3)) <= first + 4
