"""A painter's log: what became of each photo there, by the name that it has at home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.cluster.diary import Diary
from daemon.cluster.messages import GivenBack, Order
from daemon.log_words import Words
from daemon.runners.base import Cancelled, End, Failed, Painted
from tests.daemon.cluster.test_painter import order

NAMED = replace(
    order("run"),
    request=replace(
        order("run").request,
        content_name="lake.jpg",
        styles=tuple(
            replace(order("run").request.styles[0], name=name) for name in ("Waves.jpg", "Sun.png")
        ),
    ),
)


def clock() -> Iterator[float]:
    yield from (100.0, 190.04)


def told(one: Order, end: End | GivenBack) -> list[str]:
    """The lines of one picture's life, as people read them."""
    diary, words = Diary(clock().__next__), Words(lambda: 0.0, colors=False)
    with capture_logs() as logs:
        diary.begins(one)
        diary.ends_with(one, end)
    return [words(None, "info", log)[10:] for log in _renamed(logs)]


def _renamed(logs: list[Any]) -> list[dict[str, Any]]:
    return [{**log, "level": log["log_level"]} for log in logs]


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (Painted("job", b"", ".png", {}), "Painted lake.jpg in 2 min."),
        (GivenBack("job", b"half"), "Gave lake.jpg back, for others to paint."),
        (Cancelled("job"), "lake.jpg is not wanted from here any more."),
        (Failed("job", "content", "Broken."), "lake.jpg was not painted: Broken."),
    ],
)
def test_it_says_what_became_of_a_photo(end: Any, line: str) -> None:
    assert told(NAMED, end) == ["Painting lake.jpg in the style of Waves.jpg, Sun.png.", line]


def test_it_says_that_a_photo_was_begun_elsewhere() -> None:
    going_on = replace(NAMED, snapshot=b"half")
    first, _ = told(going_on, Cancelled("job"))
    assert first == "Going on with lake.jpg, in the style of Waves.jpg, Sun.png."


def test_one_without_names_is_called_by_its_job() -> None:
    _, last = told(order("run"), Cancelled("job"))
    assert last == "The photo of job job is not wanted from here any more."
