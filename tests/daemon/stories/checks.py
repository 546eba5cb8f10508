"""The promise: each photo ends exactly once, and nothing else is anywhere."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from daemon import files
from daemon.names import INBOX_NOTE, is_note
from daemon.notes import why_name
from tests.daemon.child_stand_ins import KILLS
from tests.daemon.stories import pictures
from tests.daemon.stories.ledger import Ledger, Version
from tests.daemon.stories.people import Styles
from tests.daemon.walking import below

_WHY = re.compile(r"What happened\s+(.+?)\r?\n\r?\n", re.DOTALL)
_TIMES = re.compile(r"(\d+) times")
_LOOKS, _PAUSE = 100, 0.1  # at what may be on its way: a busy machine takes long over it


def tree(folder: Path) -> dict[PurePath, bytes]:
    """All files below a folder; what vanishes meanwhile was never there."""
    found = {}
    for path in sorted(below(folder)):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                found[PurePath(path.relative_to(folder))] = path.read_bytes()
    return found


@dataclass(frozen=True)
class Promise:
    """What is looked at, and what has to be so once the daemon is at rest.

    Attributes:
        share: its root.
        work: where photos wait.
        state: the folder of the journal.
        ledger: what people are owed.
        styles: what they know of the styles.
        identifies: whether a result tells which photo it is of.
    """

    share: Path
    work: Path
    state: Path
    ledger: Ledger
    styles: Styles
    identifies: bool = True

    def waits(self) -> list[PurePath]:
        """What lies in the inbox and is to be painted, or to fail."""
        inbox = tree(self.share / "Inbox")
        return [path for path in inbox if not self._may_stay(path, inbox)]

    def lies(self) -> list[PurePath]:
        """What lies in the inbox for good, since nobody can tell how to paint it."""
        inbox = tree(self.share / "Inbox")
        stays = (path for path in inbox if self._may_stay(path, inbox) and not is_note(path.name))
        return [path for path in stays if path.suffix != ".part"]

    def note_is_right(self) -> bool:
        """Whether the inbox has a note if, and only if, something lies there."""
        return (self.share / "Inbox" / INBOX_NOTE).exists() == bool(self.lies())

    def broken(self, *, deaths: int, dragged_back: int) -> list[str]:
        """In which ways it is not kept.

        Args:
            deaths: how often somebody has killed daemon or engine.
            dragged_back: how often a failed photo was; its note goes later.
        """
        trees = {name: tree(self.share / name) for name in ("Inbox", "Originals", "Failed")}
        photos = {
            name: {path: data for path, data in found.items() if not is_note(path.name)}
            for name, found in trees.items()
        }
        return [
            *self._strangers(photos),
            *self._counts(photos),
            *(self._results(photos["Originals"]) if self.identifies else self._pairs(photos)),
            *self._reasons(trees["Failed"], photos["Failed"], deaths, dragged_back),
            *self._leftovers(),
        ]

    def _may_stay(self, path: PurePath, inbox: dict[PurePath, bytes]) -> bool:
        if path.suffix == ".part" or is_note(path.name):
            return True
        beside = {other.name for other in inbox if other.parent == path.parent}
        stem = path.name.removesuffix(path.suffix).removesuffix(".style")
        has_style = f"{stem}.style.png" in beside and beside & {f"{stem}.jpg", f"{stem}.png"}
        if has_style or {"content.jpg", "style.png"} <= beside:
            return False
        return len(path.parts) == 1 or not self.styles.are_there(path.parts[0])

    def _strangers(self, photos: dict[str, dict[PurePath, bytes]]) -> Iterator[str]:
        for name, found in photos.items():
            for path, data in found.items():
                cut = name == "Failed" and self.ledger.is_cut(data)
                if data not in self.ledger.versions and not cut:
                    yield f"{name}/{path} is nothing that was given"

    def _counts(self, photos: dict[str, dict[PurePath, bytes]]) -> Iterator[str]:
        places: dict[bytes, list[str]] = {}
        for name, found in photos.items():
            for path, data in found.items():
                places.setdefault(data, []).append(f"{name}/{path}")
        unknown = (data for data in places if data not in self.ledger.versions)
        cut = sum(len(places[data]) for data in unknown if self.ledger.is_cut(data))
        for data, version in self.ledger.versions.items():
            where = places.get(data, [])
            if version.number is None and self.ledger.is_cut(data):
                continue  # the same bytes, such as none, may be of something else
            # What was copied away half written took a copy of its style along.
            high = version.high + (cut if version.partner else 0)
            if not version.low <= len(where) <= high:
                wanted = f"{version.low} to {high} times"
                yield f"{version.name} has to be there {wanted}; it is at {where or 'no place'}"

    def _results(self, originals: dict[PurePath, bytes]) -> Iterator[str]:
        painted: Counter[str] = Counter()
        for path, data in tree(self.share / "Outbox").items():
            result = pictures.what_is_painted(data)
            version = result and self.ledger.numbered(result.number)
            if result is None or version is None:
                yield f"Outbox/{path} is painted of nothing that was given"
                continue
            painted[version.name] += 1
            if all(abs(result.red - red) > pictures.NEAR for red in self._reds(path)):
                yield f"Outbox/{path} is painted in a style {result.red} that was never meant"
        kept = Counter(data for data in originals.values())
        for version in self.ledger.versions.values():
            yield from self._result_of(version, kept[version.data], painted[version.name])

    @staticmethod
    def _result_of(version: Version, kept: int, painted: int) -> Iterator[str]:
        if version.partner:
            return
        if version.number is None and kept:
            yield f"{version.name} is in Originals, and cannot have been painted"
        elif not kept <= painted <= kept + version.ghosts and version.number is not None:
            yield f"{version.name} is in Originals {kept} times, and painted {painted} times"

    def _pairs(self, photos: dict[str, dict[PurePath, bytes]]) -> Iterator[str]:
        """For an engine whose results do not say what they are of."""
        partners = {one.data for one in self.ledger.versions.values() if one.partner}
        kept = sum(data not in partners for data in photos["Originals"].values())
        ghosts = sum(one.ghosts for one in self.ledger.versions.values())
        painted = len(tree(self.share / "Outbox"))
        if not kept <= painted <= kept + ghosts:
            yield f"{kept} photos are in Originals, and {painted} in Outbox"

    def _reds(self, path: PurePath) -> set[float]:
        own = {float(pictures.FINE[0])}  # of pairs and folders, which bring their style along
        return own | self.styles.reds(path.parts[0] if len(path.parts) > 1 else "")

    def _reasons(
        self,
        failed: dict[PurePath, bytes],
        photos: dict[PurePath, bytes],
        deaths: int,
        dragged_back: int,
    ) -> Iterator[str]:
        told = set()
        for path, data in photos.items():
            version = self.ledger.versions.get(data)
            note = next((note for note in _notes_of(path) if note in failed), None)
            if note is None:
                if version is None or not version.partner:
                    yield f"Failed/{path} has no note"
                continue
            told.add(note)
            why = _WHY.search(failed[note].decode())
            reason = "" if why is None else why[1]
            if version is not None and not self._is_reason(version, path, reason, deaths):
                yield f"Failed/{path} is {version.name}, which is whole: {reason}"
        lonely = [note for note in failed if is_note(note.name) and note not in told]
        if len(lonely) > dragged_back:
            yield f"notes without their photos: {', '.join(map(str, lonely))}"

    def _is_reason(self, version: Version, path: PurePath, reason: str, deaths: int) -> bool:
        if version.number is None or version.blameless:
            return bool(reason)
        lane = path.parts[0]
        times = _TIMES.search(reason)
        if times is not None and "stopped" in reason:
            return deaths >= int(times[1]) or KILLS in self.styles.ever_in(lane)
        return "The style picture" in reason and self.styles.were_touched(lane)

    def _leftovers(self) -> Iterator[str]:
        for path in self._temporary():
            yield f"{path} is left over"
        for path in sorted(self.state.glob("*/checkpoints/*")):
            yield f"{path} is left over"
        for path in sorted((self.work / "jobs").glob("*")):
            yield f"{path} is left over"

    def _temporary(self) -> list[Path]:
        """Those that stay: a service at rest writes its page anew now and then."""
        found = set(self._unfinished())
        for _ in range(_LOOKS):
            if not found:
                break
            time.sleep(_PAUSE)
            found &= set(self._unfinished())
        return sorted(found)

    def _unfinished(self) -> Iterator[Path]:
        for top in (self.share, self.work, self.state):
            for path in below(top):
                if files.is_temporary(path.name) or path.name.startswith("journal.sqlite.new"):
                    yield path


def _notes_of(path: PurePath) -> Iterator[PurePath]:
    yield path.with_name(why_name(path.name))
    if len(path.parts) > 1:
        yield path.parent.with_name(why_name(path.parent.name))
