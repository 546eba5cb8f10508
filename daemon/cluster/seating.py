"""Which painter a job goes to: one that has room, also beside the photos of other services.

Dask could choose, but knows nothing of engines that come and go, of where a photo was lost before,
or of a step that a given-up photo is still at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from daemon.cluster.errands import Errand, Errands
from daemon.cluster.messages import TASK
from daemon.cluster.roster import Roster, Seat


def key_of(errand: Errand) -> str:
    """What its task is called in Dask."""
    return f"{TASK}{errand.run}"


class Seating:
    """Finds room.

    Args:
        roster: who is there.
        errands: the jobs of this service.
    """

    def __init__(self, roster: Roster, errands: Errands) -> None:
        self._roster: Final = roster
        self._errands: Final = errands

    def take_notice(self, processing: Mapping[str, Iterable[object]]) -> None:
        """See how many photos of other services the painters have.

        Args:
            processing: keys of the tasks of each worker, by its address.
        """
        ours = {key_of(errand) for errand in self._errands.all}
        for seat in self._roster.ready:
            keys = map(str, processing.get(seat.address, ()))
            seat.others = sum(key.startswith(TASK) and key not in ours for key in keys)

    def seat_for(self, errand: Errand) -> Seat | None:
        """The painter with the most room, rather than one where the job was lost; None: none.

        Where others keep all of them busy, one job may wait its turn behind theirs.
        """
        own = {seat: self._room(seat) for seat in self._roster.ready if seat.is_sure}
        free = [seat for seat in own if own[seat] > seat.others]
        if not free and not any(map(_waits_its_turn, self._errands.all)):
            free = [seat for seat in own if own[seat] > 0]
        shunned = self._errands.lost_at(errand.job_id)
        rank = {seat: (seat.name not in shunned, own[seat] - seat.others) for seat in free}
        return max(free, key=rank.__getitem__, default=None)

    def to_move(self) -> list[Errand]:
        """Jobs that wait behind those of others, and need not, since another painter has room."""
        free = [one for one in self._roster.ready if one.is_sure and self._room(one) > one.others]
        waiting = [one for one in self._errands.all if _is_behind(one)]
        return waiting[: len(free)]

    def _room(self, seat: Seat) -> int:
        return seat.able - len(self._errands.at(seat))


def _waits_its_turn(errand: Errand) -> bool:
    """Whether it was sent to a painter that can paint, and has not begun."""
    return errand.seat is not None and errand.seat.is_sure and not errand.has_begun


def _is_behind(errand: Errand) -> bool:
    """Whether its painter has not begun with it, and cannot: others keep it busy, or it loads."""
    if errand.seat is None or errand.has_begun or errand.is_unwanted:
        return False
    return errand.seat.others >= errand.seat.able
