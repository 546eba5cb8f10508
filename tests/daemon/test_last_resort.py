"""A fault of the program over one photo: that one fails, and everything else goes on."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import intention, publishing
from daemon.errors import ClaimError, ExitCode, FaultError
from daemon.jobs import JobState
from daemon.last_resort import LastResort
from daemon.reloading import Reread
from tests.daemon.standins import StandInRunner, paint, picture
from tests.daemon.test_service import House, house

__all__ = ["house"]


def test_what_nobody_foresaw_becomes_an_error_like_others_and_is_logged_once() -> None:
    last_resort = LastResort()
    with capture_logs() as logs:
        for _ in range(2):
            with (
                pytest.raises(FaultError, match=r"fault of the program itself \(ValueError\)"),
                last_resort.over("a photo"),
            ):
                raise ValueError("nobody thought of this")
    assert [line["log_level"] for line in logs] == ["error", "debug"]
    assert isinstance(logs[0]["exc_info"], ValueError)


def test_a_lack_of_memory_is_said_as_the_machine_says_it() -> None:
    with (
        capture_logs() as logs,
        pytest.raises(OSError, match="memory") as told,
        LastResort().over("a photo"),
    ):
        raise MemoryError
    assert (told.value.errno, logs) == (errno.ENOMEM, [])


@pytest.mark.parametrize("error", [ClaimError("said"), OSError("a disk"), KeyboardInterrupt()])
def test_what_is_meant_stays_as_it_is(error: BaseException) -> None:
    with capture_logs() as logs, pytest.raises(type(error)), LastResort().over("a photo"):
        raise error
    assert logs == []


def over_the_bad_one(usual: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, but for one photo it does what nobody foresaw."""

    def function(*arguments: Any, **more: Any) -> Any:
        # With its suffix: the address of a function among them may well hold the letters alone.
        if any("bad.jpg" in repr(argument) for argument in arguments):
            raise ValueError("nobody thought of this")
        return usual(*arguments, **more)

    return function


def break_it(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    module, _, name = where.rpartition(".")
    usual = getattr(__import__(module, fromlist=[name]), name)
    monkeypatch.setattr(where, over_the_bad_one(usual))


@pytest.mark.parametrize(
    "where",
    [
        "daemon.intake.recipe_of",
        "daemon.dispatch.load",
        "daemon.dispatch.seen",
        "daemon.dispatch.is_changed",
        "daemon.publishing.publish_result",
    ],
)
def test_one_photo_fails_and_the_others_are_painted(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    break_it(monkeypatch, where)
    folder = house.style()
    for name in ("bad", "good"):
        (folder / f"{name}.jpg").write_bytes(picture())
    house.once()
    assert house.files(house.share.failed) == ["Waves/bad.jpg", "Waves/bad.jpg - why.txt"]
    why = (house.share.failed / "Waves" / "bad.jpg - why.txt").read_text()
    assert "A fault of the program itself (ValueError)" in why
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]
    assert house.states() == {"done": 1, "failed": 1}
    told = [line["log_level"] for line in house.said("program.fault")]
    assert told == ["error", *["debug"] * (len(told) - 1)]


@pytest.mark.parametrize(
    ("where", "stays_in"),
    [
        ("daemon.claims._move_in", "inbox"),
        ("daemon.publishing.keep_original", "work"),
    ],
)
def test_one_that_cannot_be_moved_for_it_waits_and_holds_up_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str, stays_in: str
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    folder = house.style()
    for name in ("bad", "good"):
        (folder / f"{name}.jpg").write_bytes(picture())
    with pytest.MonkeyPatch.context() as broken:
        break_it(broken, where)
        house.once()
        told = [line["log_level"] for line in house.said("program.fault")]
        assert told == ["error", *["debug"] * (len(told) - 1)]
        assert "Waves/good.jpg" in house.files(house.share.originals)
        left = house.files(getattr(house.share, stays_in))
        assert any(name.endswith("bad.jpg") for name in left)
    house.once()
    assert house.files(house.share.originals) == ["Waves/bad.jpg", "Waves/good.jpg"]
    assert house.files(house.share.outbox) == ["Waves/bad.jpg", "Waves/good.jpg"]


def test_a_look_that_fails_for_it_does_not_keep_what_was_taken_from_being_painted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.style() / "good.jpg").write_bytes(picture())
    house.answer = lambda _request: []
    house.run_until(lambda: house.states() == {"running": 1})

    def look(*_args: Any) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("daemon.scanner.look", look)
    house.answer = paint
    house.run_until(lambda: house.files(house.share.originals) == ["Waves/good.jpg"])
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]
    told = [line["log_level"] for line in house.said("program.fault")]
    assert told == ["error", *["debug"] * (len(told) - 1)]
    assert len(house.said("scan.failed")) == 1


def out_of_memory_once(usual: Callable[..., Any]) -> Callable[..., Any]:
    left = [MemoryError()]

    def function(*arguments: Any, **more: Any) -> Any:
        if left:
            raise left.pop()
        return usual(*arguments, **more)

    return function


@pytest.mark.parametrize(
    "where",
    [
        *("daemon.dispatch.load", "daemon.dispatch.seen", "daemon.dispatch.is_changed"),
        *("daemon.publishing.publish_result", "daemon.publishing.keep_original"),
        *("daemon.claims._move_in", "daemon.claims.as_taken"),
        "tests.daemon.standins.StandInRunner.submit",
    ],
)
def test_a_moment_without_memory_fails_no_photo(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    monkeypatch.setattr("daemon.setbacks._PAUSE_SECONDS", 0.01)
    module, _, name = where.removesuffix(".StandInRunner.submit").rpartition(".")
    if where.endswith("submit"):
        monkeypatch.setattr(StandInRunner, "submit", out_of_memory_once(StandInRunner.submit))
    else:
        usual = getattr(__import__(module, fromlist=[name]), name)
        monkeypatch.setattr(where, out_of_memory_once(usual))
    (house.style() / "photo.jpg").write_bytes(picture())
    house.once()
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.states() == {"done": 1}
    assert list((house.share.work / "jobs").iterdir()) == []


def test_a_picture_that_is_out_is_not_failed_for_what_came_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    usual, tries = publishing.publish_result, []

    def publish(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 3:  # the last one: then it is out
            usual(*arguments)
        raise ValueError("nobody thought of this")

    monkeypatch.setattr("daemon.publishing.publish_result", publish)
    (house.style() / "photo.jpg").write_bytes(picture())
    house.once()
    assert len(tries) == 3
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert house.states() == {"done": 1}


@pytest.mark.parametrize("where", ["daemon.recovery._is_gone", "daemon.intention.is_out"])
def test_a_job_that_was_begun_before_fails_for_it_at_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    for name in ("bad", "good"):
        (house.style() / f"{name}.jpg").write_bytes(picture())
    house.answer = lambda _request: []
    house.run_until(lambda: sum(house.states().values()) == 2)
    (job,) = (one for one in house.journal.having(JobState.QUEUED) if one.relative.stem == "bad")
    if where == "daemon.intention.is_out":
        house.journal.start(job.id)
        plan = intention.intend(house.share.outbox / "Waves" / "bad.jpg", b"painted")
        house.journal.intend(job.id, plan, {})
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.01)
    break_it(monkeypatch, where)
    house.answer = paint
    house.once()
    assert house.files(house.share.failed) == ["Waves/bad.jpg", "Waves/bad.jpg - why.txt"]
    assert house.files(house.share.outbox) == ["Waves/good.jpg"]


@pytest.mark.parametrize(
    "where", ["daemon.watching.Watcher.__init__", "daemon.dispatch.Dispatcher.use"]
)
def test_settings_that_cannot_be_used_for_it_are_used_the_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    watch = house.settings.watch.model_copy(update={"mode": "auto", "patience_seconds": 7.0})
    wanted = house.settings.model_copy(update={"watch": watch})
    read = Reread(wanted, StandInRunner)
    monkeypatch.setattr(house, "more_parts", lambda: {"reread": lambda _before: read})
    service = house.service(once=False)

    def refuse(*_args: Any, **_more: Any) -> None:
        raise RecursionError("too deep")

    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(where, refuse)
        service.reload()
        service._reload()
    assert "settings.refused" in [one["event"] for one in logs]
    assert service.settings is house.settings
    with capture_logs() as logs:
        service._reload()
    (told,) = (one for one in logs if one["event"] == "settings.read")
    assert set(told["changed"]) == {"watch.mode", "watch.patience_seconds"}
    assert service.settings is wanted
    service._end()


def test_settings_that_cannot_be_read_for_it_stay_as_they_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reread(_settings: Any) -> Any:
        service.stop("the test")
        raise RecursionError("too deep")

    monkeypatch.setattr(house, "more_parts", lambda: {"reread": reread})
    service = house.service(once=False)
    service.reload()
    with capture_logs() as logs:
        assert service.run() is ExitCode.OK
    assert [one["event"] for one in logs if "settings" in one["event"]] == ["settings.refused"]
    assert service.settings is house.settings
