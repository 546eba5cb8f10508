"""What a service is put together from: tests put others in their places."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from daemon.bulletin import Bulletin
from daemon.checkpoints import Checkpoints
from daemon.glimpses import Glimpses
from daemon.inspector import Inspected, Inspects
from daemon.metrics import Metrics
from daemon.notify import Notify
from daemon.page.keeping import Draw
from daemon.reloading import Reread
from daemon.requests import Requests
from daemon.runners.base import Deliver, Runner
from daemon.settings import Settings, WatchSettings
from daemon.sheet.keeping import Sheet


class InspectsUntilClosed(Inspects, Protocol):
    """What the service needs of `daemon.inspector.Inspector`."""

    def use(self, settings: WatchSettings) -> None:
        """Go by other settings from now on."""

    def close(self) -> None:
        """End it; no answer comes after this."""


@dataclass(frozen=True)
class Parts:
    """What the service is put together from.

    Attributes:
        make_runner: given where to deliver events.
        make_inspector: given where to deliver answers.
        clock: monotonic seconds.
        make_id: a new job id at each call.
        lock: locks the share's work folder once more, given a handle of one that was made again.
        notify: told how the service is; None for nobody.
        reread: given the settings in force, reads them again; None where that cannot be done.
        checkpoints: where the runner saves jobs on their way, if it does.
        bulletin: told what stands in the way of the service, for those who ask beside it.
        requests: what people ask for beside it.
        metrics: told what happens, and writes figures of it.
        expect: raises a `ShareError` while the share's folders are not the ones that they were.
        sheet: keeps the picture of all styles; None for nobody.
        damage: why the journal is of no use any more, in few words; empty as long as it is.
        draw: makes the page that shows how things are; None: there is none.
        glimpses: the small pictures on it.
        now: seconds since 1970, for it.
    """

    make_runner: Callable[[Deliver], Runner]
    make_inspector: Callable[[Callable[[Inspected], None]], InspectsUntilClosed]
    clock: Callable[[], float]
    make_id: Callable[[], str]
    lock: Callable[[int], None] = lambda _handle: None
    notify: Notify | None = None
    reread: Callable[[Settings], Reread] | None = None
    checkpoints: Checkpoints | None = None
    bulletin: Bulletin = field(default_factory=lambda: Bulletin(None))
    requests: Requests = field(default_factory=lambda: Requests(None))
    metrics: Metrics = field(default_factory=lambda: Metrics(None, Path()))
    expect: Callable[[], None] = lambda: None
    sheet: Sheet | None = None
    damage: Callable[[], str] = str
    draw: Draw | None = None
    glimpses: Glimpses = field(default_factory=lambda: Glimpses(None))
    now: Callable[[], float] = time.time
