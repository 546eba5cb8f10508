"""Which photo a person means who types its name, and what to say if that cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Generic, TypeVar

from daemon.errors import UsageError
from daemon.names import canonical, is_picture, printable, split

T = TypeVar("T")

_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Named(Generic[T]):
    """Something that somebody may mean.

    Attributes:
        thing: it.
        place: where it lies, as it is shown: below the inbox, or below failed.
        also: other paths of it there.
        id: something shorter that nothing else is called; empty if there is nothing.
        is_folder: whether it is a folder, whose painting will be called as that is.
    """

    thing: T
    place: PurePath
    also: tuple[PurePath, ...] = ()
    id: str = ""
    is_folder: bool = False

    def is_at(self, path: PurePath) -> bool:
        """Whether this is a path of it."""
        return any(_same(str(path), str(one)) for one in (self.place, *self.also))

    def is_called(self, name: str) -> bool:
        """Whether this is its name, whatever folder it lies in."""
        return any(_same(name, one.name) for one in (self.place, *self.also))

    def is_painted_as(self, path: PurePath) -> bool:
        """Whether its painting may be called so, which has one suffix or another."""
        if not (self.is_folder and is_picture(path.name)):
            return False
        stem, _ = split(path.name)
        is_bare = len(path.parts) == 1
        own = self.place.name if is_bare else str(self.place)
        return _same(stem if is_bare else str(path.with_name(stem)), own)


def _nothing_else(_path: PurePath) -> str:
    return ""


def meant(
    name: str,
    things: Sequence[Named[T]],
    tops: Iterable[Path],
    unknown: str,
    else_said: Callable[[PurePath], str] = _nothing_else,
) -> T:
    """What somebody means: by its name, its place or its id.

    Args:
        name: as it was typed; also a whole path.
        things: of which one may be meant.
        tops: folders that such a path may lie in.
        unknown: what to say if there is none, with ``{}`` for the name.
        else_said: what to say of something that is none of these, but is at this place or has this
            name; empty if there is no such thing. It counts for more than the name of a painting.

    Raises:
        UsageError: none of them is meant, or more than one may be.
    """
    path = _below_one_of(Path(name), list(tops))
    found = [one for one in things if one.id == name or one.is_at(path)]
    found = found or [one for one in things if one.is_called(name)]
    if not found and (said := else_said(path)):
        raise UsageError(said)
    found = found or [one for one in things if one.is_painted_as(path)]
    if len(found) == 1:
        return found[0].thing
    if found:
        raise UsageError(_ambiguous(name, found))
    raise UsageError(f"{unknown.format(printable(name))}{_there_are(things)}")


def _below_one_of(path: Path, tops: Sequence[Path]) -> PurePath:
    for top in tops:
        if path.is_absolute() and path.is_relative_to(top):
            return path.relative_to(top)
        if len(path.parts) > 1 and path.parts[0] == top.name:
            return path.relative_to(top.name)
    return path


def _same(one: str, other: str) -> bool:
    return canonical(one) == canonical(other)


def _ambiguous(name: str, found: Sequence[Named[T]]) -> str:
    places = {str(one.place) for one in found}
    by_place = len(places) == len(found)
    choices = sorted(places) if by_place else [f"{one.id} ({one.place})" for one in found]
    shown = ", ".join(map(printable, choices[:_MOST_NAMED]))
    how = "Say which one, with its folder" if by_place else "Say which one, by its number"
    return f"{len(found)} photos are called {printable(name)}. {how}: {shown}."


def _there_are(things: Sequence[Named[T]]) -> str:
    if not things:
        return ""
    some = ", ".join(sorted(printable(one.place) for one in things)[:_MOST_NAMED])
    more = len(things) - _MOST_NAMED
    return f" There are: {some}{f', and {more} more' if more > 0 else ''}."
