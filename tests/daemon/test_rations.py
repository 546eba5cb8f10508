"""A picture gets so much memory and time, and the process has its own limits back afterwards."""

from __future__ import annotations

import contextlib
import resource
import signal
from dataclasses import replace

import pytest

from daemon import rations
from daemon.child import describe_exit
from daemon.errors import EngineLostError, PictureUnreadableError
from daemon.oneshot import in_child
from daemon.rations import TOO_LONG, ration_for, rationed

RATION = ration_for(1_000_000, 1_000_000)
Limits = list[tuple[int, int]]


def limits() -> Limits:
    return [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]


def before_within_and_after() -> tuple[Limits, Limits, Limits, bool]:
    before, handler = limits(), signal.getsignal(signal.SIGPROF)
    with rationed(RATION):
        within = limits()
    quiet = signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    return before, within, limits(), quiet and signal.getsignal(signal.SIGPROF) == handler


def ask_for(size: int) -> int:
    try:
        with rationed(RATION):
            return len(bytearray(size))
    except MemoryError:
        return len(bytearray(size))  # once the ration is over, there is enough


def within_a_lower_limit() -> Limits:
    low = 1 << 40
    resource.setrlimit(resource.RLIMIT_AS, (low, low))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 1000))
    with rationed(replace(RATION, memory_bytes=1 << 41)):
        return limits()


def work_too_long(*, stubborn: bool) -> None:
    if stubborn:  # and so sees all of it, in a process of its own
        rations._GRACE_SECONDS = 1  # type: ignore[misc]
    with rationed(replace(RATION, seconds=0.1)):
        # As decoders do. Once: between two of these nothing would be forgiven.
        with contextlib.suppress(BaseException if stubborn else Exception):
            while True:
                sum(range(10_000))
        while True:
            sum(range(10_000))


def test_the_limits_are_there_only_meanwhile() -> None:
    before, within, after, is_quiet = in_child(before_within_and_after)
    assert before == after
    assert is_quiet
    for (soft, hard), (old, old_hard) in zip(within, before, strict=True):
        assert 0 < soft != old
        assert hard == old_hard


def test_memory_beyond_the_ration_is_refused_and_then_given() -> None:
    assert in_child(ask_for, RATION.memory_bytes + 1) == RATION.memory_bytes + 1


def test_lower_limits_stay() -> None:
    memory, time = in_child(within_a_lower_limit)
    assert memory[0] == 1 << 40
    assert time == (10, 1000)


def test_who_takes_too_long_is_stopped_although_it_forgives_errors() -> None:
    with pytest.raises(PictureUnreadableError) as caught:
        in_child(work_too_long, stubborn=False)
    assert str(caught.value) == TOO_LONG


def test_who_does_not_listen_is_killed() -> None:
    with pytest.raises(EngineLostError, match="took it too long to read"):
        in_child(work_too_long, stubborn=True)


def test_what_a_killed_process_says_is_plain() -> None:
    assert describe_exit(-signal.SIGXCPU) == "a picture took it too long to read"


def test_larger_pictures_may_cost_more() -> None:
    large = ration_for(1_000_000_000, 1_000_000)
    assert large.memory_bytes > 20 * 1_000_000_000
    assert large.seconds > RATION.seconds
