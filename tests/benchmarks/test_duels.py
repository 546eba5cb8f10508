"""How a picture of ours is found that may be set against another program's, and who wins."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.duels import NEAR, TRIES, approached, duel
from benchmarks.row import Row
from tests.benchmarks.rows import row

THEIRS = row("peer", 0.1, 1.0, 100)


def test_of_those_as_near_to_the_photo_the_nearest_to_the_style_fights() -> None:
    ours = [row("a", 0.05, 0.9), row("b", 0.04, 1.0), row("c", 0.01, 1.1), row("d", 0.06, 0.2)]
    found = duel(THEIRS, ours)
    assert (found.ours, found.won) == ("b", True)
    assert (found.style_distance, found.peer_style_distance) == (0.04, 0.1)
    assert (found.content_distance, found.peer_content_distance) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ([row("a", 0.1, 0.9)], "a"),  # no nearer to the style
        ([row("a", 0.01, 1.01), row("b", 0.01, 1.2)], "a"),  # further from the photo
        ([row("a", 0.01, 0.9, 100)], "a"),  # no quicker
    ],
)
def test_what_does_not_win(ours: list[Row], name: str) -> None:
    found = duel(THEIRS, ours)
    assert (found.ours, found.won) == (name, False)


def paints(distance: Callable[[float], float]) -> Callable[[float], Row]:
    return lambda strength: row(f"{strength:g}", 0.1, distance(strength))


@given(goal=st.floats(0.35, 1.2), bend=st.floats(0.9, 1.1))
def test_a_strength_is_found_that_leaves_as_much_of_the_photo(goal: float, bend: float) -> None:
    def distance(strength: float) -> float:
        return (0.8 + 0.2 * math.log(strength)) ** bend if strength > 0.02 else 0.0

    rows = list(approached(goal, {1.0: distance(1.0)}, paints(distance), TRIES))
    found = [distance(1.0), *(each.content_distance for each in rows)]
    assert any(NEAR * goal <= each <= goal for each in found)
    assert len({each.painter for each in rows}) == len(rows)


def test_nothing_is_painted_where_a_picture_is_as_near_already() -> None:
    assert not list(approached(1.0, {1.0: 0.98}, paints(lambda _: 0.5)))


@pytest.mark.parametrize(("goal", "last"), [(0.001, "0.05"), (5.0, "20")])
def test_no_strength_is_beyond_its_range(goal: float, last: str) -> None:
    rows = list(approached(goal, {1.0: 0.7}, paints(lambda strength: 0.7 + strength / 100)))
    painted = [each.painter for each in rows]
    assert painted[-1] == last
    assert len({*painted}) == len(painted) <= TRIES


def test_where_a_stronger_one_is_nearer_it_goes_on_from_there() -> None:
    distances = {1.0: 1.2, 3.0: 0.7}
    rows = list(approached(1.0, distances, paints(lambda strength: 0.7 + strength / 30)))
    assert rows[-1].content_distance == pytest.approx(1.0, rel=0.03)
    assert all(float(each.painter) > 3 for each in rows)


def test_without_anything_painted_it_begins_with_what_is_usual() -> None:
    (first,) = approached(1.0, {}, paints(lambda _: 0.99))
    assert first.painter == "1"
