"""How many painters one daemon, one scheduler and one share keep busy: a simulation.

The inspector, the daemon's loop, the scheduler and the share each do one thing at a time, in the
order in which it comes. The loop does several: it looks at the inbox, keeps the journal, and all
the rest. Whoever reads from the share or writes to it waits for that and does nothing else
meanwhile, as the inspector and the loop really do. Painters are many, and have one photo each, as
the daemon hands out no more. What one photo costs each of them is measured elsewhere
(`benchmarks.scale`); here it is only put together.

What is assumed:

- The inbox is never empty, and the daemon asks the inspector for the next photo as soon as one of
  those that it was asked for is taken, up to so many that wait in the journal. Nothing is in stock
  when it begins, so that there is nothing to live on; what is counted comes after several rounds
  of all painters.
- All costs are the same for each photo. Nothing fails, and nobody comes or goes.
- The share is bandwidth alone: no round trips, and nobody else uses it. Between the daemon, the
  scheduler and the painters there is no network at all.
- No snapshots, no previews, no page: see `benchmarks.scale` for what they come to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.scale_servers import Act, Clock, Server
from daemon import pace

SHARED: Final = ("inspector", "loop", "scheduler", "share")
"""What all painters have in common."""

LOOP: Final = ("scan", "journal", "daemon")
"""What the loop is at work with; for the rest of its time it waits for the share, or for work."""


@dataclass(frozen=True)
class Costs:
    """What things take, seconds.

    Attributes:
        painting: of a painter, one photo.
        news: how many bundles of news a painter gives of one photo, at even intervals.
        look: of the loop, one look at the inbox.
        look_rest: from its end to the next one, at least.
        inspector_photo: of the inspector, one photo.
        daemon_taking: of the loop, until one photo waits, without the journal.
        daemon_photo: of it, from there until its picture is published, likewise.
        daemon_news: of it, one bundle, likewise.
        journal_taking: of the loop, in the journal, until one photo waits.
        journal_photo: likewise, from there until its picture is published.
        journal_news: likewise, one bundle.
        scheduler_photo: of the scheduler, one order and its result.
        scheduler_news: of it, one bundle.
        share_inspecting: of the share, what the inspector reads of one photo.
        share_reading: of it, what the loop reads for one photo.
        share_writing: of it, what the loop writes.
    """

    painting: float
    news: int = 0
    look: float = 0.0
    look_rest: float = 0.0
    inspector_photo: float = 0.0
    daemon_taking: float = 0.0
    daemon_photo: float = 0.0
    daemon_news: float = 0.0
    journal_taking: float = 0.0
    journal_photo: float = 0.0
    journal_news: float = 0.0
    scheduler_photo: float = 0.0
    scheduler_news: float = 0.0
    share_inspecting: float = 0.0
    share_reading: float = 0.0
    share_writing: float = 0.0

    @property
    def of_a_photo(self) -> dict[str, float]:
        """How long one photo keeps each of `SHARED` from another one; looks are not counted."""
        own = self.daemon_taking + self.daemon_photo + self.news * self.daemon_news
        written = self.journal_taking + self.journal_photo + self.news * self.journal_news
        moved = self.share_reading + self.share_writing
        return {
            "inspector": self.share_inspecting + self.inspector_photo,
            "loop": own + written + moved,
            "scheduler": self.scheduler_photo + self.news * self.scheduler_news,
            "share": self.share_inspecting + moved,
        }


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        painters: how many there were.
        photos_an_hour: that were finished.
        busy: of the time that the painters painted, in the mean, 0 to 1.
        shared: of the time that each of `SHARED` could do nothing else, 0 to 1.
        loop: of the loop's time what went into each of `LOOP`.
    """

    painters: int
    photos_an_hour: float
    busy: float
    shared: dict[str, float]
    loop: dict[str, float]

    @property
    def tightest(self) -> str:
        """What of the shared ones is the nearest to its end."""
        return max(self.shared, key=lambda name: self.shared[name])


MOST_ASKED: Final = 4
"""Photos that the inspector is asked for at once (`daemon.intake`)."""

LOOKING: Final = pace.SHARE
"""Of the loop's time, at most, goes into looking."""

LONGEST_REST: Final = 60.0
"""Seconds that it rests for that, at the most (`daemon.pace`)."""

_STOCK: Final = 64
"""Photos that wait in the journal, at the most, so that the inspector is not at work for nothing
but the stock. The real one has no such limit."""

_WARMING: Final = 5
_LONGEST_WARMING: Final = 40
WATCHED: Final = 12
"""Rounds of all painters that come before it is counted (at least, and at most, if the stock still
grows), and that are counted."""

SETTLED: Final = 0.01
"""Of a round's photos: if the stock changes by less, it is as it was."""

_ROUNDING: Final = 1e-9

LEAST: Final = 64
"""Photos that are a round, at least."""

_LOOKS: Final = 8
"""Looks at the inbox for which it lasts, at least."""


class _World:
    """The clock, who serves, and the ways of photos, news and looks."""

    def __init__(self, costs: Costs) -> None:
        self.costs = costs
        self.clock = Clock()
        share = Server(self.clock)
        self.servers = {
            "inspector": Server(self.clock, share),
            "loop": Server(self.clock, share),
            "scheduler": Server(self.clock),
            "share": share,
        }
        self.finished = 0
        self.looks = 0
        self.stock = self._asked = self._idle = 0
        self._painting, self._painted, self._since = 0, 0.0, 0.0

    @property
    def painted(self) -> float:
        """Seconds that all painters together have painted until now."""
        return self._painted + self._painting * (self.clock.now - self._since)

    def start(self, painters: int) -> None:
        """Let them come, one after the other: later on they are never all free in one moment."""
        for number in range(painters):
            self.clock.after(self.costs.painting * number / painters, self._begin)
        self._ask()
        if self.costs.look:
            self._look()

    def run(self, photos: int, looks: int) -> None:
        """Go on until so many more photos are finished, and so many more looks were made."""
        photos, looks = self.finished + photos, self.looks + looks
        before = -1
        # To the moment in which one is finished: as it is at the beginning of what comes then.
        while before == self.finished or self.finished < photos or self.looks < looks:
            before = self.finished
            self.clock.go_on()

    def warm_up(self, photos: int, looks: int) -> None:
        """Go on until one round is as the one before, and the stock as it was then."""
        for number in range(_LONGEST_WARMING):
            before = self.stock
            self.run(photos, looks)
            if number >= _WARMING and abs(self.stock - before) <= SETTLED * photos:
                return

    # The inbox.

    def _look(self) -> None:
        self.servers["loop"].enter([("scan", self.costs.look)], self._looked)

    def _looked(self) -> None:
        self.looks += 1
        for_others = min(self.costs.look * (1 / LOOKING - 1), LONGEST_REST)
        self.clock.after(max(self.costs.look_rest, for_others), self._look)

    def _ask(self) -> None:
        costs = self.costs
        while self._asked < MOST_ASKED and self._asked + self.stock < _STOCK:
            self._asked += 1
            steps = [("share", costs.share_inspecting), ("inspector", costs.inspector_photo)]
            self.servers["inspector"].enter(steps, self._take)

    def _take(self) -> None:
        costs = self.costs
        steps = [("daemon", costs.daemon_taking), ("journal", costs.journal_taking)]
        self.servers["loop"].enter(steps, self._taken)

    def _taken(self) -> None:
        self._asked -= 1
        self.stock += 1
        if self._idle:
            self._idle -= 1
            self._begin()
        self._ask()

    # The way of one photo.

    def _begin(self) -> None:
        """A painter is free."""
        if not self.stock:
            self._idle += 1
            return
        self.stock -= 1
        self._ask()
        self._loop("share_reading", self._order)

    def _loop(self, moved: str, then: Act) -> None:
        """One half of what the loop does for a photo that waited."""
        costs = self.costs
        own, written = costs.daemon_photo / 2, costs.journal_photo / 2
        steps = [("share", getattr(costs, moved)), ("daemon", own), ("journal", written)]
        self.servers["loop"].enter(steps, then)

    def _order(self) -> None:
        self._scheduler(self.costs.scheduler_photo / 2, self._paint)

    def _scheduler(self, seconds: float, then: Act) -> None:
        self.servers["scheduler"].enter([("scheduler", seconds)], then)

    def _paint(self) -> None:
        self._count(1)
        painting, news = self.costs.painting, self.costs.news
        for number in range(1, news + 1):
            self.clock.after(painting * number / (news + 1), self._tell)
        self.clock.after(painting, self._end_of_painting)

    def _count(self, more: int) -> None:
        self._painted, self._since = self.painted, self.clock.now
        self._painting += more

    def _tell(self) -> None:
        self._scheduler(self.costs.scheduler_news, self._hear)

    def _hear(self) -> None:
        steps = [("daemon", self.costs.daemon_news), ("journal", self.costs.journal_news)]
        self.servers["loop"].enter(steps, lambda: None)

    def _end_of_painting(self) -> None:
        self._count(-1)
        self._scheduler(self.costs.scheduler_photo / 2, self._publish)

    def _publish(self) -> None:
        self._loop("share_writing", self._end)

    def _end(self) -> None:
        self.finished += 1
        self._begin()


def simulate(costs: Costs, painters: int, rounds: int = WATCHED) -> Outcome:
    """Let so many painters paint until it goes on as it went before, and then watch them.

    Args:
        costs: what things take.
        painters: how many there are, at least 1.
        rounds: how many photos each of them paints while it is watched.
    """
    world = _World(costs)
    world.start(painters)
    photos, looks = max(painters, LEAST), _LOOKS if costs.look else 0
    world.warm_up(photos, looks)
    watch = _Watch(world)
    world.run(rounds * photos, looks)
    for _ in range(photos):
        if not watch.lives_on_what_was_there:
            break
        world.run(1, 0)
    return watch.outcome(painters)


class _Watch:
    """What happens from now on.

    Args:
        world: as it is now.
    """

    def __init__(self, world: _World) -> None:
        self._world = world
        self._began, self._painted, self._finished = world.clock.now, world.painted, world.finished
        self._before = {name: server.worked() for name, server in world.servers.items()}

    @property
    def lives_on_what_was_there(self) -> bool:
        """Whether the tightest has done less than what was finished meanwhile needs of it.

        It had done some of that before, and there is less of this now. A watch that ends in such a
        moment sees more photos than it can do.
        """
        spent, costs = self._spent(), self._world.costs.of_a_photo
        done = {name: sum(each.values()) - each.get("scan", 0.0) for name, each in spent.items()}
        tightest = max(done, key=done.__getitem__)
        needed = (self._world.finished - self._finished) * costs[tightest]
        return done[tightest] < needed * (1 - _ROUNDING)

    def outcome(self, painters: int) -> Outcome:
        """What came of it."""
        world, spent = self._world, self._spent()
        seconds = world.clock.now - self._began
        return Outcome(
            painters,
            3600 * (world.finished - self._finished) / seconds,
            (world.painted - self._painted) / (seconds * painters),
            {name: sum(each.values()) / seconds for name, each in spent.items()},
            {name: spent["loop"].get(name, 0.0) / seconds for name in LOOP},
        )

    def _spent(self) -> dict[str, dict[str, float]]:
        return {
            name: {what: now - self._before[name].get(what, 0.0) for what, now in worked.items()}
            for name, server in self._world.servers.items()
            for worked in [server.worked()]
        }


def ceilings(costs: Costs) -> dict[str, float]:
    """Photos an hour that each of `SHARED` could do if it had never to wait, nor to look."""
    return {
        name: 3600 / seconds if seconds else float("inf")
        for name, seconds in costs.of_a_photo.items()
    }


def most_painters(costs: Costs, least_busy: float = 0.9, limit: int = 65_536) -> int:
    """The most painters that are busy for such a part of the time in the mean.

    Args:
        costs: what things take.
        least_busy: the part, 0 to 1.
        limit: no more are tried.
    """
    low, high = 0, 1
    while high <= limit and simulate(costs, high).busy >= least_busy:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if simulate(costs, middle).busy >= least_busy:
            low = middle
        else:
            high = middle
    return low
