"""How Hypothesis tells a story in which real processes take part."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from tests.daemon.stories.house import BrokenError, House


class Telling(RuleBasedStateMachine):
    """A story in a house; how it went wrong is told whole."""

    told: ClassVar[str] = ""
    told_at: ClassVar[int] = 0
    troubles: ClassVar[int] = 0
    """How often something has been the matter with the disk, in all stories."""

    def __init_subclass__(cls, **more: Any) -> None:  # noqa: D105 - see below
        super().__init_subclass__(**more)
        # Of its own: that a story of the class above went wrong is told there.
        cls.told, cls.told_at, cls.troubles = "", 0, 0

    def __init__(self) -> None:
        super().__init__()
        self.open: House | None = None
        self.has_disk = self.has_far = self.is_troubled = False
        self.acts = 0

    def act(self, action: Callable[[], None], after: float = 0.0) -> None:
        """Do something.

        Hypothesis has a story that went wrong told a second time, and the daemon would not do the
        same again: so nothing is done then, and the first one's end is told in its place.
        """
        self.acts += 1
        if not type(self).told:
            self._act(action, after)
        if self.acts == type(self).told_at:
            raise BrokenError(type(self).told)

    def _act(self, action: Callable[[], None], after: float) -> None:
        try:
            action()
            self.house.look_after()
            time.sleep(after)
        except BrokenError as error:
            self._tell(str(error))
        except Exception:  # noqa: BLE001 - it is told with the story
            self._tell(f"{traceback.format_exc()}\n{self.house.story()}")

    def _tell(self, what: str) -> None:
        type(self).told, type(self).told_at = what, self.acts

    @property
    def house(self) -> House:
        assert self.open is not None
        return self.open

    def teardown(self) -> None:
        try:
            if self.acts != type(self).told_at:  # else it is over
                self.act(lambda: self.house.rest())  # noqa: PLW0108 - there may be no house
        finally:
            if self.open is not None:
                self.open.close()


def step(action: Callable[..., None]) -> Callable[..., None]:
    """Let a story be told if something goes wrong, and time pass afterwards."""

    @functools.wraps(action)
    def acted(self: Telling, *, after: float = 0.0, **drawn: Any) -> None:
        self.act(functools.partial(action, self, **drawn), after)

    return acted


def trouble(action: Callable[..., None]) -> Callable[..., None]:
    """A step after which something is the matter with the disk."""
    return _setting(action, troubled=True)


def relief(action: Callable[..., None]) -> Callable[..., None]:
    """A step after which nothing is."""
    return _setting(action, troubled=False)


def _setting(action: Callable[..., None], *, troubled: bool) -> Callable[..., None]:
    acted = step(action)

    @functools.wraps(action)
    def both(self: Telling, **drawn: Any) -> None:
        self.is_troubled = troubled
        type(self).troubles += troubled
        acted(self, **drawn)

    return both
