"""Where a claim belongs that the journal has no job for: what it remembers itself decides.

A kill between the taking of a photo and the record of its job leaves such a claim, and it goes
back into the inbox. So do all claims when the journal is lost. But there the photos are among
them that were on their way out, and these go on:

- what was changed or added after all was copied elsewhere goes where that is written down: the
  journal may know the job, and that it is over (`daemon.claim_content`);
- one of whose files something has left already follows it, to originals, failed or the inbox;
- one whose result is out goes to the originals: it must not be painted again;
- all others go to the inbox, also those that had failed and not left yet: why, only the journal
  knew. They are tried again from the beginning, and told again.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from daemon import departure, intention
from daemon.folders import folder_below
from daemon.pulse import Tick, unheard
from daemon.share import Share


def home_of(claim: Path, came_from: PurePath, share: Share, tick: Tick = unheard) -> Path:
    """The folder, made where it is missing, into which what is in a claim belongs.

    Args:
        claim: its folder.
        came_from: the folder below the inbox that its files came from.
        share: the share.
        tick: called while something is compared.

    Raises:
        OSError: nobody can say, or it cannot be made.
        ShareError: it would lie out of the share.
    """
    way = departure.recall(claim, share, tick)
    if way is not None and (way.rest is not None or way.begun):
        folder = way.rest or way.folder
        top = departure.top_of(folder, share)
        if top is not None:
            return folder_below(top, folder.relative_to(top))
    plan = intention.recall(claim, share)
    if plan is not None:
        if intention.is_out(plan, share):
            return folder_below(share.originals, came_from)
        intention.forget_reservation(plan, share)
    return folder_below(share.inbox, came_from)
