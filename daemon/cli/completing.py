"""What a shell offers while somebody types the name of a photo: those that the journal knows."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice
from typing import Final

import click
from click.shell_completion import CompletionItem

from daemon.errors import AtelierError
from daemon.failures import not_put_right, place_of
from daemon.jobs import Job, JobState
from daemon.journal import JOURNAL, Journal
from daemon.names import printable
from daemon.share import Share

VARIABLE: Final = "_ATELIERD_COMPLETE"
"""Environment variable by which a shell asks what may come next."""

_MOST_OFFERED: Final = 500
_SPECIAL: Final = re.compile(r"([^\w@%+=:,./-])")

Find = Callable[[Journal, Share], Iterable[Job]]


def complete_waiting(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the photos that wait or are being painted."""
    return _offer(ctx, incomplete, _waiting)


def complete_failed(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the photos that lie in failed."""
    return _offer(ctx, incomplete, _failed)


def _waiting(journal: Journal, _share: Share) -> Iterable[Job]:
    yield from journal.having(JobState.RUNNING)
    yield from journal.having(JobState.QUEUED)


def _failed(journal: Journal, share: Share) -> Iterable[Job]:
    return not_put_right(journal.recent(JobState.FAILED, _MOST_OFFERED), share)


def _offer(ctx: click.Context, incomplete: str, find: Find) -> list[CompletionItem]:
    # Whatever is wrong is said when the command is given; between two keys there is no place.
    try:
        names = {str(place_of(job)) for job in islice(_found(ctx, find), _MOST_OFFERED)}
    except (AtelierError, OSError):
        return []
    offered = sorted(name for name in names if name.startswith(incomplete))
    return [CompletionItem(_typed(name)) for name in offered if printable(name) == name]


def _found(ctx: click.Context, find: Find) -> list[Job]:
    from daemon.configuration import load, state_folder  # noqa: PLC0415 - pydantic is slow
    from daemon.share import open_share  # noqa: PLC0415 - the same

    said = {
        key: value
        for name, value in ctx.params.items()
        if value is not None and (key := _setting(name))
    }
    settings = load(ctx.params.get("config"), said, os.environ).settings
    share = open_share(settings.share)
    path = state_folder(settings, share, os.environ) / JOURNAL
    if not path.exists():
        return []
    with closing(Journal(path, time.time, read_only=True)) as journal:
        return list(find(journal, share))


def _setting(parameter: str) -> str:
    """Which setting an option gives; empty for other options."""
    return parameter.removeprefix("setting_").replace("__", ".") if "setting_" in parameter else ""


def _typed(name: str) -> str:
    """A name as it has to stand on the command line; bash alone leaves that to us."""
    is_bash = os.environ.get(VARIABLE, "").startswith("bash")
    return _SPECIAL.sub(r"\\\1", name) if is_bash else name
