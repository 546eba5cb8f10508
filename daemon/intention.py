"""Where a result is about to appear, and whether it did: so that nothing is painted twice.

Between the moment in which a picture gets its name in the outbox and the record of that in the
journal the program may be killed. So what is intended is recorded before: the very path, since a
name that is taken is numbered, and by which bytes the picture is known. At the next start the file
is there, whole, or it is not.

The journal has the record. The claim has a copy (`RESULT`), so that a photo whose result is out is
known also to a new journal. What remains: whoever moves, changes or removes a result within the
moment between its appearance and the kill makes it look as if it had never been there, and the
photo is painted again. A result too many is better than one that nobody got.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Final

from daemon import files, presence
from daemon.handles import held, reading
from daemon.jobs import Intention, Job
from daemon.share import Share

RESULT: Final = ".result"
"""File in a claim's folder: where its result is about to appear."""

_BLOCK: Final = 1 << 20
_NO_FILE: Final = frozenset({errno.EINVAL, errno.ENOTDIR, errno.ELOOP, errno.ENOENT, errno.ENXIO})


def intend(path: Path, picture: bytes) -> Intention:
    """What is to be recorded of a picture before it gets its name.

    Args:
        path: the name, which nobody has.
        picture: the whole file.
    """
    return Intention(path, hashlib.sha256(picture).hexdigest(), len(picture))


def is_out(intention: Intention, share: Share) -> bool:
    """Whether the picture has its name: that very one, whole.

    Raises:
        OSError: nobody can say: the outbox is out of reach.
    """
    if presence.is_gone(intention.path, share.outbox):
        return False
    try:
        with reading(intention.path, share.outbox) as handle:
            whole = os.fstat(handle).st_size == intention.size
            return whole and _sha256(handle) == intention.sha256
    except OSError as error:
        # A link or a folder of somebody else, on the way or there; or it went this very moment.
        if error.errno not in _NO_FILE:
            raise
        return False


def forget_reservation(intention: Intention, share: Share) -> None:
    """Remove the empty file that may hold the place of a picture that did not come.

    Args:
        intention: of a picture that is not out.
        share: the share.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        held(intention.path.parent, share.outbox) as here,
    ):
        path = here / intention.path.name
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            path.unlink()


def remember(claim: Path, intention: Intention) -> None:
    """Leave a copy of the intention in a claim, beside its photo.

    Args:
        claim: its folder.
        intention: what was or is to be recorded in the journal.

    Raises:
        OSError: the disk or the permissions do not allow it, or there is no such claim.
    """
    kept = {"path": str(intention.path), "sha256": intention.sha256, "size": intention.size}
    data = json.dumps(kept, ensure_ascii=True).encode("ascii")
    files.write_atomically(claim / RESULT, data)


def recorded(job: Job, share: Share) -> Intention | None:
    """What the journal says of a job; None if that is nothing, or leads out of the outbox.

    It does when `share.outbox` is another one by now. Whether the picture is in the old one nobody
    can say any more: that may be no folder of ours, or have been moved; so it is painted again.

    Args:
        job: as the journal knows it.
        share: the share.
    """
    plan = job.intention
    return plan if plan is not None and _is_inside(plan, share) else None


def recall(claim: Path, share: Share) -> Intention | None:
    """The copy in a claim; None if there is none that can be read and leads into the outbox.

    Args:
        claim: its folder.
        share: the share.
    """
    try:
        kept = json.loads((claim / RESULT).read_bytes())
        found = Intention(Path(kept["path"]), str(kept["sha256"]), int(kept["size"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if _is_inside(found, share) else None


def _is_inside(intention: Intention, share: Share) -> bool:
    return intention.path.is_relative_to(share.outbox) and ".." not in intention.path.parts


def _sha256(handle: int) -> str:
    digest = hashlib.sha256()
    while block := os.read(handle, _BLOCK):
        digest.update(block)
    return digest.hexdigest()
