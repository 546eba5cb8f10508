"""What is left in a claim whose job is over: somebody changed or added it after it was copied.

Originals and failed lie on another device than the work folder here, and somebody meddles in the
moment between the copy of the photo and the removal of what was copied.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import claim_content, claims, copying, departure, files, intention, publishing
from daemon.claim_folders import claim_folder
from daemon.claims import Claim
from daemon.copying import Copied
from daemon.endings import Endings
from daemon.errors import ClaimStuckError, ExitCode, JournalError, StoppedError
from daemon.jobs import Job, JobState, new_job
from daemon.journal import Journal
from daemon.pairing import Candidate, pair
from daemon.recovery import recover
from daemon.returns import Returns
from daemon.runners.base import Painted
from daemon.scanner import look
from daemon.settings import PaintSettings, Settings
from daemon.share import Share, make_share
from daemon.staying import copy_in
from daemon.workplace import JOBS
from tests.daemon.standins import picture
from tests.daemon.test_service import QUICK, House

KINDS = {"one": ["a.jpg"], "pair": ["a.jpg", "a.style.jpg"], "folder": ["content.jpg", "style.jpg"]}
Meddle = Callable[[Path], None]


@pytest.fixture
def far(share: Share) -> Iterator[Share]:
    """A share whose originals and failed photos lie on another device."""
    memory = Path("/dev/shm")  # noqa: S108 - wanted for being another device
    if not memory.is_dir() or memory.stat().st_dev == share.root.stat().st_dev:
        pytest.skip("needs /dev/shm on another device than the temporary folder")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for name in ("Originals", "Failed"):
            Path(folder, name).mkdir()
        yield replace(share, originals=Path(folder, "Originals"), failed=Path(folder, "Failed"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as opened:
        yield opened


@contextmanager
def meddling(meddle: Meddle) -> Iterator[None]:
    """Once, when the first thing that is copied is about to be removed."""
    remove, done = copying.remove_copied, list[Path]()

    def meddle_and_remove(source: Path, copied: Sequence[Copied], *more: Any) -> None:
        if not done:
            done.append(source)
            meddle(source)
        remove(source, copied, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "remove_copied", meddle_and_remove)
        yield
    assert done


def change(path: Path) -> None:
    """As who had it open before it was taken; later than any clock of a disk can hide."""
    path.write_bytes(b"changed")
    os.utime(path, (2_000_000_000, 2_000_000_000))


def taken(share: Share, kind: str, bring: Any = None) -> tuple[Candidate, Claim]:
    folder = share.inbox / "Waves" / ("Party" if kind == "folder" else "")
    folder.mkdir(parents=True, exist_ok=True)
    for name in KINDS[kind]:
        (folder / name).write_bytes(name.encode())
    styles = {"Waves": share.styles / "Waves.jpg"}
    (candidate,) = pair(look(share.inbox), styles, None).candidates
    return candidate, claims.take(candidate, share, "job", bring)


def started(share: Share, journal: Journal, kind: str) -> Job:
    candidate, claim = taken(share, kind)
    journal.add(new_job(candidate, claim, "{}"))
    return journal.start("job")


def tree(share: Share) -> dict[str, bytes]:
    """All that people see, but our notes."""
    tops = {"in": share.inbox, "kept": share.originals, "failed": share.failed, "out": share.outbox}
    return {
        f"{name}/{path.relative_to(top)}": path.read_bytes()
        for name, top in tops.items()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not path.name.endswith(".txt")
    }


def painted() -> Painted:
    return Painted("job", b"picture", ".jpg", {})


class TestWhereItBelongs:
    """A photo that was changed is a new one; all else follows its photo."""

    def end(self, share: Share, journal: Journal, kind: str, way: str, meddle: Meddle) -> list[Any]:
        job = started(share, journal, kind)
        endings = Endings(share, journal, lambda: 0.0)
        with meddling(meddle), capture_logs() as logs:
            if way == "done":
                endings.painted(job, painted())
            else:
                endings.failed(job, "It blew up.")
        assert journal.get("job").state is JobState(way)
        assert (endings.pending, endings.returns.pending) == (0, 0)
        assert claims.find_claims(share) == []
        told = [line for line in logs if line["event"].startswith("claim.")]
        assert [line["event"] for line in told] == ["claim.left_over", "claim.returned"]
        return told

    @pytest.mark.parametrize("way", ["done", "failed"])
    def test_a_photo_that_was_changed_is_to_be_painted(
        self, far: Share, journal: Journal, way: str
    ) -> None:
        told = self.end(far, journal, "one", way, change)
        top, out = ("kept", {"out/Waves/a.jpg": b"picture"}) if way == "done" else ("failed", {})
        mine = {"in/Waves/a.jpg": b"changed", f"{top}/Waves/a.jpg": b"a.jpg"}
        assert tree(far) == {**mine, **out}
        assert told[0]["files"] == ["a.jpg"]
        assert told[1]["photos"] == [str(far.inbox / "Waves/a.jpg")]
        where = journal.get("job").kept
        assert where == (far.originals if way == "done" else far.failed) / "Waves/a.jpg"

    @pytest.mark.parametrize("way", ["done", "failed"])
    def test_a_photo_in_a_folder_that_was_changed_is_to_be_painted(
        self, far: Share, journal: Journal, way: str
    ) -> None:
        self.end(far, journal, "folder", way, lambda folder: change(folder / "content.jpg"))
        top = "kept" if way == "done" else "failed"
        found = tree(far)
        assert found["in/Waves/Party/content.jpg"] == b"changed"
        assert found[f"{top}/Waves/Party/content.jpg"] == b"content.jpg"
        assert found[f"{top}/Waves/Party/style.jpg"] == b"style.jpg"

    @pytest.mark.parametrize("way", ["done", "failed"])
    @pytest.mark.parametrize("late", ["late.jpg", "deep/late.txt", "style.jpg"])
    def test_what_was_added_to_a_folder_follows_it(
        self, far: Share, journal: Journal, way: str, late: str
    ) -> None:
        def add(folder: Path) -> None:
            (folder / late).parent.mkdir(exist_ok=True)
            change(folder / late)

        self.end(far, journal, "folder", way, add)
        top = far.originals if way == "done" else far.failed
        assert (top / "Waves/Party (2)" / late).read_bytes() == b"changed"
        assert (top / "Waves/Party/style.jpg").read_bytes() == b"style.jpg"
        assert look(far.inbox).files == ()

    @pytest.mark.parametrize("way", ["done", "failed"])
    def test_a_style_that_was_changed_follows_its_photo(
        self, far: Share, journal: Journal, way: str
    ) -> None:
        move, moved = files.move_new, list[Path]()

        def move_and_meddle(source: Path, *more: Any) -> Path:
            moved.append(source)
            with meddling(change) if len(moved) == 1 else contextlib.nullcontext():
                return move(source, *more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "move_new", move_and_meddle)
            job = started(far, journal, "pair")
            endings = Endings(far, journal, lambda: 0.0)
            if way == "done":
                endings.painted(job, painted())
            else:
                endings.failed(job, "It blew up.")
        top = far.originals if way == "done" else far.failed
        assert [path.name for path in moved] == ["a.style.jpg"] * 2
        assert (top / "Waves/a.jpg").read_bytes() == b"a.jpg"
        assert (top / "Waves/a.style (2).jpg").read_bytes() == b"changed"

    def test_one_that_was_only_touched_is_the_one_that_was_kept(
        self, far: Share, journal: Journal
    ) -> None:
        job = started(far, journal, "one")
        endings = Endings(far, journal, lambda: 0.0)
        with meddling(lambda path: os.utime(path, (5, 5))):
            endings.painted(job, painted())
        assert tree(far) == {"kept/Waves/a.jpg": b"a.jpg", "out/Waves/a.jpg": b"picture"}
        assert claims.find_claims(far) == []

    def test_of_a_photo_that_stays_in_the_inbox_the_copy_is_kept(self, far: Share) -> None:
        candidate, claim = taken(far, "one", copy_in)
        with meddling(change):
            publishing.keep_original(far, claim, candidate.relative)
        Returns(far, lambda: 0.0).put_rest_back("job", candidate.relative)
        kept = {"kept/Waves/a.jpg": b"a.jpg", "kept/Waves/a (2).jpg": b"changed"}
        assert tree(far) == {"in/Waves/a.jpg": b"a.jpg", **kept}


class TestTroubleMeanwhile:
    """A kill, a journal that takes nothing, a full disk: the next try knows what it is."""

    def left(self, share: Share, journal: Journal) -> Job:
        """Ended, and killed before the rest was put back."""
        job = started(share, journal, "one")
        with meddling(change), pytest.MonkeyPatch.context() as patch:
            patch.setattr(Returns, "put_rest_back", lambda *_: None)
            Endings(share, journal, lambda: 0.0).painted(job, painted())
        assert claims.find_claims(share) == ["job"]
        return job

    def result(self) -> dict[str, bytes]:
        kept = {"kept/Waves/a.jpg": b"a.jpg", "out/Waves/a.jpg": b"picture"}
        return {"in/Waves/a.jpg": b"changed", **kept}

    @pytest.mark.parametrize("lost", [False, True])
    def test_after_a_kill_a_changed_photo_goes_to_the_inbox(
        self, far: Share, journal: Journal, tmp_path: Path, *, lost: bool
    ) -> None:
        self.left(far, journal)
        with closing(Journal(tmp_path / "new.sqlite", lambda: 1.0)) as new:
            known = new if lost else journal
            recover(far, known, Endings(far, known, lambda: 0.0), 3, lambda: False)
        assert tree(far) == self.result()
        assert claims.find_claims(far) == []

    def test_a_kill_on_its_way_to_the_inbox_does_not_make_it_an_original(
        self, far: Share, journal: Journal
    ) -> None:
        self.left(far, journal)

        class KilledError(BaseException):
            pass

        def kill(*_: Any) -> None:
            raise KilledError

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "move_exactly", kill)
            with pytest.raises(KilledError):
                claims.put_back(far, "job")
        recover(far, journal, Endings(far, journal, lambda: 0.0), 3, lambda: False)
        assert tree(far) == self.result()

    def test_a_disk_that_takes_nothing_does_not_make_it_an_original(
        self, far: Share, journal: Journal
    ) -> None:
        job = self.left(far, journal)
        now = [0.0]
        returns = Returns(far, lambda: now[0])

        def refuse(*_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.MonkeyPatch.context() as patch, capture_logs() as logs:
            patch.setattr(files, "move_exactly", refuse)
            returns.put_rest_back("job", job.relative)
        assert [line["event"] for line in logs] == ["claim.left_over", "claim.stuck"]
        assert (returns.pending, returns.is_news) == (1, False)
        now[0] = 100.0
        returns.retry()
        assert returns.pending == 0
        assert tree(far) == self.result()

    def test_a_journal_that_takes_nothing_does_not_make_it_an_original(
        self, far: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The photo is out of its claim then, and must not be moved a second time."""
        job = started(far, journal, "one")
        now, finish = [0.0], Journal.finish

        def refuse(*_: Any) -> Job:
            raise JournalError("The disk is full.")

        monkeypatch.setattr(Journal, "finish", refuse)
        endings = Endings(far, journal, lambda: now[0])
        with meddling(change):
            endings.painted(job, painted())
        assert endings.pending == 1
        monkeypatch.setattr(Journal, "finish", finish)
        now[0] = 100.0
        endings.retry()
        assert (endings.pending, journal.get("job").kept) == (0, far.originals / "Waves/a.jpg")
        assert tree(far) == self.result()

    def test_what_nobody_can_look_into_is_tried_again(
        self, far: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = self.left(far, journal)
        now = [0.0]
        returns = Returns(far, lambda: now[0])

        def refuse(*_: Any) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        with monkeypatch.context() as patch:
            patch.setattr("daemon.returns.remains", refuse)
            returns.put_rest_back("job", job.relative)
        assert returns.pending == 1
        now[0] = 100.0
        returns.retry()
        assert tree(far) == self.result()


def test_a_stop_after_all_has_left_does_not_make_what_was_changed_an_original(
    far: Share, journal: Journal, tmp_path: Path
) -> None:
    """Not even when the next start has lost the journal: where it belongs is written down first."""
    job, leave, has_left = started(far, journal, "one"), departure.leave, False

    def tick() -> None:
        if has_left:
            raise StoppedError("The program is being stopped.")

    def leave_and_stop(*args: Any, **more: Any) -> list[Path]:
        nonlocal has_left
        where = leave(*args, **more)
        has_left = True
        return where

    with meddling(change), pytest.MonkeyPatch.context() as patch:
        patch.setattr(departure, "leave", leave_and_stop)
        Endings(far, journal, lambda: 0.0, tick=tick).painted(job, painted())
    assert claims.find_claims(far) == ["job"]
    assert "in/Waves/a.jpg" not in tree(far)
    with closing(Journal(tmp_path / "new.sqlite", lambda: 1.0)) as new:
        recover(far, new, Endings(far, new, lambda: 0.0), 3, lambda: False)
    kept = {"kept/Waves/a.jpg": b"a.jpg", "out/Waves/a.jpg": b"picture"}
    assert tree(far) == {"in/Waves/a.jpg": b"changed", **kept}
    assert claims.find_claims(far) == []


@pytest.fixture
def torn(share: Share, far: Share) -> Share:
    """A share of which nothing lies on the device of the work folder."""
    away = replace(far, work=share.work, inbox=far.originals.parent / "Inbox")
    away.inbox.mkdir()
    return away


@pytest.mark.parametrize("what", ["folders", "film"])
def test_a_stop_at_any_moment_of_putting_a_rest_back_loses_nothing(
    torn: Share, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Of folders there may be any number, and what was changed may be of any size."""
    monkeypatch.setattr(copying, "_BLOCK", 100)
    is_film = what == "film"
    rest = "in/Waves/Party/content.jpg" if is_film else "kept/Waves/Party (2)/a/late.jpg"

    def meddle(folder: Path) -> None:
        (folder / "a/b/c").mkdir(parents=True)
        (folder / ("content.jpg" if is_film else "a/late.jpg")).write_bytes(bytes(1000))

    def go(stops_at: int) -> tuple[int, bool]:
        """End a job, and put its rest back until somebody wants a stop; how often that ticked."""
        calls = 0

        def tick() -> None:
            nonlocal calls
            calls += 1
            if calls >= stops_at > 0:
                raise StoppedError("The program is being stopped.")

        candidate, claim = taken(torn, "folder")
        with meddling(meddle):
            publishing.keep_original(torn, claim, candidate.relative)
        returns = Returns(torn, lambda: 0.0, tick=tick)
        returns.put_rest_back("job", candidate.relative)
        return calls, returns.pending == 1

    def clear() -> None:
        """As the next start does."""
        for job_id in claims.find_claims(torn):
            claims.put_back(torn, job_id)
        kept = {f"kept/Waves/Party/{name}": name.encode() for name in KINDS["folder"]}
        assert tree(torn) == {rest: bytes(1000), **kept}
        assert claims.find_claims(torn) == []
        shutil.rmtree(torn.originals / "Waves")
        shutil.rmtree(torn.inbox / "Waves")

    calls, was_stopped = go(0)
    assert (was_stopped, calls > 10) == (False, True)
    clear()
    for stops_at in range(1, calls + 1):
        assert go(stops_at)[1]
        clear()


def test_what_is_changed_while_it_is_put_back_follows(share: Share, far: Share) -> None:
    """The inbox is on another device than the work folder: a copy, too."""
    away = replace(share, work=far.originals)
    (away.work / JOBS).mkdir(mode=0o700)
    candidate, _claim = taken(away, "one")
    now = [0.0]
    returns = Returns(away, lambda: now[0])
    with meddling(change):
        assert not returns.put_back("job")
    assert tree(share) == {"in/Waves/a.jpg": b"a.jpg"}
    assert "it follows in a moment" in returns.why
    now[0] = 100.0
    returns.retry()
    assert tree(share) == {"in/Waves/a.jpg": b"a.jpg", "in/Waves/a (2).jpg": b"changed"}
    assert claims.find_claims(away) == []
    assert candidate.content.path.exists()


class TestEmptyFolders:
    """Of a folder that was copied, folders may stay that nobody may remove: they go nowhere."""

    @pytest.fixture
    def claim(self, share: Share) -> Path:
        folder = claim_folder(share, "job")
        (folder / "Party/deep/deeper").mkdir(parents=True)
        (folder / "Party/deep").chmod(0o555)
        (folder / claim_content.ORIGIN).write_bytes(b"Waves")
        return folder

    def test_they_are_removed(self, share: Share, claim: Path) -> None:
        assert claim_content.remains(claim) == []
        claims.end(claim, share)
        assert claims.find_claims(share) == []

    def test_what_comes_at_that_moment_stays(
        self, claim: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remove = copying.remove_copied

        def meddle_and_remove(source: Path, copied: Sequence[Copied], *more: Any) -> None:
            (claim / "Party/deep/deeper/late.jpg").write_bytes(b"late")
            remove(source, copied, *more)

        monkeypatch.setattr(copying, "remove_copied", meddle_and_remove)
        assert claim_content.remains(claim) == [claim / "Party"]
        assert (claim / "Party/deep/deeper/late.jpg").exists()

    def test_one_that_may_not_be_removed_is_not_put_into_the_inbox_again_and_again(
        self, share: Share, claim: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("daemon.halfway.remove_found", refuse)
        returns = Returns(share, lambda: 0.0)
        returns.put_rest_back("job", Path("Waves/Party/content.jpg"))
        assert returns.pending == 0
        assert list(share.inbox.iterdir()) == []
        assert claim.is_dir()

    def test_a_link_or_what_cannot_be_read_is_something(self, claim: Path) -> None:
        (claim / "Party/deep").chmod(0o755)
        (claim / "Party/deep/link").symlink_to("deeper")
        assert claim_content.remains(claim) == [claim / "Party"]


def test_the_service_paints_a_photo_that_was_changed_while_its_original_was_kept(
    far: Share, tmp_path: Path
) -> None:
    """Nobody has to start it again for that, and one that runs once waits for it."""
    make_share(far)
    with closing(Journal(tmp_path / "state/journal.sqlite", time.time)) as journal:
        house = House(far, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))
        (house.style() / "a.jpg").write_bytes(picture())

        def change_it(path: Path) -> None:
            path.write_bytes(picture((1, 1, 1)))
            os.utime(path, (1_500_000_000, 1_500_000_000))

        with meddling(change_it):
            assert house.once() is ExitCode.OK
    assert house.files(far.originals) == ["Waves/a (2).jpg", "Waves/a.jpg"]
    assert house.files(far.outbox) == ["Waves/a (2).jpg", "Waves/a.jpg"]
    assert house.files(far.inbox) == []
    assert (far.originals / "Waves/a (2).jpg").read_bytes() == picture((1, 1, 1))
    assert len(house.said("claim.left_over")) == 1
    assert claims.find_claims(far) == []


def test_a_claim_that_cannot_be_trusted_is_told_of(share: Share, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine").write_bytes(b"mine")
    claim_folder(share, "job").symlink_to(tmp_path / "elsewhere")
    returns = Returns(share, lambda: 0.0)
    returns.put_rest_back("job", Path("a.jpg"))
    assert returns.pending == 1
    assert "is a link" in returns.why
    with pytest.raises(ClaimStuckError):
        claims.put_back(share, "job")
    assert (tmp_path / "elsewhere/mine").exists()


def test_a_plan_that_is_out_still_sends_an_unknown_claim_to_the_originals(far: Share) -> None:
    """What was never copied is no rest: only the journal has gone."""
    _candidate, claim = taken(far, "one")
    plan = intention.intend(far.outbox / "a.jpg", b"picture")
    intention.remember(claim.folder, plan)
    plan.path.write_bytes(b"picture")
    claims.put_back(far, "job")
    assert tree(far) == {"kept/Waves/a.jpg": b"a.jpg", "out/a.jpg": b"picture"}
