"""Moves the files of a claim out of it, each exactly once, whenever the program is killed.

Where they go people have files of their own, and so names are chosen anew each time. A choice that
is only remembered by the program would be forgotten in a crash, and the next one might be another:
the file would be there twice (see `daemon.halfway`), or the style lie apart from its photo. So each
choice is written into the claim (`LEAVING`) before it is tried, and whoever comes next goes by it.

To another device they are copied, and what somebody changed or added after that stays in the claim
when all has left. It is not on that way any more; where it belongs is written down too (`rest`).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from daemon import files, halfway, presence
from daemon.companions import is_companion, numbered_as_it_is, plain_stem
from daemon.errors import ShareError, StoppedError
from daemon.handles import held
from daemon.names import MAX_NAME_BYTES, canonical, numbered, printable, split
from daemon.pulse import Tick, unheard
from daemon.share import Share

LEAVING: Final = ".leaving"
"""File in a claim's folder: to which folder its files are on their way, and under which names."""


@dataclass(frozen=True)
class Departure:
    """What a claim remembers of a way out of it that was begun.

    Attributes:
        folder: where to.
        names: of each file in the claim: the name that it gets there.
        begun: whether one of the files has left.
        rest: where what is left in the claim belongs, if all has left; else None.
    """

    folder: Path
    names: Mapping[str, str]
    begun: bool
    rest: Path | None = None


Announce = Callable[[Path, Sequence[str]], None]
"""Told the folder, held (`daemon.handles`), and the names before the first of the files moves."""


def unannounced(_here: Path, _names: Sequence[str]) -> None:
    """Announce nothing."""


def leave(  # noqa: PLR0913 - what goes where, and who hears of it
    claim: Path,
    sources: Sequence[Path],
    folder: Path,
    share: Share,
    announce: Announce = unannounced,
    *,
    tick: Tick = unheard,
) -> list[Path]:
    """Move files out of a claim under names that belong together: a (2).jpg, a (2).style.jpg.

    May be called again after a crash, also with what is left in the claim alone.

    Args:
        claim: its folder; nobody doubts that it is there.
        sources: what to move, the photo first; into the inbox it moves last. What is gone has left
            at an earlier call.
        folder: where to; it exists, in originals, in failed or in the inbox.
        share: the share.
        announce: told before the first of the files moves.
        tick: called while something is copied, or compared with what was.

    Returns:
        Where each of them is now, or where it must have gone.

    Raises:
        OSError: the disk or the permissions do not allow it; what was not moved is in the claim.
        StoppedError: of the tick; likewise.
    """
    earlier = recall(claim, share, tick)
    known = dict(earlier.names) if earlier is not None and earlier.folder == folder else {}
    present = [source for source in sources if presence.is_there(source)]
    with held_exit(folder, share) as here:
        rest = earlier.rest if earlier is not None else None
        way = _Way(claim, folder, here, rest, tick)
        # In the inbox it is painted as it lies there: so it comes last, with all else beside it.
        order = present[::-1] if top_of(folder, share) == share.inbox else present
        if present and present[0] == sources[0] and not _has_begun(claim, known):
            known = _send_first(way, present, order[0], announce)
            order = order[1:]
        for source in order:
            known = _send_after(way, source, known)
    return [folder / known.get(source.name, source.name) for source in sources]


def recall(claim: Path, share: Share, tick: Tick = unheard) -> Departure | None:
    """What a claim remembers of a way out; None if none was begun.

    What a kill has left half-way is brought to an end first, for each file.

    Args:
        claim: its folder.
        share: the share.
        tick: called while something is compared.

    Raises:
        OSError: the disk does not say.
        StoppedError: of the tick.
    """
    way = recorded(claim, share)
    if way is None:
        return None
    # A folder that is gone, or is a link by now, has no half of what is here in it.
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        held_exit(way.folder, share) as here,
    ):
        for name, new in way.names.items():
            halfway.settle(claim / name, here / new, tick)
    return replace(way, begun=_has_begun(claim, way.names))


def recorded(claim: Path, share: Share) -> Departure | None:
    """What stands in a claim of a way out, and nothing else: people's folders are not looked into.

    Enough for a claim whose files have all left: of these nothing is half-way.

    Args:
        claim: its folder, or where what it knew is kept.
        share: the share.

    Raises:
        OSError: the disk does not say.
    """
    try:
        kept = json.loads((claim / LEAVING).read_bytes())
        folder, names = Path(kept["folder"]), dict[str, str](kept["names"])
        rest = Path(kept["rest"]) if "rest" in kept else None
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):  # nobody but us writes there: a disk has lost it
        return None
    if top_of(folder, share) is None:  # of a share whose settings were others
        return None
    if rest is not None and top_of(rest, share) is None:
        rest = None
    return Departure(folder, names, _has_begun(claim, names), rest)


def remember_rest(claim: Path, rest: Path, share: Share) -> None:
    """Write down where what is left in a claim belongs, when all its files have left it.

    Args:
        claim: its folder.
        rest: in originals, in failed or in the inbox; it need not be there.
        share: the share.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    way = recorded(claim, share)
    if way is not None:
        _write(_Way(claim, way.folder, way.folder, rest), way.names)


@dataclass(frozen=True)
class _Way:
    """From where to where, and how that is held; `rest`, if something is left; who hears of it."""

    claim: Path
    folder: Path
    here: Path
    rest: Path | None = None
    tick: Tick = unheard


def top_of(folder: Path, share: Share) -> Path | None:
    """In which of the share's folders for photos a folder lies; None if in none of them."""
    tops = (share.originals, share.failed, share.inbox)
    inside = ".." not in folder.parts
    return next((each for each in tops if inside and folder.is_relative_to(each)), None)


@contextlib.contextmanager
def held_exit(folder: Path, share: Share) -> Iterator[Path]:
    """Hold a folder to which claims may go; none on the way down to it is a link.

    Args:
        folder: in originals, in failed or in the inbox.
        share: the share.

    Yields:
        A path that means this very folder.

    Raises:
        ShareError: it is in none of these.
        OSError: it is not there, or a link is on the way.
    """
    top = top_of(folder, share)
    if top is None:
        raise ShareError(f"{printable(folder)} is none of the share's folders for photos.")
    with held(folder, top) as here:
        yield here


def _has_begun(claim: Path, names: Mapping[str, str]) -> bool:
    return not all(presence.is_there(claim / name) for name in names)


def _send_first(
    way: _Way, present: Sequence[Path], first: Path, announce: Announce
) -> dict[str, str]:
    """Choose names for all, after the photo's, and move one file: with it the choice is made."""
    mine = [source.name for source in present]
    for names in free_together(way.here, mine):
        chosen = dict(zip(mine, names, strict=True))
        _write(way, chosen)
        try:
            announce(way.here, names)
            files.move_exactly(first, way.here / chosen[first.name], way.tick)
        except FileExistsError:  # somebody took the name since we looked
            continue
        except (OSError, StoppedError):
            _forget(way, first, way.here / chosen[first.name])
            raise
        return chosen
    raise AssertionError("numbers do not end")


def _forget(way: _Way, source: Path, target: Path) -> None:
    """Take a choice back of which nothing came.

    By the next try another photo of the same name and bytes may have got this name, and then it
    would look as if this one had.
    """
    with contextlib.suppress(OSError):
        if not presence.is_there(source) or presence.is_there(target):
            return
        if way.rest is None:
            (way.claim / LEAVING).unlink(missing_ok=True)
        else:
            _write(way, {})


def _send_after(way: _Way, source: Path, known: dict[str, str]) -> dict[str, str]:
    """Move a file after the first one, to the name chosen for it or the next free one."""

    def intend(path: Path) -> None:
        if known.get(source.name) != path.name:
            known[source.name] = path.name
            _write(way, known)

    files.move_new(source, way.here, known.get(source.name, source.name), intend, way.tick)
    return known


def _write(way: _Way, names: Mapping[str, str]) -> None:
    # Names that are no UTF-8 are kept as Python has them: ASCII can spell those too.
    kept: dict[str, object] = {"folder": str(way.folder), "names": dict(names)}
    if way.rest is not None:
        kept["rest"] = str(way.rest)
    data = json.dumps(kept, ensure_ascii=True).encode("ascii")
    files.write_atomically(way.claim / LEAVING, data)


def free_together(folder: Path, names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The names to try for files that belong together, all with one number.

    Args:
        folder: where they are to lie.
        names: the photo's first.
    """
    # One look for all numbers: a camera that begins anew gives thousands of photos one name.
    is_free = files.free_in(folder)
    for number in count(1):
        candidates = names_together(names, number)
        if all(map(is_free, candidates)):
            yield candidates


def names_together(names: Sequence[str], number: int) -> list[str]:
    """Names that belong together with a number; the first is 1, and does not show.

    They go on belonging together: what is too long is cut in all of them alike.

    Args:
        names: the photo's first.
        number: from 1 on.
    """
    photo = plain_stem(split(names[0])[0]) if is_companion(names[0]) else split(names[0])[0]
    tails = [_tail(name, photo) for name in names]
    longest = max((tail or "" for tail in tails), key=lambda tail: len(os.fsencode(tail)))
    stem = numbered(photo + longest, number, longest).removesuffix(longest)
    ending = stem.removeprefix(photo) if stem.startswith(photo) else None
    return [
        numbered_as_it_is(name, number) if tail is None else _together(name, tail, stem, ending)
        for name, tail in zip(names, tails, strict=True)
    ]


def _tail(name: str, photo: str) -> str | None:
    """What a name has behind the photo's stem: photo.style.regions.png has three; None if none."""
    stem, tail = split(name)
    while not _is_same(stem, photo):
        stem, mark = split(stem)
        if not mark:
            return None
        tail = mark + tail
    return tail


def _together(name: str, tail: str, stem: str, ending: str | None) -> str:
    """A name with its number: in its own letters, large or small, where nothing has to be cut."""
    own = f"{name.removesuffix(tail)}{ending}{tail}"
    return own if ending is not None and len(os.fsencode(own)) <= MAX_NAME_BYTES else stem + tail


def _is_same(stem: str, other: str) -> bool:
    return canonical(stem).casefold() == canonical(other).casefold()
