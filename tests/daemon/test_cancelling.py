"""Photos that are cancelled while a service runs: in the queue, in the engine, on their way out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from daemon import publishing
from daemon.cancelling import cancel_without_service
from daemon.endings import Endings
from daemon.errors import JournalError, PublishError
from daemon.jobs import JobState
from daemon.journal import Journal
from daemon.reasons import CANCELLED
from daemon.requests import Requests
from daemon.runners.base import Cancelled, Event, Failed, Progressed, Started
from daemon.runners.request import PaintRequest
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from tests.daemon.run_and_die_cancelled import EndlessRunner
from tests.daemon.standins import StandInRunner, paint, picture, progress
from tests.daemon.test_service import QUICK, House

SLOW = picture((250, 0, 0))


@dataclass
class Asked(House):
    """A house whose engine paints one photo without end, and gives it up when asked."""

    requests: Requests = field(default_factory=lambda: Requests(None))
    unwanted: set[str] = field(default_factory=set)

    def more_parts(self) -> dict[str, Any]:
        return {"requests": self.requests}

    def jobs(self) -> dict[str, str]:
        """The ids of all jobs, by their photos' names; seen from any thread."""
        with closing(Journal(self.journal._path, time.time, read_only=True)) as reader:
            return {job.relative.name: job.id for state in JobState for job in reader.having(state)}

    def cancel(self, name: str) -> None:
        """Ask for that once, however often it is called: what is asked too late is left over."""
        if name not in self.unwanted:
            self.unwanted.add(name)
            self.requests.cancel(self.jobs()[name])

    def running(self) -> list[str]:
        with closing(Journal(self.journal._path, time.time, read_only=True)) as reader:
            return [job.relative.name for job in reader.having(JobState.RUNNING)]

    def state_of(self, name: str) -> tuple[JobState, str | None]:
        job = self.journal.get(self.jobs()[name])
        return job.state, job.error


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.setattr("tests.daemon.test_service.StandInRunner", EndlessRunner)
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    requests = Requests(tmp_path / "state")
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        requests.offer()
        settings = Settings(watch=QUICK, paint=PaintSettings(preset="draft"))
        yield Asked(share, journal, settings, answer=paint_or_keep, requests=requests)


def paint_or_keep(request: PaintRequest) -> list[Event]:
    return [] if request.content == SLOW else paint(request)


def drop(asked: Asked, **photos: bytes) -> None:
    folder = asked.style()
    for name, data in photos.items():
        (folder / f"{name}.jpg").write_bytes(data)


def notes(asked: Asked) -> list[str]:
    return [name for name in asked.files(asked.share.failed) if name.endswith("why.txt")]


def test_a_photo_that_is_being_painted_goes_to_failed_and_the_next_is_painted(
    asked: Asked,
) -> None:
    drop(asked, a=SLOW, b=picture())

    def done() -> bool:
        if asked.running() == ["a.jpg"]:
            asked.cancel("a.jpg")
        return asked.states() == {"failed": 1, "done": 1}

    asked.run_until(done)
    assert asked.files(asked.share.failed) == ["Waves/a.jpg", "Waves/a.jpg - why.txt"]
    assert "Somebody cancelled it" in (asked.share.failed / "Waves/a.jpg - why.txt").read_text()
    assert asked.files(asked.share.outbox) == ["Waves/b.jpg"]
    assert asked.state_of("a.jpg") == (JobState.FAILED, CANCELLED)
    assert asked.requests.waiting() == []
    assert asked.runners[0].cancelled == [asked.jobs()["a.jpg"]]
    assert len(asked.said("job.cancelled")) == 1


def test_a_photo_that_waits_is_never_begun(asked: Asked) -> None:
    drop(asked, a=SLOW, b=picture(), c=picture((3, 3, 3)))

    def done() -> bool:
        if asked.running() == ["a.jpg"] and len(asked.jobs()) == 3:
            asked.cancel("b.jpg")
        return "failed" in asked.states()

    asked.run_until(done)
    assert asked.files(asked.share.failed) == ["Waves/b.jpg", "Waves/b.jpg - why.txt"]
    assert [request.content for request in asked.runners[0].requests] == [SLOW]
    assert asked.state_of("b.jpg") == (JobState.FAILED, CANCELLED)


def test_the_engine_takes_nothing_else_until_it_has_let_go(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of a large picture takes minutes; if it dies in it, no other photo is to blame."""
    monkeypatch.setattr("tests.daemon.test_service.StandInRunner", StandInRunner)
    drop(asked, a=SLOW, b=picture())

    def done() -> bool:
        if asked.running() == ["a.jpg"] and len(asked.jobs()) == 2:
            asked.cancel("a.jpg")
        if asked.states() != {"failed": 1, "queued": 1}:
            return "done" in asked.states()
        runner = asked.runners[0]
        if runner.kept:
            assert len(runner.requests) == 1
            job_id = runner.kept.pop()
            runner.deliver(Progressed(job_id, progress()))  # of a step that it was at
            runner.deliver(Cancelled(job_id))
        return False

    asked.run_until(done)
    assert asked.states() == {"failed": 1, "done": 1}


def test_a_picture_that_comes_too_late_is_thrown_away(asked: Asked) -> None:
    def last_words(request: PaintRequest) -> list[Event]:
        if request.content != SLOW:
            return paint(request)
        # The picture lies in the mail already when the request is heeded.
        asked.requests.cancel(request.job_id)
        return [Started(request.job_id)]

    asked.answer = last_words
    drop(asked, a=SLOW)
    real = EndlessRunner.cancel

    def cancel(runner: EndlessRunner, job_id: str, **_: bool) -> None:
        for event in paint(PaintRequest(job_id, b"", (), runner.requests[0].recipe)):
            runner.deliver(event)
        real(runner, job_id)

    asked.runners.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EndlessRunner, "cancel", cancel)
        asked.once()
    assert asked.files(asked.share.outbox) == []
    assert asked.state_of("a.jpg") == (JobState.FAILED, CANCELLED)


@pytest.mark.parametrize("job_id", ["job-77", "a" * 16])
def test_a_request_for_nothing_is_forgotten(asked: Asked, job_id: str) -> None:
    asked.requests.cancel(job_id)
    drop(asked, b=picture())
    asked.once()
    assert asked.requests.waiting() == []
    assert asked.states() == {"done": 1}


def test_a_photo_that_is_painted_stays_so(asked: Asked) -> None:
    drop(asked, b=picture())
    asked.once()
    asked.requests.cancel(asked.jobs()["b.jpg"])
    asked.once()
    assert asked.requests.waiting() == []
    assert [line["photo"] for line in asked.said("job.not_cancelled")] == ["Waves/b.jpg"]
    assert asked.states() == {"done": 1}
    assert notes(asked) == []


def test_what_is_on_its_way_out_comes_to_that_end(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = publishing.keep_original, list[int]()

    def keep(*arguments: Any) -> Path:
        if len(refusals) < 3:
            refusals.append(0)
            asked.requests.cancel(asked.jobs()["b.jpg"])
            raise PublishError("The disk is full.")
        return real(*arguments)

    monkeypatch.setattr(publishing, "keep_original", keep)
    drop(asked, b=picture())
    asked.run_until(lambda: asked.states() == {"done": 1} and asked.requests.waiting() == [])
    assert asked.files(asked.share.outbox) == ["Waves/b.jpg"]
    assert asked.files(asked.share.originals) == ["Waves/b.jpg"]
    assert notes(asked) == []


def test_while_failed_takes_nothing_the_photo_waits_and_is_not_painted(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = publishing.fail, list[int]()

    def fail(*arguments: Any) -> Path:
        if len(refusals) < 2:
            refusals.append(0)
            raise PublishError("The disk is full.")
        return real(*arguments)

    monkeypatch.setattr(publishing, "fail", fail)
    drop(asked, a=SLOW)

    def done() -> bool:
        if asked.running() == ["a.jpg"] and not refusals:
            asked.cancel("a.jpg")
        return asked.states() == {"failed": 1}

    asked.run_until(done)
    assert len(asked.runners[0].requests) == 1
    assert asked.state_of("a.jpg") == (JobState.FAILED, CANCELLED)


def test_an_engine_that_dies_meanwhile_changes_nothing(asked: Asked) -> None:
    drop(asked, a=SLOW)

    def cancel(runner: EndlessRunner, job_id: str, **_: bool) -> None:
        runner.kept.remove(job_id)
        runner.deliver(Failed(job_id, "lost", "The engine died."))

    def done() -> bool:
        if asked.running() == ["a.jpg"]:
            asked.cancel("a.jpg")
        return asked.states() == {"failed": 1}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EndlessRunner, "cancel", cancel)
        asked.run_until(done)
    assert asked.state_of("a.jpg") == (JobState.FAILED, CANCELLED)
    assert asked.said("job.requeued") == []


def test_a_cancelled_photo_can_be_dropped_again(asked: Asked) -> None:
    drop(asked, b=picture())
    asked.answer = lambda request: asked.requests.cancel(request.job_id) or []  # type: ignore[func-returns-value]
    asked.once()
    assert asked.states() == {"failed": 1}
    (asked.share.failed / "Waves/b.jpg").rename(asked.share.inbox / "Waves/b.jpg")
    asked.answer = paint
    asked.once()
    assert asked.states() == {"failed": 1, "done": 1}


def test_without_a_service_a_picture_that_is_out_is_found(asked: Asked) -> None:
    """The journal does not know it: the service died between the two."""
    drop(asked, b=picture())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "published", refuse_journal)
        asked.service().run()
    job = asked.journal.get(asked.jobs()["b.jpg"])
    assert job.result is None
    assert asked.files(asked.share.outbox) == ["Waves/b.jpg"]
    endings = Endings(asked.share, asked.journal, time.monotonic)
    cancel_without_service(asked.share, endings, job)
    assert asked.states() == {"done": 1}
    assert asked.files(asked.share.originals) == ["Waves/b.jpg"]
    assert notes(asked) == []


def refuse_journal(*_: Any) -> None:
    raise JournalError("killed in this moment")
