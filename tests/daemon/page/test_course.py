"""Few points tell of many steps: the first, the last, and where a scale begins."""

from __future__ import annotations

from itertools import pairwise

import pytest

from daemon.page.board import Point
from daemon.page.course import MOST_POINTS, Course, Courses
from daemon.runners.base import Cancelled, Failed, Painted, Progressed, Started
from engine import Progress


def step(number: int, scale: int = 1, total: int = 9) -> Progress:
    return Progress(number, total, scale, 3, 80, 60, 1000.0 / number, 5.0)


def test_a_short_course_is_known_whole() -> None:
    course = Course()
    assert (course.last, course.points) == (None, ())
    for number in range(1, 5):
        course.add(step(number))
    assert course.points == tuple(Point(n, 1000.0 / n, 1) for n in range(1, 5))
    assert course.last == step(4)


@pytest.mark.parametrize("steps", [199, 200, 201, 202, 1000, 10_000])
@pytest.mark.parametrize("every", [1, 3, 20])
def test_a_long_one_is_thinned_out(steps: int, every: int) -> None:
    course = Course()
    for number in range(1, steps + 1, every):  # the engine's process leaves some out itself
        course.add(step(number, 1 if number <= steps // 3 else 2 if number <= steps // 2 else 3))
        assert len(course.points) <= MOST_POINTS + 1, number
    numbers = [point.step for point in course.points]
    told = list(range(1, steps + 1, every))
    assert numbers[0] == 1
    assert numbers[-1] == told[-1]
    assert set(numbers) <= set(told)
    assert sorted(set(numbers)) == numbers
    assert len(numbers) >= min(len(told), MOST_POINTS) / 3
    begins = {next(n for n in told if n > steps // 3), next(n for n in told if n > steps // 2)}
    assert begins <= set(numbers)
    apart = sorted({b - a for a, b in pairwise(numbers)})
    assert apart[-1] <= 2 * steps / (MOST_POINTS / 3) + every


def test_courses_are_told_apart_and_end_with_their_jobs() -> None:
    courses = Courses()
    for job in ("a", "b", "c", "d"):
        courses.heard(Started(job))
        courses.heard(Progressed(job, step(1)))
    courses.heard(Progressed("a", step(2)))
    assert [len(courses.of(job).points) for job in ("a", "b", "never")] == [2, 1, 0]
    courses.heard(Started("a"))  # again: what was before is of no use
    assert courses.of("a").last is None
    courses.heard(Painted("b", b"", ".jpg", {}))
    courses.heard(Failed("c", "content", "torn"))
    courses.heard(Cancelled("d"))
    assert not courses._courses
