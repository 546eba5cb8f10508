"""File names: which are nobody's photo, which are our own notes, and which are safe to show or use.

What counts as junk is what the systems of the people who copy files leave behind (Windows, macOS,
Synology, QNAP), and what programs call a file that they have not finished yet.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import PurePath
from typing import Final

INBOX_NOTE: Final = "Why photos wait - read me.txt"
"""Name of the note that tells people which photos wait, and for what."""

WHY_SUFFIX: Final = " - why.txt"
"""What is put behind a failed photo's name to name the note about it."""

JOB_FILE: Final = "job.toml"
"""Name of the file of wishes in a folder that holds content and style; in any case of letters."""

MAX_NAME_BYTES: Final = 255
"""The longest name that Linux file systems take, in bytes."""

PICTURE_SUFFIXES: Final = frozenset(
    [
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
        *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".tga", ".ppm", ".pgm", ".pnm"),
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".orf", ".raf", ".rw2"),
        *(".rwl", ".pef", ".srw", ".mrw", ".x3f", ".3fr", ".iiq", ".erf"),
    ]
)
"""What people call pictures, more than can be decoded: the rest deserves an answer, not silence."""

_LITTER: Final = frozenset(
    [
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
        *(".ds_store", "._.ds_store", ".directory", "icon\r"),
    ]
)
_JUNK: Final = _LITTER | frozenset(
    [
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin"),
        *("recycler", "system volume information", "lost+found", "__macosx"),
        *("network trash folder", "temporary items"),
    ]
)
_JUNK_STARTS: Final = (".", "~$", "~syncthing~")
_JUNK_ENDS: Final = (
    *("~", ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download"),
    *(".opdownload", ".aria2", ".!qb", ".!ut", ".swp"),
)

_NOTE: Final = re.compile(
    rf"(?:.+{re.escape(WHY_SUFFIX[:-4])}|{re.escape(INBOX_NOTE[:-4])})(?: \(\d+\))?\.txt",
    re.DOTALL,
)
_SUFFIX: Final = re.compile(r"(?<=.)\.[^.\s]{1,16}\Z", re.DOTALL)


def is_junk(name: str) -> bool:
    """Say whether a file or folder is nobody's photo: hidden, a system's own, or not finished.

    Args:
        name: the bare name, without folders.
    """
    folded = name.casefold()
    return (
        not name
        or folded in _JUNK
        or folded.startswith(_JUNK_STARTS)
        or folded.endswith(_JUNK_ENDS)
    )


def is_litter(name: str) -> bool:
    """Say whether a file is one that a system makes again by itself, so that it may be deleted.

    Not all junk is litter: an unfinished download is somebody's photo in a moment.
    """
    return name.casefold() in _LITTER


def is_note(name: str) -> bool:
    """Say whether a name is that of a text of ours to people, numbered or not."""
    return _NOTE.fullmatch(name) is not None


def is_picture(name: str) -> bool:
    """Say whether a name ends as pictures' names do; nothing is said about what is in the file."""
    return split(name)[1].casefold() in PICTURE_SUFFIXES


def split(name: str) -> tuple[str, str]:
    """Take a name apart into stem and suffix (with its dot); "Mr. Smith at sea" has no suffix."""
    found = _SUFFIX.search(name)
    return (name[: found.start()], found.group()) if found else (name, "")


def canonical(name: str) -> str:
    """Bring a name into the one form (NFC) in which names are compared.

    Windows and Linux write "é" as one character, macOS may write it as two; people see no
    difference, and so there is none.
    """
    return unicodedata.normalize("NFC", name)


def numbered(name: str, n: int, tail: str | None = None) -> str:
    """Make the n-th name for a file whose name is taken: ``photo.jpg``, 2 -> ``photo (2).jpg``.

    Args:
        name: the wanted name, without folders.
        n: 2 and up; up to 1 the name stays, but for its length.
        tail: what it ends with, and goes on doing so; None for its suffix.

    Returns:
        A name of at most 255 bytes: the stem is cut, between characters, and the suffix stays.
        Different `n` from 2 on give different names.
    """
    tail = split(name)[1] if tail is None else tail
    stem, ending = name.removesuffix(tail), f" ({n}){tail}" if n > 1 else tail
    return _shortened(stem, MAX_NAME_BYTES - len(os.fsencode(ending))) + ending


def _shortened(text: str, limit: int) -> str:
    raw = os.fsencode(text)
    if len(raw) <= limit:
        return text
    # Step back to the first byte of a character: those after it are 0b10xxxxxx in UTF-8.
    while limit and raw[limit] & 0xC0 == 0x80:  # noqa: PLR2004 - the masks are UTF-8's own
        limit -= 1
    return os.fsdecode(raw[:limit])


def printable(name: str | PurePath) -> str:
    r"""Make a name safe for a log or a terminal.

    Whatever moves the cursor, turns the direction of writing, hides itself or is no character is
    written as an escape (``\x1b``, ``\u202e``; a byte that is no UTF-8 as ``\xff``). A name that
    was made printable once stays as it is.
    """
    text = str(name)
    if text.isprintable():  # as nearly all are, some hundred of them at each look
        return text
    return "".join(c if _is_plain(c) else _escaped(c) for c in text)


def _is_plain(character: str) -> bool:
    # Spaces of other widths (macOS puts one into its screenshots' names) do no harm.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how Python keeps bytes that are no UTF-8 (PEP 383)
        code -= 0xDC00
    if code <= 0xFF:  # noqa: PLR2004 - what fits into \x..
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - and into \u....
