"""The texts of the notes for people, in each language; `daemon.notes` makes files of them.

What they say stands in `words.toml`. Lines end as on Windows, because that is where most of these
files are opened and the other systems' editors do not mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

from daemon.companions import regions_of
from daemon.names import is_picture, printable, split
from daemon.reasons import ALL_CANCELLED, NO_PICTURE, NO_STYLE, NOT_READ
from daemon.share import Share
from daemon.slips import Slip
from daemon.words import LANGUAGES, Language, Words, words
from daemon.wrapping import wrapped

ENGLISH: Final = LANGUAGES[0]
_MOST_LISTED: Final = 20
_PAIR: Final = 2
_COLUMNS: Final = 96
_INDENT: Final = "    "


def why_text(
    names: Sequence[str], reason: str, back_to: PurePath, language: Language = ENGLISH
) -> str:
    """The note beside a photo that could not be painted.

    Args:
        names: what lies in the failed folder for this job; the photo first.
        reason: what happened and what can be done about it, in plain English.
        back_to: the folder to drag it back into, as people see it, e.g. ``Inbox/Starry Night``.
        language: of the note.
    """
    told = words(language)
    what = told.say("note.and").join(_quoted(name, told) for name in names)
    return _note(
        told,
        told.say("note.why.title", what=what),
        *_what_happened(reason, told),
        told.say("note.what_you_can_do"),
        _ways_on(names, reason, _as_seen(back_to), told),
    )


def style_text(name: str, reason: str, folder: PurePath, language: Language = ENGLISH) -> str:
    """The note beside a picture in the styles folder that cannot be used.

    Args:
        name: of the picture.
        reason: what is wrong with it and what to do, in plain English.
        folder: the one of its photos, as people see it.
        language: of the note.
    """
    told = words(language)
    kind = "style" if regions_of(name) is None else "regions"
    ways = "note.regions.lonely_ways" if reason == NO_STYLE else f"note.{kind}.ways"
    return _note(
        told,
        told.say(f"note.{kind}.title", what=_quoted(name, told)),
        *_what_happened(reason, told),
        told.say("note.what_you_can_do"),
        told.say(ways, folder=_as_seen(folder), style=printable(folder.name)),
    )


def inbox_text(  # noqa: PLR0913, PLR0917 - each list is a part of the note
    share: Share,
    styles: Sequence[str],
    homeless: Sequence[PurePath],
    halves: Sequence[PurePath] = (),
    closed: Sequence[PurePath] = (),
    painted: Sequence[PurePath] = (),
    lonely: Sequence[PurePath] = (),
    unread: Sequence[PurePath] = (),
    *,
    slips: Sequence[Slip] = (),
) -> str:
    """The note in the inbox about what waits, or stays: for a style, or to be opened or moved.

    Args:
        share: the share.
        styles: names of the styles there are, each a folder in the inbox.
        homeless: the photos without a style, relative to the inbox.
        halves: pictures named content or style that lack the other one, relative to the inbox.
        closed: files and folders that cannot be opened, relative to the inbox.
        painted: photos that are painted and cannot be moved, relative to the inbox.
        lonely: masks and the like whose photos are not there, relative to the inbox.
        unread: photos in folders whose `job.toml` has not been read yet, relative to the inbox.
        slips: what the names of folders with photos without a style nearly say.
    """
    told = words(share.language)
    lists = {
        "homeless": [printable(path) for path in homeless],
        "slips": [_slipped(slip, told) for slip in slips],
        "halves": [_wanted_beside(half, told) for half in halves],
        "unread": [printable(path.parent) for path in unread],
        "lonely": [printable(path) for path in lonely],
        "closed": [printable(path) for path in closed],
        "painted": [printable(path) for path in painted],
    }
    ways = {
        "homeless": _ways_to_choose(share, [printable(name) for name in styles], told),
        "slips": [told.say("note.inbox.rename")],
        "lonely": [told.say("note.inbox.photo", originals=_shown(share, share.originals))],
        "closed": [told.say("note.inbox.open")],
        "painted": [told.say("note.inbox.move")],
    }
    parts = (_part(name, listed, ways.get(name, ()), told) for name, listed in lists.items())
    lines = [line for part in parts if part for line in ("", *part)]
    return _note(told, *lines[1:])


def how_to_text(share: Share, language: Language | None = None) -> str:
    """The text that explains the folders to somebody who sees them for the first time.

    Args:
        share: whose folders.
        language: of the text; None for the share's.
    """
    folders = {name: _shown(share, folder) for name, folder in share.folders()}
    return _lines(words(language or share.language).say("note.how_to", **folders))


def signatures() -> list[str]:
    """The last lines by which our notes are known, of all languages."""
    return [words(language).say("note.signature") for language in LANGUAGES]


def _what_happened(reason: str, told: Words) -> list[str]:
    text = printable(told.translated(" ".join(reason.split())))
    lines = wrapped(text, _COLUMNS - len(_INDENT))
    return ["", told.say("note.what_happened"), *(_INDENT + line for line in lines), ""]


def _ways_on(names: Sequence[str], reason: str, folder: str, told: Words) -> str:
    is_one = len(names) == 1
    if reason == NO_PICTURE or (reason == NOT_READ and is_one and is_picture(names[0])):
        return told.say("note.why.no_picture", folder=folder)
    way = "cancelled" if reason in ALL_CANCELLED else "again"
    key = f"note.why.{way}_{'one' if is_one else 'many'}"
    return told.say(key, what=_all_of(names, told), folder=folder)


def _all_of(names: Sequence[str], told: Words) -> str:
    """What is to be dragged; never "it", which might be the style or one picture of a folder."""
    if len(names) > 1:
        return told.say("note.why.drag_pair" if len(names) == _PAIR else "note.why.drag_all")
    if is_picture(names[0]):
        return told.say("note.why.drag_photo")
    return told.say("note.why.drag_other", name=printable(names[0]))


def _part(name: str, listed: Sequence[str], ways: Sequence[str], told: Words) -> list[str]:
    if not listed:
        return []
    ways = ["", told.say("note.what_you_can_do"), *ways] if ways else []
    return [told.say(f"note.inbox.{name}"), "", *_listed(listed, told), *ways]


def _wanted_beside(half: PurePath, told: Words) -> str:
    missing = "style" if split(half.name)[0].casefold() == "content" else "content"
    folder, name = printable(half.parent), printable(half.name)
    return told.say("note.inbox.half", folder=folder, name=name, missing=missing)


def _slipped(slip: Slip, told: Words) -> str:
    why = told.translated(slip.why)
    return told.say("note.inbox.slip", folder=printable(slip.folder), why=why)


def _ways_to_choose(share: Share, styles: Sequence[str], told: Words) -> list[str]:
    inbox, beside = printable(share.inbox.name), told.say("note.inbox.beside")
    if not styles:
        paintings = _shown(share, share.styles)
        return [told.say("note.inbox.no_styles", styles=paintings, inbox=inbox), beside]
    choose = told.say("note.inbox.choose", inbox=inbox)
    return [choose, "", *_listed(styles, told), "", beside]


def _listed(items: Sequence[str], told: Words) -> list[str]:
    more = len(items) - _MOST_LISTED
    shown = [*items[:_MOST_LISTED], *([told.say("note.more", number=more)] if more > 0 else [])]
    return [f"{_INDENT}- {item}" for item in shown]


def _quoted(name: str, told: Words) -> str:
    return told.say("note.quoted", name=printable(name))


def _as_seen(folder: PurePath) -> str:
    return " > ".join(map(printable, folder.parts))


def _shown(share: Share, folder: Path) -> str:
    inside = folder.is_relative_to(share.root)
    return printable(folder.relative_to(share.root) if inside else folder)


def _note(told: Words, *lines: str) -> str:
    return _lines(*lines, "", told.say("note.signature"))


def _lines(*texts: str) -> str:
    return "".join(f"{line}\r\n" for text in texts for line in text.split("\n"))
