"""Signals are heeded from the first moment to the last, and told to whoever listens then."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from daemon import signals
from daemon.signals import Signals


@dataclass
class Listening:
    told: list[str] = field(default_factory=list)

    def stop(self, why: str) -> None:
        self.told.append(why)

    def reload(self) -> None:
        self.told.append("reload")


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture
def heeded() -> Iterator[Signals]:
    heeding = Signals()
    with heeding.heeded():
        yield heeding


def test_whoever_listens_is_told(heeded: Signals) -> None:
    first, second = Listening(), Listening()
    heeded.tell(first)
    send(signal.SIGHUP)
    heeded.tell(second)
    send(signal.SIGHUP)
    send(signal.SIGTERM)
    assert (first.told, second.told) == (["reload"], ["reload", "SIGTERM"])


def test_what_comes_before_anybody_listens_is_remembered_and_told_once(heeded: Signals) -> None:
    send(signal.SIGHUP)
    send(signal.SIGINT)
    first, second = Listening(), Listening()
    heeded.tell(first)
    heeded.tell(second)
    assert (first.told, second.told) == (["reload", "SIGINT"], [])


def test_a_second_request_for_the_end_ends_it_at_once_whoever_listens(
    heeded: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = list[int]()
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    heeded.tell(Listening())
    send(signal.SIGTERM)
    heeded.tell(Listening())
    assert not ended
    send(signal.SIGINT)
    assert ended == [128 + signal.SIGINT]


def test_what_is_ignored_stays_so_and_all_is_as_before_afterwards() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        heeding, listening = Signals(), Listening()
        usual = signal.getsignal(signal.SIGTERM)
        with heeding.heeded():
            heeding.tell(listening)
            send(signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) != usual
        assert signal.getsignal(signal.SIGTERM) == usual
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert listening.told == []
    finally:
        signal.signal(signal.SIGHUP, before)
