"""Ticks: they say that it goes on, and end what takes long."""

from __future__ import annotations

import pytest

from daemon import pulse
from daemon.errors import StoppedError


def test_it_ends_what_takes_long_as_soon_as_somebody_wants_that() -> None:
    answers = iter([False, False, True])
    tick = pulse.heeding(lambda: next(answers))
    tick()
    tick()
    with pytest.raises(StoppedError, match="at its next start"):
        tick()


def test_what_puts_something_in_order_is_not_ended_and_still_says_that_it_goes_on() -> None:
    asked = list[bool]()

    def is_stopping() -> bool:
        asked.append(True)
        return True

    tick = pulse.to_the_end(pulse.heeding(is_stopping))
    tick()
    tick()
    assert len(asked) == 2


def test_it_hides_no_other_trouble() -> None:
    def break_down() -> bool:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - it says nothing
        pulse.to_the_end(pulse.heeding(break_down))()
