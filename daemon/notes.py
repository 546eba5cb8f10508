"""What is said to people in text files: all of it stands here, in plain English.

Lines end as on Windows, because that is where most of these files are opened and the other
systems' editors do not mind; the encoding is UTF-8. The last line of each note is our signature:
only files that end with it are ever replaced or removed, so that neither a person's own text nor a
note that is still being copied is touched.
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
from daemon.names import INBOX_NOTE, MAX_NAME_BYTES, WHY_SUFFIX, is_picture, printable, split
from daemon.share import Share

HOW_TO: Final = "Read me first.txt"
NO_PICTURE: Final = (
    "This is not a picture. Pictures are files of these kinds: JPEG, PNG, WebP, TIFF, GIF, BMP and "
    "AVIF."
)
"""Why a file cannot be painted that is no picture, and is not called one either."""

SIGNATURE: Final = "(Written by atelierd. This note goes away by itself.)"
_MOST_LISTED: Final = 20
_WAYS_TO_OPEN: Final = (
    "    Let the group, or everybody, open them and what is in them: look for  Permissions  in",
    "    their properties, and make them the same as for the other folders here. Whoever keeps",
    "    the machine with this inbox can do that too.",
)
_WAYS_TO_MOVE: Final = (
    "    Let the group, or everybody, change the folders that they lie in, and close programs that",
    "    have them open; then they are moved away. Or delete them. They are not painted again, as",
    "    long as nobody changes them.",
)
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


def why_text(names: Sequence[str], reason: str, back_to: PurePath) -> str:
    """The note beside a photo that could not be painted.

    Args:
        names: what lies in the failed folder for this job; the photo first.
        reason: what happened and what can be done about it, in plain words.
        back_to: the folder to drag it back into, as people see it, e.g. ``Inbox/Starry Night``.
    """
    what = " and ".join(f'"{printable(name)}"' for name in names)
    folder = " > ".join(map(printable, back_to.parts))
    ways = _ways_without_picture if reason == NO_PICTURE else _ways_to_try_again
    return _note(
        f"{what} could not be painted.",
        "",
        "What happened",
        f"    {_one_line(reason)}",
        "",
        "What you can do",
        *ways(names, folder),
    )


def inbox_text(  # noqa: PLR0913, PLR0917 - each list is a part of the note
    share: Share,
    styles: Sequence[str],
    homeless: Sequence[PurePath],
    halves: Sequence[PurePath] = (),
    closed: Sequence[PurePath] = (),
    painted: Sequence[PurePath] = (),
) -> str:
    """The note in the inbox about what waits, or stays: for a style, or to be opened or moved.

    Args:
        share: the share.
        styles: names of the styles there are, each a folder in the inbox.
        homeless: the photos without a style, relative to the inbox.
        halves: pictures named content or style that lack the other one, relative to the inbox.
        closed: files and folders that cannot be opened, relative to the inbox.
        painted: photos that are painted and cannot be moved, relative to the inbox.
    """
    ways = _ways_to_choose(share, [printable(name) for name in styles])
    parts = (
        _part(
            "These photos wait, because I cannot tell in which style to paint them:",
            [printable(path) for path in homeless],
            ways,
        ),
        _part("These folders wait for their second picture:", list(map(_wanted_beside, halves))),
        _part(
            "These folders or files wait, because I am not allowed to open them:",
            [printable(path) for path in closed],
            _WAYS_TO_OPEN,
        ),
        _part(
            "These photos are painted, or tried, and stay here because I cannot move them:",
            [printable(path) for path in painted],
            _WAYS_TO_MOVE,
        ),
    )
    lines = [line for part in parts if part for line in ("", *part)]
    return _note(*lines[1:])


def how_to_text(share: Share) -> str:
    """The text that explains the folders to somebody who sees them for the first time."""
    inbox, outbox, styles = (_shown(share, at) for at in (share.inbox, share.outbox, share.styles))
    originals, failed = _shown(share, share.originals), _shown(share, share.failed)
    return _lines(
        "How to get a photo painted",
        "",
        f"1. Open the folder  {inbox}  . Each folder in it is a style.",
        "2. Drop a photo (JPEG, PNG, TIFF, WebP ...) into the folder of the style that you like.",
        "3. Wait some minutes. As soon as the photo disappears, it is being worked on.",
        f"4. The painted picture appears in  {outbox}  , in a folder of the same name.",
        "",
        f"A new style: put a picture of a painting into  {styles}  . A folder of its name appears",
        f"in  {inbox}  . Take the picture away, and the folder goes, once it is empty.",
        "",
        "A style for one photo alone: put  photo.style.jpg  beside  photo.jpg  , or make a folder",
        "with two pictures named  content.jpg  and  style.jpg  and drop the folder.",
        "",
        f"Your photos are never changed. Once painted, they are kept in  {originals}",
        f"If something goes wrong, the photo is in  {failed}  with a note beside it that says why,",
        "and what to do before you drag the photo back into the inbox. With a file that is no",
        "picture, or not a whole one, that takes a minute: it may still be being copied.",
    )


def write_how_to(share: Share) -> Path:
    """Write the explanation into the share's root, unless a file of that name is there.

    Returns:
        Its path.
    """
    path = share.root / HOW_TO
    with contextlib.suppress(FileExistsError):
        files.write_atomically(path, _encoded(how_to_text(share)), replace=False)
    return path


def write_inbox_note(  # noqa: PLR0913, PLR0917 - likewise
    share: Share,
    styles: Iterable[str],
    homeless: Iterable[Path],
    halves: Iterable[Path] = (),
    closed: Iterable[Path] = (),
    painted: Iterable[Path] = (),
) -> bool:
    """Say in the inbox which photos wait, and for what; rewritten only when the text differs.

    Args:
        share: the share.
        styles: names of the styles there are.
        homeless: the photos without a style, anywhere below the inbox.
        halves: pictures named content or style that lack the other one, likewise.
        closed: files and folders that cannot be opened, likewise.
        painted: photos that are painted and cannot be moved, likewise. With nothing in any of
            these the note is removed.

    Returns:
        Whether the note was written or removed; a person's own file of that name is left alone.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    waiting = [
        sorted(path.relative_to(share.inbox) for path in paths)
        for paths in (homeless, halves, closed, painted)
    ]
    if not any(waiting):
        return clear_inbox_note(share)
    note = share.inbox / INBOX_NOTE
    wanted = inbox_text(share, sorted(styles), *waiting)
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


def write_why(folder: Path, names: Sequence[str], reason: str, back_to: PurePath) -> Path:
    """Write the note beside a failed photo; see `why_text` for the arguments.

    Returns:
        Its path, `why_name` of the first name.

    Raises:
        FileExistsError: a file of that name is there, with something in it, and no note of ours.
        OSError: the disk or the permissions do not allow it.
    """
    path = folder / why_name(names[0])
    text = _encoded(why_text(names, reason, back_to))
    # A kill may have left the note's name reserved, where there is no better way to take a name.
    is_empty = not path.is_symlink() and path.is_file() and path.stat().st_size == 0
    files.write_atomically(path, text, replace=is_empty or is_ours(path))
    return path


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
        if text is not None and text.rstrip().endswith(SIGNATURE.encode()):
            return text
    return None


def _ways_to_try_again(names: Sequence[str], folder: str) -> list[str]:
    return [
        "    If it says above what to put right, do that first.",
        f"    Then, to try again, drag {_all_of(names)} into the folder  {folder}",
        f"    Otherwise delete {'it' if len(names) == 1 else 'them'}, or leave all as it is.",
    ]


def _ways_without_picture(_names: Sequence[str], folder: str) -> list[str]:
    return [
        "    Do not drag it back as it is: it would end up here again. Delete it, or move it to",
        "    where it belongs.",
        "    If there is a picture in it, save that as a JPEG, and drop the JPEG into the folder",
        f"    {folder}",
    ]


def _all_of(names: Sequence[str]) -> str:
    """What is to be dragged; never "it", which might be the style or one picture of a folder."""
    if len(names) > 1:
        return "both pictures together back"
    return "the photo back" if is_picture(names[0]) else f'"{printable(names[0])}" back'


def _part(what: str, names: Sequence[str], ways: Sequence[str] = ()) -> list[str]:
    if not names:
        return []
    return [what, "", *_listed(names), *(["", "What you can do", *ways] if ways else [])]


def _wanted_beside(half: PurePath) -> str:
    missing = "style" if split(half.name)[0].casefold() == "content" else "content"
    folder, name = printable(half.parent), printable(half.name)
    return f"{folder} has {name}; put a picture named {missing} beside it, like {missing}.jpg"


def _ways_to_choose(share: Share, styles: Sequence[str]) -> list[str]:
    inbox, paintings = printable(share.inbox.name), _shown(share, share.styles)
    beside = [
        "    Or put a picture of a painting beside the photo: for  photo.jpg  name it",
        "    photo.style.jpg",
    ]
    if not styles:
        return [
            f"    Put a picture of a painting into the folder {paintings}. A folder of its name",
            f"    appears in {inbox}: move the photos there.",
            *beside,
        ]
    return [
        f"    Move each photo into one of these folders in {inbox}:",
        "",
        *_listed(styles),
        "",
        *beside,
    ]


def _listed(items: Sequence[str]) -> list[str]:
    shown = [f"    - {item}" for item in items[:_MOST_LISTED]]
    more = len(items) - len(shown)
    return [*shown, f"    - and {more} more"] if more else shown


def _shown(share: Share, folder: Path) -> str:
    inside = folder.is_relative_to(share.root)
    return printable(folder.relative_to(share.root) if inside else folder)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _note(*lines: str) -> str:
    return _lines(*lines, "", SIGNATURE)


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _encoded(text: str) -> bytes:
    # `printable` leaves no surrogates; should one slip through, a note beats a crash.
    return text.encode("utf-8", "backslashreplace")
