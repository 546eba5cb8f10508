"""What `benchmarks.scale_costs` gives as one number, in parts; and what goes through a scheduler.

The daemon's time for a photo and what of it is the journal's are measured by the clock, in one run:
it is the ratio that counts, as both are longer on a machine that does other things beside. All else
here is seconds of a processor, which other programs change less.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from distributed import Client

from benchmarks import load, processes, scale_costs
from benchmarks.house import small_picture
from benchmarks.journal_times import TIMES, Spent, read
from benchmarks.scale_costs import Extent, by_dask, photo_of
from benchmarks.scale_grid import Grid, grid

PREVIEW_BYTES: Final = 50_000
"""Of a preview: a JPEG, 480 pixels long."""

_SNAPSHOT_BYTES: Final = 54_500_000
_SNAPSHOTS: Final = 20
_PREVIEWS: Final = 100
_FEW, _MANY = load.Load(1000, 200, 7), load.Load(10_000, 200, 7)
_NOTE: Final = "progress"
_PAINTER_SECONDS: Final = 60


@dataclass(frozen=True)
class Parts:
    """What the whole is made of.

    Attributes:
        load_average: of this machine when it was measured: with nothing else it is about 1.
        taking: as `Shared.daemon_taking`.
        journal_taking: of that, in the journal.
        photo: as `Shared.daemon_photo`.
        journal_photo: of that, in the journal.
        note: by the clock, to note in the journal how far a photo is.
        notes: how many of a photo's news were noted.
        news: how many these were.
        look_few: of a processor, a look at an inbox with a thousand photos.
        look_many: likewise, with ten thousand.
        client_mb: of a processor of the daemon, a million bytes of a snapshot.
        scheduler_mb: likewise of the scheduler.
        client_preview: likewise of the daemon, a preview of `PREVIEW_BYTES`.
        scheduler_preview: likewise of the scheduler.
    """

    load_average: float
    taking: float
    journal_taking: float
    photo: float
    journal_photo: float
    note: float
    notes: float
    news: int
    look_few: float
    look_many: float
    client_mb: float
    scheduler_mb: float
    client_preview: float
    scheduler_preview: float


def measure(folder: Path, extent: Extent) -> Parts:
    """All of it.

    Args:
        folder: one that is not there yet.
        extent: how much.
    """
    folder.mkdir()
    photo = photo_of(extent.width)
    taking, journal_taking = _taken(folder, 4 * extent.photos)
    published, at_rest = _published(folder, photo, extent, 0)
    _, noting = _published(folder, photo, extent, extent.news)
    client_mb, scheduler_mb = _carried(folder / "carried")
    quiet = by_dask(folder / "quiet", photo, extent, 0)
    shown = by_dask(folder / "shown", photo, extent, _PREVIEWS, PREVIEW_BYTES)
    note = noting[_NOTE]
    return Parts(
        load_average=os.getloadavg()[0],
        taking=taking,
        journal_taking=journal_taking,
        photo=published,
        journal_photo=_of_a_photo(at_rest, extent.photos),
        note=note.seconds / note.calls,
        notes=note.calls / extent.photos,
        news=extent.news,
        look_few=load.look_seconds(_FEW, _made(folder / "few")),
        look_many=load.look_seconds(_MANY, _made(folder / "many")),
        client_mb=client_mb,
        scheduler_mb=scheduler_mb,
        client_preview=max(shown[0] - quiet[0], 0.0) / _PREVIEWS,
        scheduler_preview=max(shown[1] - quiet[1], 0.0) / _PREVIEWS,
    )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _taken(folder: Path, photos: int) -> tuple[float, float]:
    times = folder / "taking.json"
    pictures = [small_picture(number) for number in range(photos)]
    _, spacing = scale_costs.taken(folder / "taking", pictures, **{TIMES: str(times)})
    # Of those calls that come at each turn as well some were at the beginning: few.
    return spacing, _of_a_photo(read(times), photos)


def _published(
    folder: Path, photo: bytes, extent: Extent, news: int
) -> tuple[float, dict[str, Spent]]:
    times = folder / f"published-{news}.json"
    spacing = scale_costs.published(folder / f"{news}", photo, extent, news, **{TIMES: str(times)})
    return spacing, read(times)


def _of_a_photo(spent: dict[str, Spent], photos: int) -> float:
    return sum(each.seconds for name, each in spent.items() if name != _NOTE) / photos


def _carried(folder: Path) -> tuple[float, float]:
    """Seconds a million bytes of this process and of the scheduler's, for what a painter saved."""
    with grid(folder, [["-m", "benchmarks.scale_painter", "{}", "0"]]) as cluster:
        client = Client(cluster.address, set_as_default=False)
        try:
            client.wait_for_workers(1, timeout=_PAINTER_SECONDS)
            return _fetched(client, cluster)
        finally:
            client.close()


def _fetched(client: Client, cluster: Grid) -> tuple[float, float]:
    client.run(os.urandom, 1)  # what is imported at the first one is no part of it
    mine, theirs = time.process_time(), processes.processor_seconds(cluster.scheduler)
    for _ in range(_SNAPSHOTS):  # as the daemon asks for one (`daemon.cluster.orders`)
        client.run(os.urandom, _SNAPSHOT_BYTES)
    megabytes = _SNAPSHOTS * _SNAPSHOT_BYTES / 1e6
    mine = time.process_time() - mine
    theirs = processes.processor_seconds(cluster.scheduler) - theirs
    return mine / megabytes, theirs / megabytes
