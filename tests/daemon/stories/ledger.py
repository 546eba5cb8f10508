"""What people are owed: how often each file that they gave has to be somewhere at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from tests.daemon.stories import pictures
from tests.daemon.stories.pictures import Kind


@dataclass
class Version:
    """The content of a file that was given, under whichever names.

    Attributes:
        name: for the story.
        data: the bytes.
        number: of the photo, as `pictures` has it; None for what cannot be painted.
        low: how often it has to lie in the inbox, in originals or in failed, at least.
        high: at most.
        ghosts: so many results may be there without their photo, which was written over.
        blameless: whether nobody need say why it failed: it was written slowly, or over another.
        partner: whether it is the style of one photo.
    """

    name: str
    data: bytes
    number: int | None
    low: int = 0
    high: int = 0
    ghosts: int = 0
    blameless: bool = False
    partner: bool = False


@dataclass
class Ledger:
    """All versions of one story."""

    versions: dict[bytes, Version] = field(default_factory=dict)
    streams: list[tuple[bytes, bytes]] = field(default_factory=list)
    """What was written piece by piece, and over what, where half of it may be copied away."""
    _numbers: count[int] = field(default_factory=count)

    def photo(self, kind: Kind) -> Version:
        """A new photo, not yet given."""
        number = next(self._numbers)
        return self._add(Version(f"v{number}.{kind}", pictures.photo(number, kind), number))

    def other(self, data: bytes, name: str, *, partner: bool = False) -> Version:
        """What cannot be painted, or is not to be."""
        if data not in self.versions:
            self._add(Version(name, data, None, partner=partner))
        return self.versions[data]

    def numbered(self, number: int) -> Version | None:
        """The photo of a number."""
        found = (one for one in self.versions.values() if one.number == number)
        return next(found, None)

    def is_cut(self, data: bytes) -> bool:
        """Whether this is what lay there while something was written piece by piece."""
        for new, old in self.streams:
            pairs = enumerate(zip(new, data, strict=False))
            same = next((at for at, (one, other) in pairs if one != other), len(new))
            rest = data[same:]
            if not rest.strip(b"\0") or rest == old[same : len(data)]:
                return True
        return False

    def _add(self, version: Version) -> Version:
        self.versions[version.data] = version
        return version


def gives(version: Version) -> None:
    """Somebody has put it there once more, whole."""
    version.low += 1
    version.high += 1


def takes_back(version: Version, *, far: bool) -> None:
    """Somebody has taken it away again before it was taken; where it is copied, maybe after."""
    version.low -= 1
    version.high -= not far
