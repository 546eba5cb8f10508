"""What keeps the whole service from its work: said once, and tried again after a pause."""

from __future__ import annotations

from dataclasses import dataclass

from structlog.testing import capture_logs

from daemon.errors import ShareAwayError
from daemon.setbacks import Setbacks
from tests.daemon.standins import Clock


@dataclass
class StandInCondition:
    """What `Setbacks` needs of a `Condition`."""

    trouble: str = ""


def test_setbacks_in_a_row_are_counted_and_said_once() -> None:
    clock, condition = Clock(100.0), StandInCondition()
    setbacks = Setbacks(condition, clock)  # type: ignore[arg-type]
    assert setbacks.until <= clock.now
    with capture_logs() as logs:
        for _ in range(3):
            setbacks.met(ShareAwayError("The drive is away."))
        setbacks.met(OSError("another one"))
        assert (setbacks.number, setbacks.until) == (4, 102.0)
        assert condition.trouble == "another one"
        assert setbacks.are_over()
        assert not setbacks.are_over()
    assert [line["event"] for line in logs] == ["service.trouble"] * 2 + ["service.goes_on"]
    assert (setbacks.number, condition.trouble) == (0, "")
