"""Which failed photos are sure to fail again: asked of the one who inspects photos in the inbox.

What is read is what lies there now: a photo that somebody has mended in its place has its chance,
and so has one that was too large for settings of before. So has one that cannot be read for a
reason that may pass (the disk, the memory, a fault of the program): the service will see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from queue import SimpleQueue
from typing import Final

from daemon.companions import is_own_style
from daemon.errors import AtelierError, OverridesError
from daemon.inspector import Inspected, Inspector, Work
from daemon.looking import limits_of
from daemon.retrying import Parcel
from daemon.settings import PaintSettings, Settings
from daemon.share import Share
from daemon.wishes import recipe_in

_NOT_NOW: Final = "The photos cannot be looked into just now; name those to try again."
_MOST_STARTS: Final = 2  # somebody waits for the command
_PAUSE_SECONDS: Final = 1.0


def verdicts(
    parcels: Sequence[Parcel], share: Share, settings: Settings, *, work: Work | None = None
) -> Iterator[tuple[Parcel, str]]:
    """What would come of some of them.

    Args:
        parcels: as they were found.
        share: the share.
        settings: how large files and pictures may be, and what a `job.toml` changes.
        work: what the child runs that reads them; tests put one here that ends at once.

    Yields:
        Each in its turn, as soon as it was read: why it would come back to failed at once, in plain
        words; empty if nothing is known against it, or only what may pass.

    Raises:
        AtelierError: nothing can be looked into just now.
        SettingsError: the settings contradict one another.
    """
    answers: SimpleQueue[Inspected] = SimpleQueue()
    limits = limits_of(settings.watch, share.failed, share.styles)
    limits = replace(limits, restart_seconds=_PAUSE_SECONDS, most_starts=_MOST_STARTS)
    with ExitStack() as stack:
        try:
            inspector = Inspector(settings.watch, answers.put, limits=limits, work=work)
            stack.enter_context(closing(inspector))
            for number, one in enumerate(parcels):
                photo = share.failed / one.photo
                inspector.submit(str(number), photo, *one.styles, beside=one.beside)
        except OSError as error:
            raise AtelierError(_NOT_NOW) from error
        for one in parcels:  # it answers in this order, and each within limits
            why = _why(answers.get())
            yield one, one.fault or _wrong_wishes(one, share, settings.paint) or why


def _why(answer: Inspected) -> str:
    if not answer.ok and not answer.blame:
        raise AtelierError(_NOT_NOW)
    return "" if answer.passing else answer.message


def _wrong_wishes(parcel: Parcel, share: Share, paint: PaintSettings) -> str:
    job_file = None if parcel.overrides is None else share.failed / parcel.overrides
    try:
        if job_file is not None or parcel.wishes:
            photo = share.failed / parcel.photo
            own = any(is_own_style(style, photo) for style in parcel.styles)
            recipe_in(job_file, paint, share.failed, parcel.wishes, own_style=own)
    except OverridesError as error:
        return str(error)
    except OSError:  # gone, or out of reach for a while
        return ""
    return ""
