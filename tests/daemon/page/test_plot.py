from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.page import plot
from daemon.page.board import Point
from tests.daemon.page.boards import a_point


def corners(line: plot.Line) -> list[tuple[float, float]]:
    numbers = [float(one) for one in re.findall(r"-?[\d.]+", line.path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_halving_looks_the_same_wherever_it_happens() -> None:
    (line,) = plot.lines([a_point(n + 1, 800 / 2**n) for n in range(4)], 4)
    assert corners(line) == [
        pytest.approx(place, abs=0.1) for place in [(0, 5), (133.3, 35), (266.7, 65), (400, 95)]
    ]
    assert line.fall == pytest.approx(1 / 8)


def test_each_scale_has_its_own_measure_and_its_own_part() -> None:
    points = [a_point(1, 10.0), a_point(50, 1.0), a_point(51, 1e9, 2), a_point(100, 1e8, 2)]
    first, second = plot.lines(points, 100)
    assert [y for _, y in corners(first)] == [y for _, y in corners(second)] == [5.0, 95.0]
    assert first.end < second.start
    assert (first.scale, second.scale) == (1, 2)


def test_steps_that_are_to_come_are_left_free() -> None:
    (line,) = plot.lines([a_point(1, 2.0), a_point(26, 1.0)], 51)
    assert line.end == plot.WIDTH / 2


def test_a_single_point_is_a_dot_beside_others_and_nothing_alone() -> None:
    _, line = plot.lines([a_point(1, 2.0), a_point(5, 2.0, 2)], 5)
    assert corners(line) == [(400, 50), (400, 50)]
    assert plot.lines([a_point(4, 2.0)], 9) == ()


def test_what_has_no_logarithm_is_left_out() -> None:
    bad = [math.nan, math.inf, -math.inf, 0.0, -1.0]
    assert plot.lines([a_point(n + 1, loss) for n, loss in enumerate(bad)], 9) == ()
    (line,) = plot.lines([a_point(1, 4.0), a_point(2, math.nan), a_point(3, 2.0)], 3)
    assert [x for x, _ in corners(line)] == [0, 400]


@given(
    some.lists(
        some.builds(Point, some.integers(-3, 10**6), some.floats(), some.integers(-1, 4)),
        max_size=30,
    ),
    some.integers(0, 10**6),
)
def test_whatever_the_losses_lines_stay_inside(points: list[Point], total: int) -> None:
    for line in plot.lines(points, total):
        assert all(0 <= x <= plot.WIDTH and 0 <= y <= plot.HEIGHT for x, y in corners(line))
        assert math.isfinite(line.fall)
