"""What becomes of settings that are read again while the service runs.

Which folders belong together, and which journal to them, is decided at the start: both are locked,
and photos lie in one of them. All else may change from one photo to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from daemon.catalogue import catalogue, value_of
from daemon.runners.base import Deliver, Runner
from daemon.settings import Settings

FIXED: Final = ("runner", "state_dir", "share")
"""Settings, and a section of them, that a running service keeps."""

_NOT_THE_ENGINES: Final = {"max_attempts"}  # it is the daemon that counts them


@dataclass(frozen=True)
class Reread:
    """What came of reading the settings again.

    Attributes:
        settings: all of them.
        make_runner: makes a runner that goes by them, given where to deliver events.
        remark: what of them needs a restart, for people; empty for nothing.
    """

    settings: Settings
    make_runner: Callable[[Deliver], Runner]
    remark: str = ""


def kept(before: Settings, read: Settings) -> tuple[Settings, list[str]]:
    """Keep what cannot change.

    Args:
        before: the settings in force.
        read: those that somebody wants.

    Returns:
        The settings to go by, and the dotted keys of those that need a restart.
    """
    fixed = {name: getattr(before, name) for name in FIXED}
    return read.model_copy(update=fixed), [
        key for key in changed(before, read) if key.partition(".")[0] in FIXED
    ]


def changed(before: Settings, after: Settings) -> list[str]:
    """The dotted keys of the settings that are not the same."""
    return [key for key in catalogue() if value_of(before, key) != value_of(after, key)]


def needs_another_runner(before: Settings, after: Settings) -> bool:
    """Whether whatever paints has to be made anew for these settings."""
    one, other = (each.engine.model_dump(exclude=_NOT_THE_ENGINES) for each in (before, after))
    return one != other or (after.runner == "dask" and before.cluster != after.cluster)
