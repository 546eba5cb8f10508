"""What stands in the way, in one line."""

from __future__ import annotations

from daemon.obstacles import Obstacle, in_one_line


def test_all_are_told_in_one_line() -> None:
    assert in_one_line(()) == ""
    assert in_one_line((Obstacle("No drive"), Obstacle("No room"))) == "No drive; No room"
