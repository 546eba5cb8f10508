"""The watcher on real folders with the real kernel's events."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from daemon.settings import WatchSettings
from daemon.watching import Watcher

LONG = 20.0


class Bell:
    """Counts nothing, remembers that it rang."""

    def __init__(self) -> None:
        self.rang = threading.Event()

    def __call__(self) -> None:
        self.rang.set()

    def waits(self, seconds: float = LONG) -> bool:
        rang = self.rang.wait(seconds)
        self.rang.clear()
        return rang


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "Inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def watcher(inbox: Path, bell: Bell) -> Iterator[Watcher]:
    watcher = Watcher([inbox], WatchSettings(mode="events"), bell)
    watcher.start()
    yield watcher
    watcher.stop()


@pytest.mark.usefixtures("watcher")
def test_a_change_wakes(inbox: Path, bell: Bell) -> None:
    (inbox / "photo.jpg").write_bytes(b"photo")
    assert bell.waits()


@pytest.mark.usefixtures("watcher")
def test_a_change_in_a_new_folder_wakes(inbox: Path, bell: Bell) -> None:
    (inbox / "Waves").mkdir()
    assert bell.waits()
    while bell.waits(0.3):
        pass
    (inbox / "Waves" / "photo.jpg").write_bytes(b"photo")
    assert bell.waits()


def test_looking_and_reading_do_not_wake(inbox: Path, bell: Bell) -> None:
    (inbox / "photo.jpg").write_bytes(b"photo")
    watcher = Watcher([inbox], WatchSettings(mode="events"), bell)
    watcher.start()
    list(inbox.iterdir())
    (inbox / "photo.jpg").read_bytes()
    assert not bell.waits(0.5)
    watcher.stop()


def test_after_stop_nobody_is_woken(watcher: Watcher, inbox: Path, bell: Bell) -> None:
    watcher.stop()
    (inbox / "photo.jpg").write_bytes(b"photo")
    assert not bell.waits(0.3)


def test_a_folder_that_leaves_and_comes_back_is_watched_without_a_warning(
    inbox: Path, bell: Bell
) -> None:
    """A warning is an error here, which would end watchdog's thread."""
    inside = inbox / "Party" / "Deeper"
    inside.mkdir(parents=True)
    watcher = Watcher([inbox], WatchSettings(mode="events"), bell)
    watcher.start()
    for _ in range(2):
        (inbox / "Party").rename(inbox.with_name("Away"))
        assert bell.waits()
        inbox.with_name("Away").rename(inbox / "Party")
        assert bell.waits()
    while bell.waits(0.3):
        pass
    (inside / "photo.jpg").write_bytes(b"photo")
    assert bell.waits()
    watcher.stop()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_watch_that_lost_its_folder_begins_again(
    watcher: Watcher, inbox: Path, bell: Bell, how: str
) -> None:
    if how == "deleted":
        inbox.rmdir()
    else:
        inbox.rename(inbox.with_name("Old"))
    watcher.check()
    assert watcher.polling
    inbox.mkdir()
    watcher.check()
    assert not watcher.polling
    while bell.waits(0.3):
        pass
    (inbox / "photo.jpg").write_bytes(b"photo")
    assert bell.waits()


def test_a_dead_emitter_is_noticed(watcher: Watcher, inbox: Path, bell: Bell) -> None:
    assert watcher._observer is not None
    for emitter in watcher._observer.emitters:
        emitter.stop()
        emitter.join(LONG)
    assert watcher._observer.is_alive()
    with capture_logs() as logs:
        watcher.check()
    assert [line["event"] for line in logs] == ["watching.restarted"]
    (inbox / "photo.jpg").write_bytes(b"photo")
    assert bell.waits()


def test_a_healthy_watch_is_left_alone(watcher: Watcher) -> None:
    before = watcher._observer
    watcher.check()
    assert watcher._observer is before


def test_network_file_systems_are_polled(tmp_path: Path, inbox: Path, bell: Bell) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path} rw - cifs a rw\n")
    watcher = Watcher([inbox], WatchSettings(mode="auto"), bell, mounts=mounts)
    with capture_logs() as logs:
        watcher.start()
        watcher.check()
    assert watcher.polling
    assert "cifs" in watcher.reason
    assert [(line["event"], line["mode"]) for line in logs] == [("watching.started", "poll")]


def test_the_setting_wins_over_the_file_system(tmp_path: Path, inbox: Path, bell: Bell) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path} rw - cifs a rw\n")
    watcher = Watcher([inbox], WatchSettings(mode="events"), bell, mounts=mounts)
    watcher.start()
    assert not watcher.polling
    watcher.stop()
    mounts.write_text("1 0 0:1 / / rw - ext4 a rw\n")
    watcher = Watcher([inbox], WatchSettings(mode="poll"), bell, mounts=mounts)
    watcher.start()
    assert watcher.polling


@pytest.mark.parametrize("limit", [errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize("when", ["made", "started"])
def test_at_the_kernel_s_limits_it_polls_and_says_so(
    inbox: Path, bell: Bell, limit: int, when: str
) -> None:
    def refuse() -> None:
        raise OSError(limit, "inotify limit reached")

    def make_observer() -> BaseObserver:
        if when == "made":
            refuse()
        observer = Observer()
        observer.start = refuse  # type: ignore[method-assign]
        return observer

    watcher = Watcher([inbox], WatchSettings(mode="auto"), bell, make_observer=make_observer)
    watcher.start()
    assert watcher.polling
    assert "fs.inotify.max_user" in watcher.reason
    watcher.check()
    assert watcher.polling


def test_a_change_while_it_stops_is_no_error(
    inbox: Path, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    """Watchdog says so of an event that finds it half stopped."""
    emitters = logging.getLogger("watchdog.observers.inotify")

    class Late(Observer):  # type: ignore[misc, valid-type]
        def stop(self) -> None:
            emitters.error("called when the thread is inactive")
            super().stop()

    watcher = Watcher([inbox], WatchSettings(mode="events"), bell, make_observer=Late)
    watcher.start()
    watcher.stop()
    emitters.error("something else")
    # Those of others are of no account: a test before this one may have left a thread behind.
    said = [record.message for record in caplog.records if record.name == emitters.name]
    assert said == ["something else"]
