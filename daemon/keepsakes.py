"""Keeps what is known of photos that stay in the inbox, for the case that the journal is lost.

Such a photo is painted from a copy (`daemon.staying`). While the copy lies in its claim, the claim
knows which job it is of, where the result appears and where the copy goes. When the copy has gone
there, the claim's folder with all that it knows is moved into another folder of the work folder, in
one step: whenever the program is killed, the one or the other tells a new journal of the photo
(`daemon.adoption`). It goes when the photo has left the inbox. If that leaves while its copy waits
or is painted, the claim says no more of it, and nothing will be kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import structlog

from daemon import departure, files, presence, removing
from daemon.claim_folders import claim_folder, guard, ids_in, refuse_foreign
from daemon.copying import sync_folder
from daemon.errors import AtelierError, ClaimError
from daemon.names import printable
from daemon.share import Share

COPIED: Final = ".copied"
"""File in a claim's folder: what lies there are copies, and the inbox has the files; what a new
journal needs to know of them. It is empty once the files have left the inbox too."""
STAYING: Final = "staying"
"""Name of the folder in the work folder in which all keepsakes lie."""

_PRIVATE: Final = 0o700
_log: Final = structlog.get_logger()


def keepsake(share: Share, job_id: str) -> Path:
    """The folder with what is kept of a job, whether it is there or not."""
    return share.work / STAYING / job_id


def keep(claim: Path, share: Share) -> bool:
    """Keep what a claim knows, if it was of copies that have gone to originals or failed.

    Not if the photo has left the inbox as well: of that nothing is to be known.

    Args:
        claim: its folder; its files have left.
        share: the share.

    Returns:
        Whether it was: then the claim is no more.

    Raises:
        ClaimError: the folder of keepsakes cannot be trusted.
        OSError: the disk or the permissions do not allow it; the claim is as it was.
    """
    if not _says_something(claim / COPIED):
        return False
    way = departure.recorded(claim, share)
    ends = (share.originals, share.failed)
    if way is None or not way.begun or departure.top_of(way.folder, share) not in ends:
        return False
    kept = keepsake(share, claim.name)
    refuse_foreign(kept.parent, share.work)
    with contextlib.suppress(FileExistsError):
        kept.parent.mkdir(_PRIVATE)
        # Else a power cut may take it along with all that was moved into it.
        sync_folder(share.work)
    claim.rename(kept)
    sync_folder(kept.parent)
    sync_folder(claim.parent)
    return True


def find_kept(share: Share) -> list[str]:
    """The ids of the jobs of which something is kept, sorted.

    Raises:
        ClaimError: the folder cannot be trusted or not be read.
    """
    folder = share.work / STAYING
    try:
        return ids_in(folder)
    except OSError as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Path, error: OSError) -> ClaimError:
    """What to say of a folder that nobody can look into, though photos may be painted twice."""
    return ClaimError(
        f"The folder {printable(folder)}, which tells what was painted of the photos that stay in "
        f"the inbox, cannot be read ({error.strerror}). Let the program read and write there, and "
        "check the disk."
    )


def forget(share: Share, job_id: str) -> None:
    """Let go of what is kept of a job, if anything is; it must not stay for good.

    So goes what a claim would leave to be kept, if the job is not over yet.

    What cannot be removed now is removed at a start to come: the journal knows that it is over.
    """
    try:
        _silence(claim_folder(share, job_id))
        kept = keepsake(share, job_id)
        if presence.is_there(kept):
            refuse_foreign(kept.parent, share.work)
            removing.remove_tree(kept)
    except (AtelierError, OSError) as error:
        _log.warning("keepsake.stays", job=job_id, why=str(error))


def _silence(claim: Path) -> None:
    """Have a claim say nothing of the photo of which it has a copy."""
    if _says_something(claim / COPIED):
        guard(claim)
        files.write_atomically(claim / COPIED, b"")


def _says_something(path: Path) -> bool:
    try:
        return path.lstat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False
