"""Small pictures of a job while it is painted, for people who look on: few, and never in the way.

The photo once, the painting as it grows, and what it has become. All have the proportions of the
result, and the photo the size of the finished one, so that one may lie exactly over the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from daemon import pictures
from daemon.runners.base import GLIMPSE_SIDE, Glimpse, GlimpseTrouble
from daemon.runners.request import PaintRequest
from engine import Progress
from engine.pyramid import Size, fitted, size_of

FIRST_SECONDS: Final = 2.0
"""Between the first looks at a painting: that is when it changes most."""

SECONDS: Final = 5.0
"""Between two looks later on, at least."""

SHARE: Final = 0.01
"""Of the time that is painted, at most, goes into looking."""

OVERTAKEN: Final = 8
"""Steps until a painting is as far as its first look was (docs/performance.md)."""

_NOT_SHOWN: Final = "The picture cannot be shown on its way ({})."
_NO_FIRST_LOOK: Final = "There is no first look at this picture ({})."
_GROWTH: Final = 1.25  # of the pause, from one look to the next
_QUALITY: Final = 80

Say = Callable[[Glimpse | GlimpseTrouble], None]


class Previews(Protocol):
    """What can show a painting on its way, as `engine.work.Work` does."""

    def preview(self) -> NDArray[np.uint8] | None:
        """The picture as it is between two steps; None before the first and after the last.

        One that goes on from a snapshot is there before the first step, too.
        """
        ...


class Glimpsing:
    """Shows one job to whoever looks on, if anybody does (`PaintRequest.glimpses`).

    A scale that begins is looked at as soon as may be: that shows what the last one came to.

    Args:
        request: the job.
        say: takes the small pictures, and once what stands in their way.
        clock: monotonic seconds.
    """

    def __init__(self, request: PaintRequest, say: Say, clock: Callable[[], float]) -> None:
        self._request = request
        self._say = say
        self._clock = clock
        self._photo: Size = (0, 0)
        self._scale = 0
        self._pause = FIRST_SECONDS
        self._may_at = self._due = float("-inf")
        self._is_troubled = False
        self._first_at = 0

    def photo(self, content: NDArray[np.uint8]) -> None:
        """Show the photo; to be called once it is decoded, before anything else."""
        self._photo = size_of(content)
        self._show("photo", lambda: content)
        self._may_at = self._due = float("-inf")  # the first look at the painting waits for nothing

    def first_look(self, look: Callable[[], NDArray[Any] | None]) -> None:
        """Show what the painting may become; to be called before it is begun.

        Args:
            look: gives that, or None. What it raises is said, and the painting goes on.
        """
        try:
            shown = look() if self._request.glimpses else None
        except Exception as error:  # noqa: BLE001 - a look that fails is no reason not to paint
            self._say_why(_NO_FIRST_LOOK, error)
            return
        if shown is not None:
            self._show("painting", lambda: shown)
            # Of a painting's first steps there is less to be seen.
            self._first_at = OVERTAKEN
            self._may_at = self._due = float("-inf")

    def gone_on(self, work: Previews) -> None:
        """Show a painting that goes on where it was; to be called before its first step."""
        self._show("painting", work.preview)

    def between_steps(self, work: Previews, step: Progress) -> None:
        """Show the painting, if it is time; to be called after each step."""
        if step.iteration < min(self._first_at, step.total):
            return
        if step.scale != self._scale:
            self._scale, self._due = step.scale, self._may_at
        if self._clock() >= self._due:
            self._show("painting", work.preview)
            self._pause = min(self._pause * _GROWTH, SECONDS)

    def painted(self, picture: NDArray[np.float32]) -> None:
        """Show the finished picture, whatever it costs."""
        self._show("painting", lambda: picture)

    def _show(
        self, of: Literal["photo", "painting"], look: Callable[[], NDArray[Any] | None]
    ) -> None:
        if not self._request.glimpses:
            return
        began = self._clock()
        try:
            glimpse = self._made(of, look())
        except Exception as error:  # noqa: BLE001 - too little memory, say: it is painted all the same
            self._complain(error)
        else:
            if glimpse is not None:
                self._say(glimpse)
        ended = self._clock()
        self._may_at = ended + (ended - began) / SHARE
        self._due = max(self._may_at, ended + self._pause)

    def _made(
        self, of: Literal["photo", "painting"], picture: NDArray[Any] | None
    ) -> Glimpse | None:
        if picture is None:
            return None
        # No larger than the photo is either: whatever is enlarged only looks worse.
        sizes = (GLIMPSE_SIDE, self._request.recipe.size, max(self._photo), max(size_of(picture)))
        jpeg = pictures.small(picture, fitted(self._photo, min(sizes)), _QUALITY)
        return Glimpse(self._request.job_id, of, jpeg)

    def _complain(self, error: Exception) -> None:
        if not self._is_troubled:
            self._is_troubled = True
            self._say_why(_NOT_SHOWN, error)

    def _say_why(self, message: str, error: Exception) -> None:
        why = " ".join(f"{type(error).__name__} {error}".split())
        self._say(GlimpseTrouble(self._request.job_id, message.format(why)))
