"""Which folder is a claim's, and whether it can be trusted.

What is to be held off: somebody who may write to the share's folders wants the service to read, or
move, files that only the service can reach. A claimed photo is opened, and moved on, by its path;
so whoever could swap a folder on that path for a link would choose the file. Therefore the work
folder is for the service's user alone (`daemon.share` makes it so), and a folder of ours that is a
link, or that belongs to somebody else, is refused (`guard`) before anything is done in it. Opening
does not follow a link in the last place either (`daemon.inspector`).

In the inbox, where everybody may write, a folder is held open (`daemon.handles`) while something is
moved out of it or put back: what is moved lies in the inbox for sure.

What remains: the folder that holds the work folder. Whoever may write to the share's root can
still rename the work folder as a whole, which stops the service's work and hides what waits there;
put in its place, a folder of their own is refused, but between our look and our use there is a
moment. Let the service alone write to the root, as `docs/install.md` sets it up, or lay
`share.work` elsewhere. On a file system that knows no owners (vfat, a CIFS mount that makes all
files one user's) or keeps no modes there is only the server to hold them off.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from daemon import files
from daemon.errors import ClaimError
from daemon.names import printable
from daemon.share import Share
from daemon.workplace import JOBS


def jobs_folder(share: Share) -> Path:
    """The folder that all claims of a share lie in."""
    return share.work / JOBS


def claim_folder(share: Share, job_id: str) -> Path:
    """The folder of a job's claim, whether it is there or not.

    Raises:
        ClaimError: the id is no plain name.
    """
    if job_id in {"", ".", ".."} or "/" in job_id or "\0" in job_id:
        raise ClaimError(f"{printable(job_id)!r} cannot be the name of a job.")
    return jobs_folder(share) / job_id


def guard(folder: Path) -> None:
    """Refuse a claim's folder, or the folder of all claims, that somebody put in its place.

    Args:
        folder: the claim's, as of `claim_folder`; one that is not there is no danger.

    Raises:
        ClaimError: it is a link, no folder, or somebody else's.
        OSError: the disk does not say.
    """
    jobs = folder.parent
    refuse_foreign(jobs, jobs.parent)
    refuse_foreign(folder, jobs.parent)


def ids_in(folder: Path) -> list[str]:
    """The names of the folders in one of ours, sorted: ids of jobs. None if it is not there.

    Args:
        folder: in the work folder.

    Raises:
        ClaimError: it is a link, no folder, or somebody else's.
        OSError: it cannot be read.
    """
    try:
        refuse_foreign(folder, folder.parent)
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def refuse_foreign(folder: Path, work: Path) -> None:
    """Refuse a folder that somebody put in the place of one of ours; one that is not there is none.

    Args:
        folder: of claims.
        work: the share's work folder, which shows whose our files are.

    Raises:
        ClaimError: it is a link, no folder, or somebody else's.
        OSError: the disk does not say.
    """
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode) or not _is_ours(status, work):
        raise ClaimError(
            f"{printable(folder)}, where photos wait to be painted, is a link or belongs to "
            "somebody else, and nothing is read from there. Look into it for photos, then remove "
            "it: the program makes its own again."
        )


def _is_ours(status: os.stat_result, work: Path) -> bool:
    if status.st_uid == os.geteuid():
        return True
    # Some servers give all files to one user (NFS with all_squash, CIFS with uid=): also ours.
    with files.temporary_file(work) as probe:
        return os.fstat(probe).st_uid == status.st_uid
