"""What one photo, and one piece of news, cost what all painters have in common.

Each is measured on the real thing, with painters that take no time: the service on a share, and
Dask's scheduler with the daemon's side of a cluster.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from benchmarks import processes
from benchmarks.house import (
    QUICK_TO_SETTLE,
    House,
    make_house,
    service,
    small_picture,
    style_names,
    wait_until,
)
from benchmarks.load_daemon import NEVER, NEWS
from benchmarks.scale_grid import grid
from benchmarks.scale_pace import Crew
from daemon.cluster.making import dask
from daemon.jobs import Job, JobState
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import ClusterSettings, EngineSettings, Settings
from engine import Recipe

_PROGRAM: Final = ["benchmarks.load_daemon"]
_PATIENCE: Final = 300.0
_STYLES: Final = 4
_QUIET: Final = {
    **QUICK_TO_SETTLE, "log.level": "warning", "share.contact_sheet": "false",
    "page.enabled": "false",
}  # fmt: skip


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        photos: on the share, and by Dask.
        news: of each, where their cost is measured.
        width: of a photo, pixels; it is three quarters as high.
    """

    photos: int = 60
    news: int = 200
    width: int = 4000


@dataclass(frozen=True)
class Shared:
    """Seconds, each of one thread or process.

    Attributes:
        photo_mb: of the file that is copied onto the share.
        inspector_photo: of the inspector's process: to decode it.
        daemon_taking: of the service's loop, until one waits in the journal.
        daemon_photo: of it, from there until the picture is published and the photo moved away.
        daemon_news: of it, one piece of news.
        client_photo: of the daemon's thread that speaks to the scheduler, an order and its result.
        client_news: of it, one piece of news.
        scheduler_photo: of Dask's scheduler, an order and its result.
        scheduler_news: of it, one piece of news.
    """

    photo_mb: float
    inspector_photo: float
    daemon_taking: float
    daemon_photo: float
    daemon_news: float
    client_photo: float
    client_news: float
    scheduler_photo: float
    scheduler_news: float


def measure(folder: Path, extent: Extent) -> Shared:
    """All of it.

    Args:
        folder: an empty one.
        extent: how much.
    """
    photo = photo_of(extent.width)
    inspector, _ = taken(folder / "large", [photo] * extent.photos)
    _, taking = taken(folder / "small", [small_picture(n) for n in range(2 * extent.photos)])
    without = published(folder / "none", photo, extent, 0)
    told = published(folder / "news", photo, extent, extent.news)
    quiet = by_dask(folder / "dask", photo, extent, 0)
    loud = by_dask(folder / "loud", photo, extent, extent.news)
    return Shared(
        photo_mb=len(photo) / 1e6,
        inspector_photo=inspector,
        daemon_taking=taking,
        daemon_photo=without,
        daemon_news=max(told - without, 0.0) / extent.news,
        client_photo=quiet[0],
        client_news=max(loud[0] - quiet[0], 0.0) / extent.news,
        scheduler_photo=quiet[1],
        scheduler_news=max(loud[1] - quiet[1], 0.0) / extent.news,
    )


def photo_of(width: int) -> bytes:
    """A photo as cameras make them: a smooth picture with some grain.

    Args:
        width: pixels; it is three quarters as high.
    """
    height, generator = 3 * width // 4, np.random.default_rng(1)
    rough = Image.fromarray(generator.integers(0, 256, (12, 16, 3), np.uint8))
    smooth = np.asarray(rough.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = generator.integers(-8, 9, smooth.shape, np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def taken(folder: Path, photos: Sequence[bytes], **environ: str) -> tuple[float, float]:
    """Seconds a photo of the inspector's process, and between two that were taken.

    Args:
        folder: one that is not there yet.
        photos: what is put into the inbox.
        environ: variables for the service.
    """
    house = _house(folder, photos)
    with service(house, _PROGRAM, _QUIET, **{NEVER: "1"}, **environ) as process:
        wait_until(
            "the photos to be taken",
            lambda: len(_jobs(house, JobState.QUEUED)) == len(photos), process, _PATIENCE,
        )  # fmt: skip
        children = processes.children(process.pid)
        inspected = sum(map(processes.processor_seconds, children)) / len(photos)
    return inspected, _spacing([job.queued_at for job in _jobs(house, JobState.QUEUED)])


def published(folder: Path, photo: bytes, extent: Extent, news: int, **environ: str) -> float:
    """Seconds between two photos that waited and were published, painted in no time.

    Args:
        folder: one that is not there yet.
        photo: what is put into the inbox, again and again.
        extent: how often.
        news: that the painter gives of each.
        environ: variables for the service while they are painted.
    """
    house = _house(folder, [photo] * extent.photos)
    with service(house, _PROGRAM, _QUIET, **{NEVER: "1"}) as process:
        wait_until(
            "the photos to be taken",
            lambda: len(_jobs(house, JobState.QUEUED)) == extent.photos, process, _PATIENCE,
        )  # fmt: skip
    with service(house, _PROGRAM, _QUIET, **{NEWS: str(news)}, **environ) as process:
        wait_until(
            "the photos to be painted",
            lambda: len(_jobs(house, JobState.DONE)) == extent.photos, process, _PATIENCE,
        )  # fmt: skip
    ends = [job.finished_at for job in _jobs(house, JobState.DONE)]
    return _spacing([end for end in ends if end is not None])


def _house(folder: Path, photos: Sequence[bytes]) -> House:
    folder.mkdir(parents=True)
    house = make_house(folder, _STYLES)
    names = style_names(_STYLES)
    for number, photo in enumerate(photos):
        lane = house.share.inbox / names[number % _STYLES]
        lane.mkdir(exist_ok=True)
        (lane / f"IMG_{number:05}.jpg").write_bytes(photo)
    return house


def _jobs(house: House, state: JobState) -> list[Job]:
    if not any(house.base.glob("**/*.sqlite")):
        return []
    with house.journal() as journal:
        return list(journal.having(state))


def _spacing(times: list[float]) -> float:
    """The mean of what lies between two of them; those at both ends are no part of it."""
    ordered = sorted(times)
    cut = len(ordered) // 10
    middle = ordered[cut : len(ordered) - cut]
    return (middle[-1] - middle[0]) / (len(middle) - 1)


def by_dask(
    folder: Path, photo: bytes, extent: Extent, news: int, preview_bytes: int = 0
) -> tuple[float, float]:
    """Seconds a photo of this process, and of the scheduler's.

    Args:
        folder: one that is not there yet.
        photo: what is painted, in a style that is as large.
        extent: how often.
        news: that the painter gives of each.
        preview_bytes: each of these is a preview of so many bytes; 0: it is bare progress.
    """
    painter = ["-m", "benchmarks.scale_painter", "{}", str(news), str(preview_bytes)]
    recipe = Recipe(size=64, scales=(1.0,), iterations=(1,))
    style = StyleFile(photo)
    requests = [
        PaintRequest(f"job-{number}", photo, (style,), recipe) for number in range(extent.photos)
    ]
    with grid(folder, [painter]) as cluster:
        settings = Settings(
            runner="dask",
            engine=EngineSettings(weights=folder / "none"),
            cluster=ClusterSettings(scheduler=cluster.address),
        )
        crew = Crew(lambda deliver: dask(settings, deliver, state=folder / "state"), 1)
        try:
            crew.paint(requests[:2])  # what is imported at the first one is no part of it
            mine, theirs = time.process_time(), processes.processor_seconds(cluster.scheduler)
            crew.paint(requests)
            mine = time.process_time() - mine
            theirs = processes.processor_seconds(cluster.scheduler) - theirs
        finally:
            crew.close()
    return mine / extent.photos, theirs / extent.photos
