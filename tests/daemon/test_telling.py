"""What the log is told of a painting on its way: news; and all of it for who looks closely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.jobs import Job, NewJob
from daemon.journal import JOURNAL, Journal
from daemon.runners.base import EngineAside, EngineReady, Progressed, Resumed, Started
from daemon.telling import Telling, tell_of_engine
from engine import DeviceReport, Progress


class Told:
    """A `Telling` with a clock of the test's own.

    Attributes:
        now: its time, in seconds.
    """

    def __init__(self, journal: Journal) -> None:
        self.now = 1000.0
        self.journal = journal
        self.telling = Telling(journal, lambda: self.now)

    def job(self, name: str) -> Job:
        claim = Path("/share/.atelierd/jobs") / name / "photo.jpg"
        photo = PurePath("Waves") / f"{name}.jpg"
        self.journal.add(NewJob(name, "Waves", "Waves", photo, claim, claim, None, "{}"))
        return self.journal.start(name)

    def step(self, job: Job, at: float, iteration: int, scale: int = 1) -> str:
        """Which level a step has in the log; empty if it is not told."""
        self.now = 1000.0 + at
        with capture_logs() as logs:
            progress = Progress(iteration, 1000, scale, 3, 8, 8, 1.0, 2.0)
            self.telling.tell(job, Progressed(job.id, progress))
        levels: list[Any] = [line["log_level"] for line in logs if line["event"] == "job.progress"]
        assert len(levels) <= 1
        return "".join(levels)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with closing(Journal(tmp_path / JOURNAL, lambda: 0.0)) as journal:
        yield Told(journal)


def test_news_come_every_half_minute_and_the_rest_at_debug(told: Told) -> None:
    job = told.job("a")
    levels = {at: told.step(job, at, 1 + at) for at in range(100)}
    assert [at for at, level in levels.items() if level == "info"] == [0, 30, 60, 90]
    assert {level for at, level in levels.items() if at % 30} == {"debug"}


def test_how_far_one_that_goes_on_was_is_known_at_once(told: Told) -> None:
    job = told.job("a")
    told.telling.tell(job, Started(job.id))
    assert told.journal.get("a").iteration is None
    told.telling.tell(job, Resumed(job.id, 30, 512, 120))
    known = told.journal.get("a")
    assert (known.iteration, known.total, known.eta_seconds) == (30, 120, None)


def test_each_scale_is_news_as_soon_as_it_begins(told: Told) -> None:
    job = told.job("a")
    course = [(0, 1), (2, 1), (4, 2), (33, 2), (34, 2), (40, 3)]
    news = [at for at, scale in course if told.step(job, at, 1 + at, scale) == "info"]
    assert news == [0, 4, 34, 40]


def test_each_job_and_each_attempt_has_news_of_its_own(told: Told) -> None:
    one, other = told.job("a"), told.job("b")
    steps = [(0, one), (1, other), (2, one), (3, other)]
    assert [told.step(job, at, 1 + at) for at, job in steps] == ["info", "info", "debug", "debug"]
    told.telling.tell(one, Started(one.id))
    assert [told.step(one, 5, 6), told.step(other, 6, 7)] == ["info", "debug"]
    told.telling.forget(other.id)
    assert told.step(other, 8, 9) == "info"


def test_who_reads_the_journal_along_has_it_each_second_as_before(told: Told) -> None:
    job = told.job("a")
    for at in range(1, 20):
        told.step(job, at, at)
        assert told.journal.get("a").iteration == at


def test_more_than_that_is_told_nobody(told: Told) -> None:
    job = told.job("a")
    assert [bool(told.step(job, at / 4, at + 1)) for at in range(9)] == [
        True, False, False, False, True, False, False, False, True,
    ]  # fmt: skip


def test_of_one_set_aside_the_name_is_told_once() -> None:
    with capture_logs() as logs:
        tell_of_engine(EngineAside("anna", "anna: It has other weights. See there."))
        tell_of_engine(EngineAside("engine 2", "It died."))
    told = [(line["engine"], line["why"]) for line in logs]
    assert told == [("anna", "It has other weights. See there."), ("engine 2", "It died.")]


def test_that_there_are_painters_again_is_told_before_who_they_are() -> None:
    ready = EngineReady(DeviceReport("cpu", "float32", 1, "so"), "0" * 64, 1.0, "anna")
    with capture_logs() as logs:
        tell_of_engine(ready, was_none=True)
        tell_of_engine(ready)
    events = [line["event"] for line in logs]
    assert events == ["engine.available", "engine.ready", "engine.ready"]
