"""The text files for people: writes the notes, and knows which are ours to replace or remove.

What they say is `daemon.note_texts`; the encoding is UTF-8. The last line of each note is our
signature: only files that end with it, in whatever language, are ever replaced or removed, so that
neither a person's own text nor a note that is still being copied is touched.

The names of the files are the same in all languages: by them notes are told from photos, also by
people who write about them, and a share whose language is changed would have each of them twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final

from daemon import files
from daemon.handles import read_file
from daemon.names import INBOX_NOTE, MAX_NAME_BYTES, WHY_SUFFIX
from daemon.note_texts import (
    ENGLISH,
    how_to_text,
    inbox_text,
    signatures,
    style_text,
    why_text,
)
from daemon.share import Share
from daemon.slips import Slip
from daemon.words import LANGUAGES, Language

HOW_TO: Final = "Read me first.txt"
_LARGEST_NOTE: Final = 64 * 1024  # bytes; ours are smaller by far


def why_name(name: str) -> str:
    """The name of the note that stands beside a failed photo.

    Args:
        name: of the photo, or of a folder job's folder.

    Returns:
        ``NAME - why.txt``; a name too long for that is cut and told apart by a few hash digits.
    """
    room = MAX_NAME_BYTES - len(WHY_SUFFIX)
    raw = os.fsencode(name)
    if len(raw) <= room:
        return name + WHY_SUFFIX
    digest = hashlib.sha256(raw).hexdigest()[:8]
    cut = raw[: room - len(digest) - 1].decode("utf-8", "ignore")
    return f"{cut}~{digest}{WHY_SUFFIX}"


def write_how_to(share: Share) -> Path:
    """Write the explanation into the share's root, unless a file of that name is there.

    Returns:
        Its path.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    path = share.root / HOW_TO
    renew_how_to(share)
    with contextlib.suppress(FileExistsError):
        files.write_atomically(path, _encoded(how_to_text(share)), replace=False)
    return path


def renew_how_to(share: Share) -> bool:
    """Write the explanation that is there in the share's language, if it is ours and untouched.

    It has no signature, since it does not go away: so ours is what is one of our texts, letter for
    letter. Whoever has changed or removed it meant that.

    Returns:
        Whether it was written.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    path, wanted = share.root / HOW_TO, _encoded(how_to_text(share))
    others = {_encoded(how_to_text(share, each)) for each in LANGUAGES} - {wanted}
    if not os.path.lexists(path) or path.is_symlink():
        return False
    if read_file(path, _LARGEST_NOTE) not in others:
        return False
    files.write_atomically(path, wanted)
    return True


def write_inbox_note(  # noqa: PLR0913, PLR0917 - likewise
    share: Share,
    styles: Iterable[str],
    homeless: Iterable[Path],
    halves: Iterable[Path] = (),
    closed: Iterable[Path] = (),
    painted: Iterable[Path] = (),
    lonely: Iterable[Path] = (),
    unread: Iterable[Path] = (),
    *,
    slips: Sequence[Slip] = (),
) -> bool:
    """Say in the inbox which photos wait, and for what; rewritten only when the text differs.

    Args:
        share: the share.
        styles: names of the styles there are.
        homeless: the photos without a style, anywhere below the inbox.
        halves: pictures named content or style that lack the other one, likewise.
        closed: files and folders that cannot be opened, likewise.
        painted: photos that are painted and cannot be moved, likewise.
        lonely: masks and the like whose photos are not there, likewise.
        unread: photos beside a `job.toml` that has not been read yet, likewise. With nothing in any
            of these the note is removed.
        slips: what the names of folders with photos without a style nearly say.

    Returns:
        Whether the note was written or removed; a person's own file of that name is left alone.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    waiting = [
        sorted(path.relative_to(share.inbox) for path in paths)
        for paths in (homeless, halves, closed, painted, lonely, unread)
    ]
    if not any(waiting):
        return clear_inbox_note(share)
    note = share.inbox / INBOX_NOTE
    wanted = inbox_text(share, sorted(styles), *waiting, slips=slips)
    if os.path.lexists(note):
        there = _ours(note)
        if there is None or there == _encoded(wanted):
            return False
    files.write_atomically(note, _encoded(wanted))
    return True


def clear_inbox_note(share: Share) -> bool:
    """Remove that note when no photo waits any more.

    Returns:
        Whether there was one of ours.

    Raises:
        OSError: the permissions do not allow it.
    """
    return remove_if_ours(share.inbox / INBOX_NOTE)


def write_why(
    folder: Path,
    names: Sequence[str],
    reason: str,
    back_to: PurePath,
    language: Language = ENGLISH,
) -> Path:
    """Write the note beside a failed photo; see `why_text` for the arguments.

    Returns:
        Its path, `why_name` of the first name.

    Raises:
        FileExistsError: a file of that name is there, with something in it, and no note of ours.
        OSError: the disk or the permissions do not allow it.
    """
    path = folder / why_name(names[0])
    _write_over_ours(path, why_text(names, reason, back_to, language))
    return path


def write_style_note(share: Share, picture: str, style: str, reason: str) -> bool:
    """Write the note beside a picture in the styles folder, if it does not say the same already.

    Args:
        share: the share.
        picture: the name of the file.
        style: the name of the style.
        reason: what is wrong with it and what to do, in plain English.

    Returns:
        Whether it was written.

    Raises:
        FileExistsError: a file of that name is there, with something in it, and no note of ours.
        OSError: the disk or the permissions do not allow it.
    """
    path = share.styles / why_name(picture)
    text = style_text(picture, reason, PurePath(share.inbox.name) / style, share.language)
    if _ours(path) == _encoded(text):
        return False
    _write_over_ours(path, text)
    return True


def is_ours(path: Path) -> bool:
    """Whether this is a whole note that we wrote: a regular file that ends with our signature.

    What cannot be read is not: whoever closed it to us has made it theirs.
    """
    return _ours(path) is not None


def remove_if_ours(path: Path) -> bool:
    """Remove a note of ours.

    Returns:
        Whether there was one.

    Raises:
        OSError: the permissions do not allow it.
    """
    if not is_ours(path):
        return False
    path.unlink(missing_ok=True)
    return True


def _ours(path: Path) -> bytes | None:
    """What stands in a note of ours; None if it is none."""
    with contextlib.suppress(OSError):
        # In one look: what was a note a moment ago may be a pipe by now, and hold us up for ever.
        text = read_file(path, _LARGEST_NOTE)
        ends = tuple(signature.encode() for signature in signatures())
        if text is not None and text.rstrip().endswith(ends):
            return text
    return None


def _write_over_ours(path: Path, text: str) -> None:
    # A kill may have left the note's name reserved, where there is no better way to take a name.
    is_empty = not path.is_symlink() and path.is_file() and path.stat().st_size == 0
    files.write_atomically(path, _encoded(text), replace=is_empty or is_ours(path))


def _encoded(text: str) -> bytes:
    # `printable` leaves no surrogates; should one slip through, a note beats a crash.
    return text.encode("utf-8", "backslashreplace")
