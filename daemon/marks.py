"""Marks in the share's folders: they tell the right ones from what lies below a mount point.

Where a drive is not connected lies an empty folder of the same name, and whatever is written into
that is hidden as soon as the drive comes back. So a small hidden file lies in each folder that may
go by itself: the share's root, and those that are on another device or elsewhere. Which mark each
has is remembered beside the journal. While one is missing, or is another one, nothing of the share
is touched.

A mark that is removed while the service runs is written again, if its folder is beyond doubt the
one that it was a moment ago: people tidy up, and tools that mirror folders remove what they do not
know.

An empty file of that name counts as a mark that nobody has yet: the service makes it its own. So a
person can say that a folder is the right one all the same; `atelierd init` does it for them. Where
no hidden file can be written there is no mark, and the folder is known by less.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from daemon.errors import ShareAwayError, ShareError
from daemon.files import is_temporary, write_atomically
from daemon.handles import read_file
from daemon.names import printable
from daemon.once import Once
from daemon.share import Share, expect_share
from daemon.words import words

MARK: Final = ".atelierd-folder"
"""Name of the file that marks a folder."""
MEMORY: Final = "folders.json"
"""Name of the file beside the journal that says which marks there are."""

_NOBODY_S: Final = ""
_WORD: Final = "mark: "
_BYTES: Final = 8
_LARGEST: Final = 4096
_log: Final = structlog.get_logger()


@dataclass(frozen=True)
class _Known:
    """A folder that has a mark, and which."""

    path: Path
    mark: str


@dataclass(frozen=True)
class _Place:
    """What tells one folder from another for as long as nothing is unmounted or replaced.

    Attributes:
        device: that it lies on.
        number: of the folder there.
        system: of the file system; of two drives that come one after the other the rest is alike.
        changed: when something was last made, renamed or removed in it.
    """

    device: int
    number: int
    system: int
    changed: int

    def follows(self, before: _Place) -> bool:
        """Whether this is the same one, later.

        On some network drives all folders have one number; but what lies below a mount point was
        not changed since before the mark was written into the drive.
        """
        alike = (self.device, self.number, self.system)
        same = alike == (before.device, before.number, before.system)
        return same and self.changed >= before.changed


class Marks:
    """The marks of one share.

    Args:
        share: its folders.
        state: the folder beside the journal; it need not be there yet.

    Raises:
        ShareError: what was remembered there cannot be read.
    """

    def __init__(self, share: Share, state: Path) -> None:
        self._share = share
        self._memory = state / MEMORY
        self._known = _recalled(self._memory, share)
        self._places: dict[str, _Place] = {}  # of the folders that were found right the last time
        self._said = Once()

    @property
    def known(self) -> bool:
        """Whether the share was kept before, with marks."""
        return bool(self._known)

    def expect(self) -> None:
        """See that each folder is the one that it was.

        Raises:
            ShareAwayError: one is not, or cannot be looked into.
        """
        # Once anything is wrong all is forgotten: who knows what is connected and when.
        before, self._places = self._places, {}
        found = {name: self._expect(one, before.get(name)) for name, one in self._known.items()}
        self._places = {name: place for name, place in found.items() if place is not None}

    def settle(self) -> None:
        """Remember the folders as they are, and mark those without a mark. Once at each start.

        Only after `expect`, and when the folders are there. What cannot be marked, or not be
        remembered, is told in the log.
        """
        found = dict(_marked(self._share))
        known = {name: one for name, one in self._known.items() if one.path in found.values()}
        for name, path in found.items():
            with _telling(path):
                mark = known[name].mark if name in known else self._mark_in(path)
                known[name] = _Known(path, mark)
        if known != self._known:
            with _telling(self._memory.parent):
                _remember(self._memory, known)
                self._known = known
        with _telling(self._memory.parent, "state.not_swept"):
            _sweep(self._memory.parent)

    def _expect(self, known: _Known, before: _Place | None) -> _Place | None:
        """See that a folder is the right one; where it is, if that stayed so meanwhile."""
        folder = printable(known.path)
        try:
            place = _place_of(known.path)
            mark = _mark_of(known.path)
            # Between two looks a drive may come or go: then nothing is known of its place.
            is_certain = _place_of(known.path).follows(place)
        except (FileNotFoundError, NotADirectoryError):
            raise ShareAwayError(
                f"The folder {folder} is not there, and nothing is painted until it is back. "
                "Connect the drive that it lies on."
            ) from None
        except OSError as error:
            raise ShareAwayError(
                f"The folder {folder} cannot be looked into ({error.strerror}). Check the drive "
                "that it lies on, and let the program read there."
            ) from error
        if mark is None and is_certain and before is not None and place.follows(before):
            mark = known.mark if self._mark_again(known, "removed") else None
        if mark is None:
            raise ShareAwayError(
                f"The folder {folder} is not the one that it was: the file {MARK} is missing in "
                "it, and so nothing is written there. Connect the drive that it lies on. If it is "
                f"the right one all the same, run `atelierd init {_quoted(self._share.root)}`, or "
                "make an empty file of that name in it."
            )
        if mark == _NOBODY_S:
            self._mark_again(known, "emptied")
        elif mark != known.mark:
            raise ShareAwayError(
                f"The folder {folder} is not the one that it was: the file {MARK} in it is "
                "another one, and so nothing is written there. Connect the right drive. If this "
                "one shall be used from now on, empty that file."
            )
        return place if is_certain else None

    def _mark_in(self, folder: Path) -> str:
        """The mark that a folder has, or a new one."""
        if mark := _mark_of(folder):
            return mark
        mark = secrets.token_hex(_BYTES)
        _write(folder, mark, self._share)
        return mark

    def _mark_again(self, known: _Known, what: str) -> bool:
        """Write the mark that a folder had; whether that was possible."""
        folder = printable(known.path)
        try:
            _write(known.path, known.mark, self._share)
        except OSError as error:
            why = error.strerror or str(error)
            if self._said.is_new(f"{folder}: {why}"):
                _log.warning("share.unmarked", folder=folder, why=why)
            return False
        if self._said.is_new(f"{folder} {what}"):
            _log.warning("share.marked_again", folder=folder, why=f"the file {MARK} was {what}")
        return True


def expect_folders(share: Share, state: Path) -> None:
    """See, for a command beside the service, that the share and its folders are the right ones.

    Args:
        share: its folders.
        state: the folder beside the journal. Where this user may not look into it, nobody can say.

    Raises:
        ShareError: there is no share, or a folder is another one.
    """
    try:
        Marks(share, state).expect()  # first: it knows of drives that are away
    except ShareAwayError:
        raise
    except ShareError as error:
        # The folder beside the journal is the service's: others may not look into it.
        if not isinstance(error.__cause__, PermissionError):
            raise
    expect_share(share)


def offer(share: Share, state: Path) -> None:
    """Mark the folders that lack their mark with one that nobody has yet.

    Args:
        share: its folders are there.
        state: the folder beside the journal; whoever makes a share for others may not know it.

    Raises:
        OSError: a mark cannot be written.
    """
    folders = {path for _, path in _marked(share)}
    with contextlib.suppress(ShareError):
        folders |= {known.path for known in _recalled(state / MEMORY, share).values()}
    for folder in folders:
        if _mark_of(folder) is None:
            _write(folder, _NOBODY_S, share)


def root_kept_in(state: Path) -> Path | None:
    """The root of the share whose marks are remembered in a state folder; None if none are.

    Args:
        state: the folder beside a journal.
    """
    try:
        return Path(json.loads((state / MEMORY).read_bytes())["root"]["path"])
    except (OSError, ValueError, TypeError, KeyError):  # none was kept there, or a disk has lost it
        return None


def _marked(share: Share) -> Iterator[tuple[str, Path]]:
    """The folders that may go by themselves, those that are there."""
    with contextlib.suppress(OSError):
        root = share.root.stat().st_dev
        yield "root", share.root
        for name, folder in share.folders():
            with contextlib.suppress(OSError):
                if folder.stat().st_dev != root or not folder.is_relative_to(share.root):
                    yield name, folder


def _place_of(folder: Path) -> _Place:
    status, system = folder.stat(), os.statvfs(folder)
    return _Place(status.st_dev, status.st_ino, system.f_fsid, status.st_mtime_ns)


def _mark_of(folder: Path) -> str | None:
    """What stands in a folder's mark; None if it has none.

    Raises:
        OSError: the folder is not there, or the disk does not say.
    """
    try:
        data = read_file(folder / MARK, _LARGEST)
    except FileNotFoundError:
        folder.stat()
        return None
    lines = (data or b"").decode("utf-8", "replace").splitlines()
    return next((line[len(_WORD) :].strip() for line in lines if line.startswith(_WORD)), _NOBODY_S)


def _write(folder: Path, mark: str, share: Share) -> None:
    text = f"{words(share.language).say('note.mark')}\r\n{_WORD}{mark}\r\n"
    write_atomically(folder / MARK, text.encode())


@contextlib.contextmanager
def _telling(folder: Path, event: str = "share.unmarked") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.warning(event, folder=printable(folder), why=error.strerror or str(error))


def _recalled(memory: Path, share: Share) -> dict[str, _Known]:
    """What is remembered of the folders that the settings still name."""
    try:
        kept = json.loads(memory.read_bytes())
        found = {name: _Known(Path(one["path"]), str(one["mark"])) for name, one in kept.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ShareError(
            f"{printable(memory)}, which tells how the share's folders are known, cannot be read "
            f"({error.strerror}). Let the program's user read there, and check the disk."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # a disk has lost it
        _log.warning("share.forgotten", file=printable(memory), why=str(error))
        return {}
    now = {"root": share.root, **dict(share.folders())}
    return {name: one for name, one in found.items() if now.get(name) == one.path and one.mark}


def _remember(memory: Path, known: Mapping[str, _Known]) -> None:
    kept = {name: {"path": str(one.path), "mark": one.mark} for name, one in known.items()}
    memory.parent.mkdir(parents=True, exist_ok=True)
    # Paths that are no UTF-8 are kept as Python has them: ASCII can spell those too.
    write_atomically(memory, json.dumps(kept, ensure_ascii=True, indent=1).encode("ascii"))


def _sweep(folder: Path) -> None:
    """Remove what a kill has left half-written; nobody else writes there under such names."""
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if is_temporary(path.name):
            path.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return printable(shlex.quote(str(path)))
