"""How the paintings on their way are doing: how far they are, and losses, few enough to plot."""

from __future__ import annotations

from typing import Final

from daemon.page.board import Point
from daemon.runners.base import End, Event, Progressed, Started
from engine import Progress

MOST_POINTS: Final = 200
"""Of each painting, about so many are remembered, however many steps it takes."""


class Course:
    """One painting.

    Attributes:
        last: what was heard last; None before the first step.
        painter: who paints it, if there are several; empty otherwise.
    """

    def __init__(self, painter: str = "") -> None:
        self.painter = painter
        self.last: Progress | None = None
        self._points: list[Point] = []
        self._apart = 1  # steps from one point to the next

    def add(self, progress: Progress) -> None:
        """Take note of a step."""
        self.last = progress
        known = self._points
        if not known or self._begins_scale(progress) or self._is_apart(progress):
            known.append(_point(progress))
        while len(self._points) > MOST_POINTS:
            self._thin_out()

    @property
    def points(self) -> tuple[Point, ...]:
        """The losses, the first and the last one of them too."""
        last = () if self.last is None or self._is_known(self.last) else (_point(self.last),)
        return (*self._points, *last)

    def _begins_scale(self, progress: Progress) -> bool:
        return progress.scale != self._points[-1].scale

    def _is_apart(self, progress: Progress) -> bool:
        return progress.iteration - self._points[-1].step >= self._apart

    def _is_known(self, progress: Progress) -> bool:
        return progress.iteration == self._points[-1].step

    def _thin_out(self) -> None:
        """Leave out every second one, but for those with which a scale begins."""
        self._apart *= 2
        kept = self._points[:1]
        for point in self._points[1:]:
            if point.scale != kept[-1].scale or point.step - kept[-1].step >= self._apart:
                kept.append(point)
        self._points = kept


class Courses:
    """All of them, by what the runner says."""

    def __init__(self) -> None:
        self._courses: dict[str, Course] = {}

    def heard(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Progressed):
            self._courses.setdefault(event.job_id, Course()).add(event.progress)
        elif isinstance(event, Started | End):
            self._courses.pop(event.job_id, None)  # also of an attempt before
            if isinstance(event, Started) and event.engine:
                self._courses[event.job_id] = Course(event.engine)

    def of(self, job_id: str) -> Course:
        """That of a job; one with nothing in it if there is none."""
        return self._courses.get(job_id) or Course()


def _point(progress: Progress) -> Point:
    return Point(progress.iteration, progress.loss, progress.scale)
