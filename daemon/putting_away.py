"""Puts a photo that stayed in the inbox, once it can be moved, to where its copy has gone.

If the copy lies there unchanged, the photo is removed: all of what belongs together, or nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from daemon import claims, departure, halfway, presence, publishing
from daemon.claims import Claim
from daemon.copying import Copied
from daemon.handles import held
from daemon.jobs import JobState
from daemon.pairing import Candidate
from daemon.pulse import Tick, unheard
from daemon.share import Share
from daemon.writers import refuse_written_of


def put_away(
    claim: Claim, candidate: Candidate, share: Share, state: JobState, tick: Tick = unheard
) -> Path | None:
    """Move what was taken at last to where its copy went, or remove it if that lies there still.

    Args:
        claim: what was taken.
        candidate: as it was found in the inbox.
        share: the share.
        state: of the job that the copy was: done or failed.
        tick: called while something is compared, copied or removed.

    Returns:
        Where it is kept; None if it is in the claim still, since the copy that failed has gone.

    Raises:
        AtelierError: it cannot be moved; what was not moved is in the claim.
        OSError: likewise, or somebody still writes to it: then all of it is.
        StoppedError: of the tick; as the first.
    """
    above = candidate.content.path if candidate.folder is None else candidate.folder
    below = above.parent.relative_to(share.inbox)
    top = share.originals if state is JobState.DONE else share.failed
    mine = [claim.taken_folder] if claim.taken_folder else list(claim.loose_files)
    same = _same(mine, top / below, top, tick)
    if same is not None:
        kept, found = same
        # Of all of it, before the first goes: a style must not be removed, and its photo stay.
        refuse_written_of([one.path for parts in found for one in parts], claim.folder, tick)
        # In this order: whatever is left after a kill is nothing without its photo.
        for path, parts in reversed(list(zip(mine, found, strict=True))):
            halfway.remove_found(path, parts, tick)
        if any(map(presence.is_there, mine)):
            raise OSError(errno.EBUSY, "changed while it was removed", str(mine[0]))
        claims.dissolve(claim.folder)
        return kept
    if state is JobState.DONE:
        return publishing.keep_original(share, claim, candidate.relative, tick)
    return None


def _same(
    paths: Sequence[Path], folder: Path, top: Path, tick: Tick
) -> tuple[Path, list[Sequence[Copied]]] | None:
    """The first of files that all have the same names, numbered or not, and the same content."""
    if presence.is_gone(folder, top):  # of one that is only away nobody can say what lies there
        return None
    names = [path.name for path in paths]
    with held(folder, top) as here:
        for number in range(1, len(os.listdir(here)) + 1):  # noqa: PTH208 - only how many
            there = departure.names_together(names, number)
            pairs = zip(paths, there, strict=True)
            found = [halfway.found_in(path, here / name, tick) for path, name in pairs]
            same = [parts for parts in found if parts is not None]
            if len(same) == len(found):
                return folder / there[0], same
    return None
