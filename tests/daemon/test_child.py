"""A spawned child: spoken to, heard, and ended for sure."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection

import pytest

from daemon.child import Bell, Child, describe_exit, settle_in


def echo(connection: Connection) -> None:
    settle_in()
    with suppress(EOFError):
        while True:
            connection.send(connection.recv())


def tell_environment(connection: Connection) -> None:
    connection.send(dict(os.environ))


def stubborn(connection: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection.send("here")
    while True:
        time.sleep(60)


def test_what_is_sent_comes_back() -> None:
    bell = Bell()
    child = Child(echo, (), "echo")
    for message in ("one", 2, b"3" * 1_000_000):
        assert child.send(message)
        assert child.wait(bell, 60)
        assert child.receive() == message
    assert child.exit_status is None
    assert child.pid != os.getpid()
    assert child.end(60) == 0
    bell.close()


def test_a_child_gets_variables_that_its_parent_keeps_clear_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAVES", "high")
    before = dict(os.environ)
    child = Child(tell_environment, (), "environment", {"WAVES": "low", "DOTS": "many"})
    assert os.environ == before
    told = child.receive()
    assert (told["WAVES"], told["DOTS"]) == ("low", "many")
    assert told["PATH"] == before["PATH"]
    assert child.end(60) == 0


def test_a_stubborn_child_is_killed() -> None:
    child = Child(stubborn, (), "stubborn")
    assert child.receive() == "here"
    assert child.end(0.05) == -signal.SIGKILL


def test_a_dead_child_is_noticed_and_killing_it_again_does_no_harm() -> None:
    bell = Bell()
    child = Child(echo, (), "echo")
    child.kill()
    assert child.wait(bell, 60)
    with pytest.raises(EOFError):
        child.receive()
    assert child.join(60)
    assert not child.send("anybody there?")
    assert child.end(0) == -signal.SIGKILL
    child.kill()
    bell.close()


def test_a_bell_wakes_who_waits() -> None:
    bell = Bell()
    child = Child(echo, (), "echo")
    ringer = threading.Timer(0.05, bell.ring)
    ringer.start()
    assert not child.wait(bell, 60)
    assert bell.hear(0)
    assert not bell.hear(0)
    ringer.join()
    child.end(60)
    bell.close()


def test_an_answer_is_heard_for_as_long_as_somebody_waits_and_has_time() -> None:
    bell = Bell()
    child = Child(echo, (), "echo")
    child.send("one")
    bell.ring()  # which is about something else
    assert child.hear(bell, 60, lambda: False) == "one"
    with pytest.raises(TimeoutError):  # it has nothing to say
        child.hear(bell, 0.05, lambda: False)
    over = threading.Event()

    def leave() -> None:
        over.set()
        bell.ring()

    ringer = threading.Timer(0.05, leave)
    ringer.start()
    with pytest.raises(TimeoutError):
        child.hear(bell, 600, over.is_set)
    ringer.join()
    child.kill()
    with pytest.raises(EOFError):
        child.hear(bell, 60, lambda: False)
    child.end(60)
    bell.close()


def test_rings_before_the_wait_are_heard_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.hear()
    assert not bell.hear(0)
    bell.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "status 0"),
        (7, "status 7"),
        (None, "status None"),
        (-9, "memory"),
        (-11, "SIGSEGV"),
        (-250, "signal 250"),
    ],
)
def test_exit_statuses_are_described(status: int | None, words: str) -> None:
    assert words in describe_exit(status)
