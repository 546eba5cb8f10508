"""What people do with the share, and what they know of it afterwards.

Whatever they do may come a moment too late: the photo is taken, the folder gone. So each thing is
done in one step of which the outcome is certain, and what was taken away is looked at before it is
thrown away.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path

from tests.daemon.stories import pictures, renames
from tests.daemon.stories.ledger import Ledger, Version, gives, takes_back
from tests.daemon.stories.writing import Writing
from tests.daemon.walking import below

HANDS = "Hands"
"""Folder in the share's root, where people have what they are about to drop."""


def named(lane: str) -> set[str]:
    """The styles that a folder of the inbox asks for."""
    return set(lane.split(" + "))


@dataclass
class Styles:
    """What people know of the styles.

    Attributes:
        now: the red of each one that is there; None for one that is no picture.
        ever: all reds that each has had.
        touched: those that were taken away, or changed, at some time.
    """

    now: dict[str, int | None] = field(default_factory=dict)
    ever: dict[str, set[int]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    next_red: int = 0

    def reds(self, lane: str) -> set[float]:
        """All that a picture of this folder may have come to: of a blend the mean.

        Somebody may call one picture `Waves + Dots`; it is what is meant as long as it is there.
        """
        had = [self.ever.get(name, set()) for name in named(lane)]
        blends = {sum(reds) / len(reds) for reds in product(*had)}
        return blends | {float(red) for red in self.ever.get(lane, set())}

    def ever_in(self, lane: str) -> set[int]:
        """All reds that the styles of this folder have had."""
        return set[int]().union(*(self.ever.get(name, set()) for name in (lane, *named(lane))))

    def are_there(self, lane: str) -> bool:
        """Whether this is the folder of styles that are there."""
        return lane in self.now or self.now.keys() >= named(lane)

    def were_touched(self, lane: str) -> bool:
        """Whether one of its styles was taken away, or changed, at some time."""
        return bool(self.touched & {lane, *named(lane)})

    def fresh(self) -> int:
        """Another red than before."""
        self.next_red += 1
        return pictures.FINE[self.next_red % len(pictures.FINE)]


class People:
    """Those who use one share.

    Args:
        share: its root.
        ledger: where it is written down what they are owed.
        tell: told, in words, what they do.
        far: whether the work folder is on another device, so that what is taken is copied.
    """

    def __init__(
        self, share: Path, ledger: Ledger, tell: Callable[[str], None], *, far: bool
    ) -> None:
        self._share, self._ledger, self._tell, self._far = share, ledger, tell, far
        self._numbers = count()
        self.styles = Styles()
        self.writings: list[Writing] = []
        self.dragged_back = 0
        (share / HANDS).mkdir()

    def at(self, place: str, name: str = "") -> Path:
        """A path in the inbox."""
        return self._share / "Inbox" / place / name

    def drop(self, version: Version, place: str, name: str) -> None:
        """Put a file there in one step."""
        with self._attempt(f"drops {version.name} as {place}/{name}"):
            self._put(version.data, self.at(place, name))
            gives(version)

    def drop_folder(self, versions: dict[str, Version], place: str, name: str) -> None:
        """Put a folder there in one step."""
        told = ", ".join(f"{version.name} as {inner}" for inner, version in versions.items())
        with self._attempt(f"drops the folder {place}/{name} with {told}"):
            hidden = self._hidden()
            hidden.mkdir()
            try:
                for inner, version in versions.items():
                    (hidden / inner).write_bytes(version.data)
                self._make(self.at(place))
                renames.move(hidden, self.at(place, name))
            except OSError:
                for path in (*hidden.iterdir(), hidden):
                    path.unlink() if path.is_file() else path.rmdir()
                raise
            for version in versions.values():
                gives(version)

    def move(self, number: int, place: str, name: str) -> None:
        """Give a photo another name, or folder."""
        for path in self._chosen(number):
            with self._attempt(f"moves {self._shown(path)} to {place}/{name}"):
                self._make(self.at(place))
                renames.move(path, self.at(place, name))

    def move_folder(self, source: str, target: str) -> None:
        """Give a folder another name."""
        with self._attempt(f"moves the folder {source} to {target}"):
            self._make(self.at(target).parent)
            renames.move(self.at(source), self.at(target))

    def take_away(self, number: int) -> None:
        """Delete a photo."""
        for path in self._chosen(number):
            with self._attempt(f"deletes {self._shown(path)}"):
                hidden = self._hidden()
                renames.move(path, hidden)
                self._throw_away(hidden)

    def replace(self, version: Version, number: int) -> None:
        """Put a photo in the place of another, in one step."""
        for path in self._chosen(number):
            with self._attempt(f"puts {version.name} in the place of {self._shown(path)}"):
                hidden = self._hidden()
                try:
                    hidden.write_bytes(version.data)
                    renames.exchange(hidden, path)
                except OSError:
                    hidden.unlink(missing_ok=True)
                    raise
                gives(version)
                self._throw_away(hidden)

    def begin(self, version: Version, place: str, name: str, *, how: str) -> None:
        """Begin to write a file piece by piece: ``plain``, ``sized``, or ``part``."""
        with self._attempt(f"begins to write {version.name} as {place}/{name} ({how})"):
            self._make(self.at(place))
            path = self.at(place, name + (".part" if how == "part" else ""))
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            final = self.at(place, name) if how == "part" else None
            writing = Writing(os.open(path, flags, 0o666), path, version, final, far=self._far)
            self._keep(writing)
            if how == "sized":
                writing.size()

    def rewrite(self, version: Version, number: int, *, how: str) -> None:
        """Begin to write over a file, by one handle: ``truncate`` it first, or ``over`` it."""
        for path in self._chosen(number):
            self._rewrite(version, path, how)

    def _rewrite(self, version: Version, path: Path, how: str) -> None:
        with self._attempt(f"begins to write {version.name} over {self._shown(path)} ({how})"):
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            before = self._ledger.versions.get(os.pread(handle, 1 << 24, 0))
            if before is None or self._writing_of(handle) is not None:
                os.close(handle)
                self._tell("    but it is being written")
                return
            self._tell(f"    which is {before.name}")
            # Of the half of a JPEG with another's half behind it nobody can tell that it is none.
            is_blurred = all(one.data.startswith(b"\xff\xd8") for one in (before, version))
            writing = Writing(handle, path, version, None, before=before, far=self._far)
            self._keep(writing)
            writing.overwrite(truncate=is_blurred or how == "truncate")

    def write_over_taken(
        self, old: Version, new: Version, place: str, name: str, heard: Callable[[], object]
    ) -> None:
        """Drop a photo, open it to change it, and do so only when it is taken."""
        self.drop(old, place, name)
        with self._attempt(f"opens {place}/{name} to write {new.name} over it later"):
            handle = os.open(self.at(place, name), os.O_RDWR | os.O_CLOEXEC)
            writing = Writing(handle, self.at(place, name), new, None, before=old)
            heard()
            if self._is_in_work(handle) and os.pread(handle, 1 << 24, 0) == old.data:
                self._tell("    and does so now")
                self._keep(writing)
                writing.overwrite(truncate=True)
                self.end(self.writings.index(writing), well=True)
            else:
                self._tell("    and has come too late, or too early")
                writing.close()

    def _is_in_work(self, handle: int) -> bool:
        return "/jobs/" in os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - no file of ours

    def go_on(self, number: int) -> None:
        """Write one more piece of something."""
        if self.writings:
            writing = self.writings[number % len(self.writings)]
            with self._attempt(f"goes on with {writing.version.name}", breaks=writing):
                writing.go_on()

    def end(self, number: int, *, well: bool) -> None:
        """Write the rest of something, or break it off."""
        if not self.writings:
            return
        writing = self.writings[number % len(self.writings)]
        if well:
            with self._attempt(f"finishes {writing.version.name}", breaks=writing):
                writing.finish()
                self.writings.remove(writing)
        if not well:
            self._break_off(writing)
        elif writing not in self.writings:
            with self._attempt("gives it its name"):
                writing.rename()

    def drag_back(self, number: int, place: str, *, with_note: bool) -> None:
        """Drag a failed photo back into the inbox."""
        failed = self._share / "Failed"
        paths = sorted(path for path in below(failed) if path.is_file())
        photos = [path for path in paths if not path.name.endswith(("why.txt", "style.png"))]
        if not photos:
            return
        photo = photos[number % len(photos)]
        with self._attempt(f"drags {photo.relative_to(self._share)} back into {place}"):
            self.dragged_back += 1
            self._make(self.at(place))
            renames.move(photo, self.at(place, photo.name))
            if with_note:
                note = photo.with_name(f"{photo.name} - why.txt")
                renames.move(note, self.at(place, note.name))

    def set_style(self, name: str, red: int | None) -> None:
        """Put a style there, or in the place of another; with None one that is no picture."""
        with self._attempt(f"makes {red} the style {name}"):
            path = self._share / "Styles" / f"{name}.png"
            data = b"no picture" if red is None else pictures.style(red)
            hidden = self._hidden()
            # Before it is there: somebody may paint with it at once.
            self.styles.ever.setdefault(name, set()).add(red or 0)
            self.styles.touched |= {name} if red is None or name in self.styles.now else set()
            try:
                hidden.write_bytes(data)
                hidden.replace(path)
            except OSError:
                hidden.unlink(missing_ok=True)
                raise
            self.styles.now[name] = red

    def remove_style(self, name: str) -> None:
        """Take a style away."""
        with self._attempt(f"takes the style {name} away"):
            self.styles.touched.add(name)
            (self._share / "Styles" / f"{name}.png").unlink()
            del self.styles.now[name]

    def close(self) -> None:
        """Let go of all files."""
        for writing in self.writings:
            writing.close()

    def _chosen(self, number: int) -> list[Path]:
        """One of the photos that lie in the inbox now, if there are any.

        Those that have a style of their own stay together with it: alone it would be a photo. What
        is hidden is not people's: the service's mark, or what it is writing.
        """
        seen = (path for path in below(self._share / "Inbox") if not path.name.startswith("."))
        found = sorted(path for path in seen if path.is_file())
        others = (".part", ".txt", "style.png", "content.jpg")
        photos = [path for path in found if not path.name.endswith(others)]
        return photos[number % len(photos) :][:1] if photos else []

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._share))

    def _put(self, data: bytes, path: Path) -> None:
        hidden = self._hidden()
        try:
            hidden.write_bytes(data)
            self._make(path.parent)
            renames.move(hidden, path)
        except OSError:
            with contextlib.suppress(OSError):
                hidden.unlink(missing_ok=True)
            raise

    def _make(self, folder: Path) -> None:
        """Make a folder of the inbox; not the inbox itself, which may just be away."""
        inbox = self._share / "Inbox"
        for part in reversed((folder, *folder.parents)):
            if part.is_relative_to(inbox) and part != inbox:
                part.mkdir(exist_ok=True)

    def _hidden(self) -> Path:
        return self._share / HANDS / str(next(self._numbers))

    def _throw_away(self, hidden: Path) -> None:
        data, writing = hidden.read_bytes(), self._writing_at(hidden)
        hidden.unlink()
        if writing is not None:
            self._tell(f"    which is {writing.version.name}, being written")
            writing.is_deleted = True
        elif data in self._ledger.versions:
            self._tell(f"    which is {self._ledger.versions[data].name}")
            takes_back(self._ledger.versions[data], far=self._far)
        else:
            assert self._ledger.is_cut(data), (
                "people find something in the inbox that is not theirs"
            )

    def _writing_at(self, path: Path) -> Writing | None:
        return self._same(path.stat())

    def _writing_of(self, handle: int) -> Writing | None:
        return self._same(os.fstat(handle))

    def _same(self, status: os.stat_result) -> Writing | None:
        found = (one for one in self.writings if one.is_same(status))
        return next(found, None)

    def _keep(self, writing: Writing) -> None:
        writing.version.blameless = True
        if self._far:
            before = b"" if writing.before is None else writing.before.data
            self._ledger.streams.append((writing.version.data, before))
        self.writings.append(writing)

    def _break_off(self, writing: Writing) -> None:
        self._tell(f"somebody breaks off {writing.version.name}")
        self.writings.remove(writing)
        writing.break_off(self._ledger)

    @contextlib.contextmanager
    def _attempt(self, what: str, breaks: Writing | None = None) -> Iterator[None]:
        self._tell(f"somebody {what}")
        try:
            yield
        except OSError as error:
            self._tell(f"    but: {error.strerror}")
            if breaks is not None and breaks in self.writings:
                self._break_off(breaks)
