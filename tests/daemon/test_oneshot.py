"""One function in a process of its own: results, errors, deaths and Ctrl-C come across."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from daemon.errors import EngineLostError
from daemon.oneshot import RemoteError, in_child
from engine.errors import WeightsHashError

ROOT = Path(__file__).parents[2]


def add(one: int, *, other: int) -> tuple[int, int]:
    return one + other, os.getpid()


def fail(message: str) -> None:
    raise WeightsHashError(message)


class StubbornError(Exception):
    """Cannot be made again from its text alone, as errors of many libraries."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def fail_stubbornly() -> None:
    raise StubbornError("this", "that")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(7)


def work_for_ever(note: Path) -> None:
    with tempfile.TemporaryDirectory(dir=note.parent, prefix="scratch-") as scratch:
        note.with_name("temporary").write_text(f"{scratch} {os.getpid()}")
        note.with_name("temporary").rename(note)
        time.sleep(600)


def test_a_result_comes_back_from_another_process() -> None:
    total, pid = in_child(add, 2, other=3)
    assert total == 5
    assert pid != os.getpid()


def deaf_to() -> set[signal.Signals]:
    return {signal.Signals(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def test_the_child_and_what_it_starts_hear_ctrl_c() -> None:
    assert in_child(deaf_to) == set()


def test_an_error_comes_back_as_it_is_and_says_where_it_came_from() -> None:
    with pytest.raises(WeightsHashError, match=r"^what happened$") as caught:
        in_child(fail, "what happened")
    assert isinstance(caught.value.__cause__, RemoteError)
    assert "in fail" in str(caught.value.__cause__)


def test_an_error_that_cannot_travel_comes_back_in_words() -> None:
    with pytest.raises(RuntimeError, match="StubbornError: this and that"):
        in_child(fail_stubbornly)


def test_a_death_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(EngineLostError, match="memory"):
        in_child(die)
    with pytest.raises(EngineLostError, match="status 7"):
        in_child(leave)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_for(what: object, seconds: float = 60) -> None:
    assert callable(what)
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def at_work(tmp_path: Path) -> tuple[subprocess.Popen[str], Path, int]:
    """A parent that waits for a child at work, the child's temporary folder and its pid."""
    note = tmp_path / "note"
    code = (
        "import sys; from pathlib import Path; from daemon.oneshot import in_child;"
        "from tests.daemon.test_oneshot import work_for_ever;"
        "in_child(work_for_ever, Path(sys.argv[1]))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(note)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(note.exists)
    scratch, pid = note.read_text().rsplit(" ", 1)
    assert Path(scratch).is_dir()
    return parent, Path(scratch), int(pid)


@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_ends_the_child_after_it_has_cleaned_up(
    *, whole_group: bool, at_work: tuple[subprocess.Popen[str], Path, int]
) -> None:
    parent, scratch, pid = at_work
    (os.killpg if whole_group else os.kill)(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    assert parent.returncode == -signal.SIGINT
    assert said.count("Traceback") == 1  # the parent's, which nobody catches here
    assert gone(pid)
    assert not scratch.exists()


def test_the_child_does_not_outlive_a_parent_that_was_killed(
    at_work: tuple[subprocess.Popen[str], Path, int],
) -> None:
    parent, _, pid = at_work
    parent.kill()
    parent.communicate(timeout=60)
    wait_for(lambda: gone(pid))
