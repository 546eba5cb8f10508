"""Where no thread can be had, whoever wanted one waits and asks again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from daemon import threads
from daemon.inspector import Inspector
from daemon.runners.local import LocalRunner
from daemon.settings import EngineSettings, WatchSettings
from daemon.watching import Watcher


@pytest.fixture
def _none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_one_that_can_be_had_runs() -> None:
    ran = threading.Event()
    thread = threading.Thread(target=ran.set)
    threads.start(thread)
    thread.join()
    assert ran.is_set()


@pytest.mark.usefixtures("_none_left")
def test_an_inspector_says_so_and_can_be_asked_again_and_closed(tmp_path: Path) -> None:
    inspector = Inspector(WatchSettings(), lambda _answer: None)
    for _ in range(2):
        with pytest.raises(OSError, match="no thread can be started"):
            inspector.submit("key", tmp_path / "a.jpg")
    inspector.close()


@pytest.mark.usefixtures("_none_left")
def test_a_runner_says_so_and_can_be_closed() -> None:
    runner = LocalRunner(EngineSettings(), lambda _event: None)
    for _ in range(2):
        with pytest.raises(OSError, match="no thread can be started"):
            runner.start()
    runner.close(1.0)


@pytest.mark.usefixtures("_none_left")
def test_a_watcher_polls_meanwhile(tmp_path: Path) -> None:
    watcher = Watcher((tmp_path,), WatchSettings(mode="events"), lambda: None)
    watcher.start()
    assert watcher.polling
    assert "no thread can be started" in watcher.reason
    watcher.stop()
