"""What waits for people, as the page names it: a few of many, as the notes have them."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path

from daemon.companions import belonging
from daemon.inbox_note import Few
from daemon.page.board import MOST_ASKED, Asking, BadStyle, Lonely, NearlyNamed
from daemon.slips import Slip


def asking(few: Few) -> Asking:
    """One of the inbox note's lists.

    Args:
        few: its first paths.
    """
    return Asking(tuple(map(str, few.paths[:MOST_ASKED])), few.in_all)


def lonely(few: Few) -> tuple[Lonely, ...]:
    """The first masks and the like without what they belong to.

    Args:
        few: their first paths.
    """
    found = ((path, belonging(path.name)) for path in few.paths[:MOST_ASKED])
    return tuple(Lonely(str(path), *to) for path, to in found if to is not None)


def bad_styles(faults: Mapping[Path, str]) -> tuple[BadStyle, ...]:
    """The first, in order of their names.

    Args:
        faults: style pictures that cannot be used, and why, in plain English.
    """
    first = heapq.nsmallest(MOST_ASKED, faults.items())
    return tuple(BadStyle(picture.name, why) for picture, why in first)


def nearly_named(slips: Sequence[Slip]) -> tuple[NearlyNamed, ...]:
    """The first folders with a slip in their names.

    Args:
        slips: in their order.
    """
    return tuple(NearlyNamed(slip.folder, slip.why) for slip in slips[:MOST_ASKED])
