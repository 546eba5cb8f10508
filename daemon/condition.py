"""How the service is, for whoever looks after it: in one line, and whether its work goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from daemon.dispatch import Dispatcher
from daemon.endings import Endings
from daemon.errors import AtelierError
from daemon.intake import Intake
from daemon.journal import Journal
from daemon.names import printable
from daemon.obstacles import Aside, Obstacle, in_one_line
from daemon.runners.base import LONGEST_LOAD_SECONDS
from daemon.runners.exchange import Engines, Exchange, Painting

# The first step comes after decoding, the statistics of the style and a first look at the photo.
_FIRST_SECONDS: Final = 900.0
# Ten times what two cores need for a step in tiles (220 s at 4096x3072), for slower machines and
# busier ones. A tighter bound would end paintings that go on, a wider one is only patient.
_SECONDS_A_MEGAPIXEL: Final = 175.0
_MEGAPIXEL: Final = 1_000_000
_LATE: Final = 0.25  # of the longest silence: slow by far, and not yet given up
_MINUTE: Final = 60
_MOST_NAMED: Final = 3  # of many paintings; it is one line
_log: Final = structlog.get_logger()


def longest_silence(size: int) -> float:
    """Seconds without news after which a painting counts as stuck.

    Args:
        size: long side of the result, pixels; the picture may be as high as wide. At 512 this
            gives a quarter of an hour, at 4096 an hour, at 8192 three and a half.
    """
    return _FIRST_SECONDS + _SECONDS_A_MEGAPIXEL * size * size / _MEGAPIXEL


class Condition:
    """Looks at the service's parts, and changes nothing.

    Args:
        journal: of the share.
        engine: paints.
        dispatcher: knows for what jobs wait.
        endings: knows which results wait for a folder.
        intake: knows whether the inbox can be looked at.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - it says how all of these are
        self,
        journal: Journal,
        engine: Exchange,
        dispatcher: Dispatcher,
        endings: Endings,
        intake: Intake,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._engine = engine
        self._dispatcher = dispatcher
        self._endings = endings
        self._intake = intake
        self._clock = clock
        self._silent: frozenset[str] = frozenset()
        self.trouble = ""
        """What keeps the whole service from its work, such as a drive that is away."""
        self.remark = ""
        """What else is to be said, such as of settings that were refused."""

    def line(self) -> str:
        """What is being painted, or why nothing is; how many wait; what else is in the way."""
        try:
            painting, waiting = self._painting(), sum(self._journal.waiting().values())
        except AtelierError as error:  # the journal's disk
            return f"Nothing is painted: {error}"
        trouble, stuck = self._gravest().text, self._stuck()
        idle = "" if waiting or stuck or self._intake.why else "Idle"
        parts = [
            painting or (f"Nothing is painted: {trouble}" if trouble else idle),
            f"{waiting} {'waits' if waiting == 1 else 'wait'}" if waiting else "",
            trouble if self._engine.paintings or (painting and self._engine.unavailable) else "",
            stuck,
            self._aside(),
            self._intake.why.rstrip("."),
            self._staying(),
            self.remark,
        ]
        return "; ".join(part for part in parts if part)

    def in_the_way(self) -> str:
        """What whoever keeps the machine should look at, in one line; empty if nothing."""
        aside = Obstacle(self._aside(), "engine")
        return in_one_line(one for one in (*self.obstacles(), aside) if one.text)

    def obstacles(self) -> tuple[Obstacle, ...]:
        """What keeps photos from being taken, painted or moved, each for itself."""
        others = (self._stuck(), self._intake.why.rstrip("."), self._staying())
        found = (self._gravest(), *map(Obstacle, others))
        return tuple(one for one in found if one.text)

    @property
    def aside(self) -> tuple[Aside, ...]:
        """Which of several painters are of no use, while others go on."""
        known = {} if self._engine.unavailable else self._engine.aside
        return tuple(Aside.of(*one) for one in known.items())

    @property
    def painters(self) -> dict[str, str]:
        """Who paints, by job, where there are several and one has begun."""
        return {one.job_id: one.engine for one in self._engine.paintings if one.engine}

    @property
    def engines(self) -> Engines:
        """How many can paint, and how many are of no use."""
        return self._engine.engines

    def advances(self) -> bool:
        """Whether there was news of every painting within the time that it may take.

        Whoever can ask this is no longer held up in the loop: that part shows by itself.
        """
        now, silent = self._clock(), {one.job_id: one for one in self.silent}
        for job_id, one in silent.items():
            if job_id not in self._silent:
                event = "engine.silent" if one.has_begun else "engine.not_begun"
                _log.error(event, job=job_id, seconds=round(now - one.heard_at))
        self._silent = frozenset(silent)
        return not silent

    @property
    def silent(self) -> list[Painting]:
        """The paintings of which there was no news for longer than they may take."""
        now = self._clock()
        return [one for one in self._engine.paintings if self._is_silent(one, now)]

    def loads(self) -> bool:
        """Whether an engine is being started for the first time, and cannot be stuck yet.

        One that is tried again, since it could not be started before, may be tried for ever.
        """
        since = None if self._engine.unavailable else self._engine.loading_since
        return since is not None and self._clock() - since < LONGEST_LOAD_SECONDS

    def _is_silent(self, painting: Painting, now: float) -> bool:
        return now - painting.heard_at > longest_silence(painting.size)

    def _painting(self) -> str:
        paintings = self._engine.paintings
        if paintings:
            told, more = paintings[:_MOST_NAMED], len(paintings) - _MOST_NAMED
            others = f" and {more} more" if more > 0 else ""
            return f"Painting {', '.join(map(self._about, told))}{others}"
        return "" if self._engine.loading_since is None else "The engine is loading"

    def _gravest(self) -> Obstacle:
        """What keeps all from being painted; the others may come of that. Empty if nothing does."""
        unavailable = self._engine.unavailable
        if unavailable is not None and unavailable.message:
            return Obstacle(unavailable.message.rstrip("."), unavailable.blame)
        whys = (self.trouble, self._intake.problem, self._dispatcher.trouble)
        return Obstacle(next((why.rstrip(".") for why in whys if why), ""))

    def _aside(self) -> str:
        """Which painters are of no use; of several, why the first is not."""
        if not self.aside:
            return ""
        first, *others = self.aside
        more = f" (and {len(others)} more)" if others else ""
        return f"{printable(first.name)}{more} is set aside: {first.why}"

    def _staying(self) -> str:
        number = self._intake.staying
        photos = "1 photo stays" if number == 1 else f"{number} photos stay"
        return f"{photos} in the inbox, which cannot be moved" if number else ""

    def _stuck(self) -> str:
        stuck, why = self._endings.pending, self._endings.why.rstrip(".")
        if not why:
            return f"{stuck} cannot be put where they belong yet" if stuck else ""
        return f"{stuck} cannot be put where they belong yet: {why}"

    def _about(self, painting: Painting) -> str:
        job = self._journal.get(painting.job_id)
        name = printable(job.relative)
        style = "its own style" if job.has_own_style else printable(job.style_name)
        return f"{name} in {style}, {int(100 * painting.done)} %{self._lateness(painting)}"

    def _lateness(self, painting: Painting) -> str:
        silence = self._clock() - painting.heard_at
        is_late = silence > _LATE * longest_silence(painting.size)
        return f", no step for {silence / _MINUTE:.0f} minutes" if is_late else ""
