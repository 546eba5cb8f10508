"""Which pictures go along with a photo, by their names: masks, regions, pictures to start from.

::

    photo.mask.png            what of photo.jpg is painted, white, and what stays as it is, black
    photo.regions.png         its regions, each in a colour
    photo.start.png           what its painting starts from
    photo.style.jpg           its own style, if it has one,
    photo.style.regions.png   and the regions of that

In a folder that is one job the photo is `content` and the style `style`, and what names neither of
them is the photo's: ``mask.png`` is ``content.mask.png``.

A picture that is called so is never a photo, also where no photo of its name is there: that may be
on its way, or it was quicker and is being painted already. Nobody wants to have a mask painted. So
whoever has a photo of the name ``Halloween.mask.jpg`` is asked to call it something else.

Pure: names alone, no disk.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from daemon.names import canonical, is_picture, numbered, split

_Own = Literal["mask", "regions", "start"]

Role = _Own | Literal["style_regions"]
"""What a picture is to the photo that it goes along with."""

Mark = _Own | Literal["style"]
"""What stands between the stem and the suffix of such a picture's name."""

MARKS: Final[tuple[Mark, ...]] = ("style", "mask", "regions", "start")

SAYING: Final[Mapping[Role, str]] = MappingProxyType(
    {
        "mask": 'The mask "{}" cannot be used. {}',
        "regions": 'The picture that marks regions, "{}", cannot be used. {}',
        "start": 'The picture to start from, "{}", cannot be used. {}',
        "style_regions": 'The picture that marks regions, "{}", cannot be used. {}',
    }
)
"""How it is said that one cannot be used: its name, and why."""

NOBODY: Final[Mapping[Role, Path]] = MappingProxyType({})
"""What goes along with a photo that is alone."""

OF_PHOTOS: Final[tuple[_Own, ...]] = ("mask", "regions", "start")
"""What a photo may have, whichever style it is painted in."""

_LIKELY: Final = re.compile(r"\.(?:style|mask|regions|start)\.", re.IGNORECASE)
_IN_A_JOB: Final[Mapping[str, Role]] = {
    **{role: role for role in OF_PHOTOS},
    **{f"content.{role}": role for role in OF_PHOTOS},
    "style.regions": "style_regions",
}


class Marked(NamedTuple):
    """What a name says of a picture that goes along with another one.

    Attributes:
        stem: of that one's name, in the form in which names are compared.
        mark: what it is to it.
    """

    stem: str
    mark: Mark


class Belonging(NamedTuple):
    """Which picture one that goes along with another one belongs to.

    Attributes:
        role: what it is to that.
        stem: of that one's name.
    """

    role: Role
    stem: str


class Beside(NamedTuple):
    """The names of what goes along with one photo.

    Attributes:
        style: its own style's; None if it has none.
        roles: of all else.
    """

    style: str | None
    roles: Mapping[Role, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the style's first."""
        own = () if self.style is None else (self.style,)
        return *own, *self.roles.values()


def is_own_style(style: Path, photo: Path) -> bool:
    """Whether the picture of a style lies beside a photo: it came along, and is for that alone."""
    return style.parent == photo.parent


def marked(name: str) -> Marked | None:
    """What a name says of a picture that goes along with another one; None if it is no such name.

    The mark may be written in large letters.
    """
    if _LIKELY.search(name) is None or not is_picture(name):  # thousands of names are asked about
        return None
    stem, mark = split(split(name)[0])
    known = next((one for one in MARKS if mark.casefold() == f".{one}"), None)
    return None if known is None else Marked(canonical(stem), known)


def is_companion(name: str) -> bool:
    """Whether a picture is called a mask, regions or a start: it is never a photo itself."""
    found = marked(name)
    return found is not None and found.mark != "style"


def regions_of(name: str) -> str | None:
    """The stem of the picture whose regions a picture of this name marks; None if it is no such.

    It is as it was written, but in one form of Unicode.
    """
    found = marked(name)
    return found.stem if found is not None and found.mark == "regions" else None


def belonging(name: str) -> Belonging | None:
    """What a picture belongs to by its name alone, in a folder that is one job too.

    Args:
        name: of its file.

    Returns:
        None if it is called neither a mask nor regions nor a start.
    """
    found = marked(name)
    if found is None or found.mark == "style":
        role = job_role(name)
        return None if role is None else Belonging(role, "content")
    is_of_style = split(f"a.{found.stem}")[1].casefold() == ".style"  # `style` alone is one too
    role = "style_regions" if found.mark == "regions" and is_of_style else found.mark
    return Belonging(role, found.stem)


def beside(names: Collection[str]) -> dict[str, Beside]:
    """What goes along with the photos of one folder, by the name of the photo; of no other photos.

    Args:
        names: of the folder's files, in order. Where two ask for the same, the first has it.
    """
    found = [(mine, name) for name in names if (mine := marked(name)) is not None]
    photos = _photos(names) if found else []
    claims = _Claims(found, {stem for stem, _ in photos})
    groups: dict[str, Beside] = {}
    taken: set[str] = set()
    for stem, name in photos:
        if name not in taken:
            group = _beside(stem, claims)
            taken.update(group.names)
            if group.names:
                groups[name] = group
    return groups


class _Claims:
    """Which pictures ask to go along with which photo.

    Nobody sees why ``beach.mask.png`` should not be that of ``Beach.jpg``. So large and small
    letters are the same, unless a photo has the very name that is asked for.

    Args:
        found: what names say, and the names.
        stems: of all photos.
    """

    def __init__(self, found: Iterable[tuple[Marked, str]], stems: Container[str]) -> None:
        self._exact: dict[Marked, str] = {}
        self._folded: dict[Marked, str] = {}
        for mine, name in found:
            if mine.stem in stems:
                self._exact.setdefault(mine, name)
            else:
                self._folded.setdefault(Marked(mine.stem.casefold(), mine.mark), name)

    def take(self, stem: str, mark: Mark) -> str | None:
        """What goes along with a photo of this stem so, if there is something; only once."""
        exact = self._exact.pop(Marked(stem, mark), None)
        return exact or self._folded.pop(Marked(stem.casefold(), mark), None)


def _photos(names: Iterable[str]) -> list[tuple[str, str]]:
    """Stems and names of what may be a photo."""
    photos = (name for name in names if is_picture(name) and not is_companion(name))
    stems = [(canonical(split(name)[0]), name) for name in photos]
    # Short stems first: whether `a.style.jpg` is the style of `a.jpg` has to be known before
    # `a.style.style.jpg` can be its style.
    return sorted(stems, key=lambda photo: len(photo[0].casefold()))


def _beside(stem: str, claims: _Claims) -> Beside:
    """What goes along with a photo; it is taken out of what is there."""
    style = claims.take(stem, "style")
    found: dict[Role, str | None] = {role: claims.take(stem, role) for role in OF_PHOTOS}
    if style is not None:
        found["style_regions"] = claims.take(canonical(split(style)[0]), "regions")
    return Beside(style, {role: name for role, name in found.items() if name is not None})


def in_a_job(names: Iterable[str]) -> dict[Role, str] | None:
    """What goes along with the photo of a folder that is one job.

    Args:
        names: of its pictures but `content` and `style`.

    Returns:
        None if there is one that does not, or two that would be the same.
    """
    roles: dict[Role, str] = {}
    for name in names:
        role = job_role(name)
        if role is None or role in roles:
            return None
        roles[role] = name
    return roles


def job_role(name: str) -> Role | None:
    """What a picture is in a folder that is one job, besides `content` and `style`."""
    return _IN_A_JOB.get(split(name)[0].casefold()) if is_picture(name) else None


def plain_stem(stem: str) -> str:
    """The stem of the photo that a file goes along with; its own, if it goes along with none."""
    while (parts := split(stem))[1].casefold() in {f".{mark}" for mark in MARKS}:
        stem = parts[0]
    return stem


def numbered_as_it_is(name: str, n: int) -> str:
    """The n-th name of any file, as `daemon.names.numbered`; but a mask stays one, and no photo.

    ``beach.mask (2).png`` would be painted; ``beach (2).mask.png`` is not.
    """
    if not is_companion(name):
        return numbered(name, n)
    return numbered(name, n, name[len(plain_stem(split(name)[0])) :])
