"""What a share's jobs are, in a line each, for `status` and its live view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from daemon.companions import Role, belonging
from daemon.failures import place_of
from daemon.figures import duration, number
from daemon.jobs import Job, JobState
from daemon.names import printable
from daemon.not_taken import NotTaken

if TYPE_CHECKING:
    from daemon.cli.report import Report

_WAITS: Final[Mapping[Role, str]] = {
    "mask": "is a mask and waits for the photo",
    "regions": "marks regions and waits for the photo",
    "start": "is a picture to start from and waits for the photo",
    "style_regions": "marks regions of a style and waits for the picture",
}
_MOST_LANES: Final = 5
_MOST_LYING: Final = 10

INTERRUPTED: Final = (
    "Was being painted when the service ended, and goes on when it is started again"
)
"""Above jobs that are not being painted any more."""

RUNNING: Final = {True: "running", False: "not running", None: "not known"}
"""Of a service, whether it runs."""


def lying(found: NotTaken, running: bool | None) -> Iterator[str]:  # noqa: FBT001 - as it is known
    """What lies in the inbox, in a line each; of many only the first.

    Args:
        found: by a look.
        running: whether a service keeps the share; None if this user cannot tell.
    """
    if found.photos:
        when = "as soon as they are complete" if running else "once the service runs"
        yield f"{number(found.photos, 'photo')} to be taken {when}"
    if found.others:
        yield f"{number(found.others, 'other file')} whose ending is not a picture's"
    told = [
        *(f"The folder {printable(slip.folder)}: {slip.why}" for slip in found.slips),
        *(
            f"{printable(path)} has no style: put it into a style's folder"
            for path in found.homeless
        ),
        *(f"{printable(path)} waits for a second picture beside it" for path in found.halves),
        *(
            f"{printable(path)} {_WAITS[to.role]} {printable(to.stem)} beside it"
            for path in found.lonely
            if (to := belonging(path.name)) is not None
        ),
        *(f"{printable(path)} waits until its job.toml is read" for path in found.unread),
        *(f"{printable(path)} is closed to this user" for path in found.closed),
    ]
    yield from told[:_MOST_LYING]
    if len(told) > _MOST_LYING:
        yield f"and {len(told) - _MOST_LYING} more"
    if not found.is_all:
        yield "(some folders were not looked into: there are very many)"


def counts(report: Report) -> str:
    """How many jobs there are; those that are over are history, and need not lie anywhere now."""
    numbers = report.numbers()
    done, failed = (numbers.pop(state.value) for state in (JobState.DONE, JobState.FAILED))
    now = ", ".join(f"{count} {kind}" for kind, count in numbers.items())
    return f"{now}; so far {done} done and {failed} failed, counting what was put right since"


def waiting(report: Report) -> Iterator[str]:
    """The photos that come next, in their order, and where more wait behind them."""
    yield from map(title, report.upcoming)
    more = sum(report.waiting.values()) - len(report.upcoming)
    if more > 0:
        yield f"and {more} more; in all {', '.join(_lanes(report.waiting))}"


def _lanes(waiting: dict[str, int]) -> Iterator[str]:
    for name, count in list(waiting.items())[:_MOST_LANES]:
        yield f"{count} in {printable(name)}"
    if (more := len(waiting) - _MOST_LANES) > 0:
        yield f"and others in {number(more, 'more folder')}"


def painting(job: Job, painter: str = "") -> str:
    """A job that is being painted, and by whom, if there are several."""
    left = job.eta_seconds
    rest = "" if left is None else f", about {duration(left)} left"
    again = f", attempt {job.attempts}" if job.attempts > 1 else ""
    return f"{how_far(job)}{rest}{again}{by(painter)}"


def by(painter: str) -> str:
    """Who paints a job, to follow what else is said of it; empty if nobody is named."""
    return f", painted by {printable(painter)}" if painter else ""


def how_far(job: Job) -> str:
    """A job that was begun, and how much of it is done."""
    share = percent(job)
    return f"{title(job)}  {'just begun' if share is None else f'{share} %'}"


def painted(job: Job) -> str:
    """A job that is done: when, and where its picture is."""
    return f"{moment(job.finished_at)}  {title(job)}  ->  {printable(job.result or '')}"


def failed(job: Job) -> str:
    """A job that has failed: when, and why."""
    return f"{moment(job.finished_at)}  {title(job)}:  {printable(job.error or '')}"


def title(job: Job) -> str:
    """A job's photo, or the folder that it is, and its style."""
    return f"{printable(place_of(job))} in {style(job)}"


def style(job: Job) -> str:
    """Which style a job is painted in."""
    look = job.look_shown
    if look is None:
        return f"its own style ({printable(job.style.name)})"
    if not look:
        return "a style that is not known"
    return f"the style {printable(look)}"


def percent(job: Job) -> int | None:
    """How much of a job is done; None before its first step."""
    return None if job.iteration is None or not job.total else 100 * job.iteration // job.total


def moment(seconds: float | None) -> str:
    """A moment as people read it, by this machine's clock; empty if there was none."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
