"""A painter's log: what became of each photo there, by the name that it has at home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.cluster import orders
from daemon.cluster.diary import diary
from daemon.cluster.messages import GivenBack, Order
from daemon.log_words import Words
from daemon.runners import local
from daemon.runners.base import Cancelled, Failed, Painted
from tests.daemon.cluster.test_painter import order


def named(run: str, photo: str) -> Order:
    one = order(run)
    styles = tuple(replace(one.request.styles[0], name=name) for name in ("Waves.jpg", "Sun.png"))
    return replace(one, request=replace(one.request, content_name=photo, styles=styles))


def clock() -> Iterator[float]:
    yield from (100.0, 190.04)


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (Painted("job", b"", ".png", {}), "Painted lake.jpg in 2 min."),
        (
            GivenBack("job", b"half"),
            "Gave lake.jpg back as far as it is painted; it is gone on with here or elsewhere.",
        ),
        (GivenBack("job"), "Gave lake.jpg back; it is begun here or elsewhere."),
        (Cancelled("job"), "lake.jpg is given up here."),
        (Failed("job", "content", "Broken."), "lake.jpg was not painted: Broken."),
        (
            Failed("job", "lost", "It stopped. Try again, with a smaller size."),
            "lake.jpg was lost here, and is tried again: It stopped.",
        ),
    ],
)
def test_it_says_what_became_of_a_photo(end: Any, line: str) -> None:
    words = Words(lambda: 0.0, colors=False)
    with capture_logs() as logs:
        diary(clock().__next__)(named("run", "lake.jpg"))(end)
    assert [words(None, "info", dict(log))[10:] for log in logs] == [
        "Painting lake.jpg in the style of Waves.jpg, Sun.png.",
        line,
    ]
    levels = ["info", "warning" if isinstance(end, Failed) else "info"]
    assert [log["log_level"] for log in logs] == levels
    assert {(log["job"], log["photo"]) for log in logs} == {("job", "lake.jpg")}


def test_of_two_at_once_each_has_its_own_time() -> None:
    tell = diary(iter((0.0, 5.0, 7.0, 8.5)).__next__)
    with capture_logs() as logs:
        ends = [tell(named(run, f"{run}.jpg")) for run in "ab"]
        for end in reversed(ends):
            end(Painted("job", b"", ".png", {}))
    told = [(log["photo"], log["seconds"]) for log in logs if log["event"] == "painter.painted"]
    assert told == [("b.jpg", 2.0), ("a.jpg", 8.5)]


@pytest.mark.parametrize("why", [local._LOST, orders._LOST, orders._KILLS])
def test_what_is_tried_again_by_itself_is_not_advised(why: str) -> None:
    with capture_logs() as logs:
        diary(clock().__next__)(named("run", "lake.jpg"))(Failed("job", "lost", why))
    line = Words(lambda: 0.0, colors=False)(None, "info", dict(logs[-1]))
    assert why.partition(" Try")[0] in line
    assert "Try again" in why
    assert "Try" not in line
