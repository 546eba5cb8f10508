"""Gives the results and the photos back to the people.

Outbox, originals and failed mirror the folders of the inbox: ``Inbox/Starry Night/Holiday/a.jpg``
is painted to ``Outbox/Starry Night/Holiday/a.jpg``; what was dropped into the bare inbox appears
at the top. Two photos with one stem do not meet in one file: the second is ``a (2).jpg``.

Each of the three ways out may be called again after a crash, if the caller keeps this order and
writes to the journal between the steps:

1. `publish_result`, which says each name before it is tried: record that, and which picture it is;
   then record its return value. After a crash in between, `daemon.intention` tells whether the
   picture is out.
2. `keep_original`, then record the job as done. After a crash before the record, call it again.

or, when it went wrong, record the reason, then `fail`, then record the job as failed.

What was changed or added after it had been copied is left in the claim then, for `daemon.returns`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import Final

import structlog

from daemon import claims, departure, files, notes, presence, removing
from daemon.claim_content import remains, rest_belongs_in
from daemon.claim_folders import guard
from daemon.claims import Claim
from daemon.errors import PublishError, StoppedError
from daemon.folders import folder_below
from daemon.handles import held
from daemon.names import INBOX_NOTE, is_note, printable, split
from daemon.pulse import Tick, heeding, to_the_end, unheard
from daemon.share import Share

# What makes a note impossible and does not pass by itself; nor does it keep the photo from moving.
_NO_OUTAGE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
)
_log: Final = structlog.get_logger()


def result_relative(claim: Claim, relative: PurePath) -> PurePath:
    """What to hand to `publish_result`: a folder job's result is named after its folder.

    Args:
        claim: the job's.
        relative: of the photo below the inbox, as the candidate has it.

    Returns:
        ``Party/content.jpg`` of a folder job becomes ``Party.jpg``; all others stay.
    """
    if claim.taken_folder is None:
        return relative
    folder = relative.parent
    return folder.parent / f"{folder.name}{split(relative.name)[1]}"


def publish_result(  # noqa: PLR0913, PLR0917 - a picture, its name, and who is told of it
    share: Share,
    relative: PurePath,
    style_name: str | None,
    picture: bytes,
    suffix: str,
    intend: Callable[[Path], None] = files.unsaid,
) -> Path:
    """Put a finished picture into the outbox: whole or not at all, over nobody else's file.

    The style is no part of the name: the folders say it, as they do in the inbox.

    Args:
        share: the share.
        relative: of the photo below the inbox; for folder jobs what `result_relative` gives.
        style_name: to say what could not be written, if so; None for the photo's own style.
        picture: the whole file.
        suffix: of the result's name, with the dot.
        intend: told each path before it is tried. What it raises ends the attempt.

    Returns:
        The path under which it appeared.

    Raises:
        PublishError: the disk is full, or the permissions do not allow it; nothing was left behind.
        ShareError: `relative` leads out of the share.
    """
    name = f"{split(relative.name)[0]}{suffix}"
    name_of_photo = printable(relative)
    what = f"The picture of {name_of_photo} in its own style"
    if style_name is not None:
        what = f"The picture of {name_of_photo} in the style {printable(style_name)}"
    with _plainly(what, share.outbox / relative.parent):
        folder = folder_below(share.outbox, relative.parent)
        with held(folder, share.outbox) as here:
            path = files.publish_new(here, name, picture, lambda path: intend(folder / path.name))
            return folder / path.name


def keep_original(share: Share, claim: Claim, relative: PurePath, tick: Tick = unheard) -> Path:
    """Move a painted photo, and what came with it, to the originals; the claim ends if it is empty.

    Args:
        share: the share.
        claim: the job's. What is gone from it already (a crash in between) is left out.
        relative: of the photo below the inbox, as the candidate has it.
        tick: called while something is copied.

    Returns:
        The photo's new path, or the folder's for a folder job; where it must have gone, if an
        earlier call moved it.

    Raises:
        PublishError: the disk or the permissions do not allow it; what was not moved stays claimed.
        ClaimError: the claim's folder cannot be trusted (`claim_folders.guard`).
        ShareError: `relative` leads out of the share.
        StoppedError: of the tick; what was not moved stays claimed.
    """
    parents = _parents(claim, relative)
    with _plainly(printable(relative), share.originals / parents):
        guard(claim.folder)
        folder = folder_below(share.originals, parents)
        kept = _move_out(share, claim, parents, folder, tick=tick)
        claims.end(claim.folder, share, tick)
        return kept


def fail(share: Share, claim: Claim, relative: PurePath, reason: str, tick: Tick = unheard) -> Path:
    """Move a photo that could not be painted, and what came with it, to failed, beside a note.

    The note is written first, so that after a crash a photo without its note never lies there.
    While the disk is full or away, both wait; a note that can never be written is left out.

    Args:
        share: the share.
        claim: the job's. What is gone from it already (a crash in between) is left out.
        relative: of the photo below the inbox, as the candidate has it.
        reason: what happened and what can be done about it, in plain words.
        tick: called while something is copied.

    Returns:
        The photo's new path, or the folder's for a folder job; where it must have gone, if an
        earlier call moved it.

    Raises:
        PublishError: the disk or the permissions do not allow it; what was not moved stays claimed.
        ClaimError: the claim's folder cannot be trusted (`claim_folders.guard`).
        ShareError: `relative` leads out of the share.
        StoppedError: of the tick; what was not moved stays claimed.
    """
    parents = _parents(claim, relative)
    back_to = PurePath(share.inbox.name) / parents

    noted: list[str] = []

    def leave_note(where: Path, names: Sequence[str]) -> None:
        if noted:  # somebody took the name: what was said of it is not about their photo
            _is_swept(where / notes.why_name(noted.pop()))
        noted.append(names[0])
        try:
            notes.write_why(where, names, reason, back_to, share.language)
        except OSError as error:
            if error.errno not in _NO_OUTAGE:
                raise
            _log.warning("note.failed", photo=printable(names[0]), why=error.strerror)

    with _plainly(printable(relative), share.failed / parents):
        guard(claim.folder)
        folder = folder_below(share.failed, parents)
        failed = _move_out(share, claim, parents, folder, leave_note, tick)
        claims.end(claim.folder, share, tick)
        return failed


def _never() -> bool:
    """Do not stop."""
    return False


def sweep_notes(share: Share, stop: Callable[[], bool] = _never) -> list[Path]:
    """Remove our notes beside failed photos that are not there any more (dragged back, deleted).

    Args:
        share: the share; the inbox is swept too, because notes are dragged along.
        stop: asked between the folders, of which there may be many: whether to leave the rest.

    Returns:
        What was removed. Nobody else's text file ever is.
    """
    removed: list[Path] = []
    for path, here, folders, names in chain(_walk(share.failed), _walk(share.inbox)):
        explained = {notes.why_name(name) for name in (*folders, *names) if not is_note(name)}
        explained.add(INBOX_NOTE)
        orphans = (name for name in names if is_note(name) and name not in explained)
        removed += [path / name for name in orphans if _is_swept(here / name)]
        if stop():
            break
    return removed


def sweep_leftovers(share: Share, stop: Callable[[], bool] = _never) -> list[Path]:
    """Remove the temporary files of a daemon that was killed; only once the share is locked.

    What cannot be removed, such as a folder of somebody else under such a name, stays; the log
    says so. So does a folder that `atelierd retry` copies at this moment.

    Args:
        share: the share.
        stop: asked between the folders, of which there may be many, and for each thing in a folder
            that is removed: whether to leave the rest.

    Returns:
        What was removed.
    """
    removed: list[Path] = []
    with contextlib.suppress(StoppedError):
        for path, here, names in _leftovers(share):
            tick = heeding(stop)
            removed += (path / name for name in names if _is_removed(path, here, name, tick))
            if stop():
                break
    return removed


def _leftovers(share: Share) -> Iterator[tuple[Path, Path, list[str]]]:
    """What has a temporary name, folder by folder; of the root only what lies in it itself.

    Yields:
        The folder, the same folder held, and the names in it.
    """
    tops = (share.work, share.inbox, share.outbox, share.styles, share.originals, share.failed)
    for tree in (islice(_walk(share.root), 1), *map(_walk, tops)):
        for path, here, folders, names in tree:
            yield path, here, [name for name in (*names, *folders) if files.is_temporary(name)]
            folders[:] = [name for name in folders if not files.is_temporary(name)]


def _is_removed(path: Path, here: Path, name: str, tick: Tick) -> bool:
    try:
        mode = (here / name).lstat().st_mode
        # We make nothing else.
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            return False
        removing.remove_abandoned(here / name, tick)
    except OSError as error:
        _log.warning("leftover.stays", path=printable(path / name), why=error.strerror)
        return False
    return True


def _walk(top: Path) -> Iterator[tuple[Path, Path, list[str], list[str]]]:
    """As `os.walk`, which before Python 3.12 calls itself and so gives up in a very deep tree.

    Yields:
        The folder, the same folder held until the next one is asked for, and what is in it.
    """
    waiting = [top]
    while waiting:
        path = waiting.pop()
        # What has gone or is closed to us is passed over.
        with contextlib.suppress(OSError), held(path, top) as here:
            for _, folders, names in islice(os.walk(here), 1):
                yield path, here, folders, names
                waiting += [path / name for name in folders if not _is_link(here / name)]


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # not to be walked into either
        return True


def _is_swept(note: Path) -> bool:
    # One note that cannot be read or removed must not keep the daemon from its work.
    with contextlib.suppress(OSError):
        return notes.remove_if_ours(note)
    return False


def _parents(claim: Claim, relative: PurePath) -> PurePath:
    return relative.parent if claim.taken_folder is None else relative.parent.parent


def _move_out(  # noqa: PLR0913, PLR0917 - what goes where, and who hears of it
    share: Share,
    claim: Claim,
    parents: PurePath,
    folder: Path,
    announce: departure.Announce = departure.unannounced,
    tick: Tick = unheard,
) -> Path:
    """Move a claim's files under names that belong together: a (2).jpg with a (2).style.jpg."""
    way = departure.recorded(claim.folder, share)
    if way is not None and way.rest is not None:  # what is there came after them
        return way.folder / way.names.get(_sources(claim)[0].name, _sources(claim)[0].name)
    sources = _sources(claim)
    # What is only out of reach raises: it must not count as moved.
    presence.is_gone_from_claim(sources[0], claim.folder, share)
    where = departure.leave(claim.folder, sources, folder, share, announce, tick=tick)[0]
    # A stop does not cut this off: what is left would look to the next start as if it never left.
    if presence.is_there(claim.folder) and remains(claim.folder, to_the_end(tick)):
        inbox = share.inbox / parents
        rest = rest_belongs_in(claim.folder, claim.content, inbox, gone_to=folder)
        departure.remember_rest(claim.folder, rest, share)
    return where


def _sources(claim: Claim) -> Sequence[Path]:
    whole = claim.taken_folder
    return claim.loose_files if whole is None else (whole,)


@contextlib.contextmanager
def _plainly(what: str, folder: Path) -> Iterator[None]:
    """Turn what the operating system says into what a person can act upon."""
    try:
        yield
    except OSError as error:
        remedy = (
            "Close the program that has it open"
            if error.errno == errno.EBUSY
            else "Make room there, and let the program read and write there"
        )
        raise PublishError(
            f"{what} could not be put into the folder {printable(folder)} ({error.strerror}). "
            f"{remedy}; nothing was lost."
        ) from error
