"""A photo that cannot be taken out of the inbox is painted once, and moved when it can be."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, BinaryIO

import pytest
from structlog.testing import capture_logs

from daemon import adoption, claims, copying, files, halfway, intention, keepsakes, publishing
from daemon.copying import Copied
from daemon.errors import ClaimStuckError, ExitCode, JournalError, ShareAwayError
from daemon.intake import Intake
from daemon.jobs import new_job
from daemon.journal import Journal
from daemon.names import INBOX_NOTE
from daemon.pairing import Candidate, pair
from daemon.pulse import Tick
from daemon.returns import Returns
from daemon.runners.base import Failed
from daemon.scanner import Look, look
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from daemon.staying import Staying, copy_in, stays_of
from daemon.workplace import JOBS
from tests.daemon.modes import bound_by_modes, shut
from tests.daemon.standins import paint, picture
from tests.daemon.test_service import QUICK, House, refuse

HELD = [errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.02)
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        yield House(share, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))


@contextmanager
def holding(house: House, number: int = errno.EACCES, only: str = "") -> Iterator[None]:
    """Nothing can be moved out of the inbox, or only one file cannot."""
    move = files.move_exactly

    def refuse(source: Path, target: Path, tick: Tick) -> None:
        if target.is_relative_to(house.share.work) and only in {"", target.name}:
            raise OSError(number, os.strerror(number), str(source))
        move(source, target, tick)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "move_exactly", refuse)
        yield


def painted(house: House) -> int:
    return sum(len(runner.requests) for runner in house.runners)


def remembered(house: House) -> int:
    # SQLite's connections belong to the threads that made them.
    with closing(Journal(house.journal._path, time.time, read_only=True)) as reader:
        return len(reader.staying())


def have_left(house: House) -> bool:
    """Whether all photos are where they belong; a stop before that is heard in the midst of it."""
    return not photos_in(house) and not remembered(house)


def run_for_a_while(house: House, looks: int = 10) -> None:
    """Run a service until it has looked into the inbox so often, twenty times a second at most."""
    seen, look_once = list[None](), Intake.look

    def counted(intake: Intake) -> None:
        look_once(intake)
        seen.append(None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Intake, "look", counted)
        house.run_until(lambda: len(seen) >= looks)


@pytest.mark.parametrize("number", HELD)
def test_it_is_painted_once_also_after_a_restart_and_moved_when_that_can_be_done(
    house: House, number: int
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house, number):
        house.run_until(lambda: house.states() == {"done": 1})
        assert len(house.said("photo.stays")) == 1
        run_for_a_while(house, 3)
        note = (house.share.inbox / INBOX_NOTE).read_text()
        assert "stay here because I cannot move them" in note
        assert str(Path("Waves/photo.jpg")) in note
        for _ in range(2):
            run_for_a_while(house)
        assert photo.read_bytes() == picture()
        assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
        assert house.files(house.share.originals) == ["Waves/photo.jpg"]
        assert (painted(house), house.states()) == (1, {"done": 1})
        assert claims.find_claims(house.share) == []
    house.run_until(lambda: have_left(house))
    run_for_a_while(house, 3)
    assert not (house.share.inbox / INBOX_NOTE).exists()
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert (painted(house), house.journal.staying()) == (1, [])
    assert claims.find_claims(house.share) == []


def test_the_copy_that_somebody_removed_is_not_missed(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
    shutil.rmtree(house.share.originals / "Waves")
    house.run_until(lambda: have_left(house))
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]


def test_one_that_is_changed_is_painted_again_and_one_that_goes_is_forgotten(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        photo.write_bytes(picture((1, 2, 3)) + b"\0")
        house.run_until(lambda: house.states() == {"done": 2})
        run_for_a_while(house)
        assert painted(house) == 2
        photo.unlink()
        house.run_until(lambda: not remembered(house))
    assert house.files(house.share.outbox) == ["Waves/photo (2).jpg", "Waves/photo.jpg"]


def test_a_run_that_ends_by_itself_forgets_one_that_has_gone(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        run_for_a_while(house, 3)
        assert (house.share.inbox / INBOX_NOTE).exists()
    photo.unlink()
    assert house.once() is ExitCode.OK
    assert remembered(house) == 0
    assert not (house.share.inbox / INBOX_NOTE).exists()


def test_a_failure_is_told_once_beside_the_copy(house: House) -> None:
    house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"failed": 1})
        run_for_a_while(house)
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    house.run_until(lambda: have_left(house))
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    assert (painted(house), house.states()) == (1, {"failed": 1})


def test_a_pair_and_a_folder_stay_whole(house: House) -> None:
    inbox = house.share.inbox
    (inbox / "b.jpg").write_bytes(picture())
    (inbox / "b.style.jpg").write_bytes(picture((9, 9, 9)))
    (inbox / "Party").mkdir()
    for name in ("content", "style"):
        (inbox / f"Party/{name}.jpg").write_bytes(picture())
    (inbox / "Party/job.toml").write_text("size = 64\n")
    mine = ["Party/content.jpg", "Party/job.toml", "Party/style.jpg", "b.jpg", "b.style.jpg"]
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 2})
        run_for_a_while(house)
        assert [name for name in house.files(inbox) if name != INBOX_NOTE] == mine
        assert house.files(house.share.originals) == mine
    house.run_until(lambda: have_left(house))
    assert house.files(house.share.originals) == mine
    assert house.files(house.share.outbox) == ["Party.jpg", "b.jpg"]
    assert painted(house) == 2


@pytest.mark.parametrize("when", ["before it is moved", "while it is removed"])
def test_a_link_that_is_added_to_a_folder_which_was_copied_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    party = house.share.inbox / "Party"
    party.mkdir()
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
    remove = halfway.remove_found

    def meddle_and_remove(part: Path, found: Sequence[Copied], tick: Tick) -> None:
        (part / "link").symlink_to("somewhere")
        remove(part, found, tick)

    if when == "before it is moved":
        (party / "link").symlink_to("somewhere")
    else:
        monkeypatch.setattr(halfway, "remove_found", meddle_and_remove)
    house.run_until(lambda: not remembered(house))
    run_for_a_while(house, 3)
    kept = [path for path in house.share.root.rglob("*") if path.is_symlink()]
    moved = "Originals/Party (2)/link" if when == "before it is moved" else "Inbox/Party/link"
    assert kept == [house.share.root / moved]
    assert (painted(house), claims.find_claims(house.share)) == (1, [])


def test_a_kill_after_the_copy_leaves_no_second_photo(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())

    with holding(house), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "add", die)
        with pytest.raises(KilledError):
            house.service(once=False).run()
    assert len(claims.find_claims(house.share)) == 1
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert painted(house) == 1


def test_a_work_disk_without_room_for_the_copy_is_no_reason_to_forget_it(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())

    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with holding(house):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("daemon.copying.copy_whole", refuse)
            run_for_a_while(house, 16)
        assert house.states() == {}
        assert claims.find_claims(house.share) == []
        house.run_until(lambda: house.states() == {"done": 1})
    assert painted(house) == 1


class KilledError(BaseException):
    """The program ends here."""


def die(*_args: Any, **_more: Any) -> None:
    raise KilledError


def photos_in(house: House) -> list[str]:
    return [name for name in house.files(house.share.inbox) if name != INBOX_NOTE]


def half(number: int) -> Callable[..., None]:
    """A copy that breaks off after some bytes."""

    def copy(source: int, target: BinaryIO, _tick: Tick) -> None:
        target.write(os.read(source, 100))
        raise OSError(number, os.strerror(number)) if number else KilledError

    return copy


@pytest.mark.parametrize("where", ["photo.jpg", "deep/photo.jpg"])
def test_a_kill_after_the_copy_out_of_a_closed_folder(house: House, where: str) -> None:
    photo = house.style() / where
    photo.parent.mkdir(exist_ok=True)
    photo.write_bytes(picture())
    with shut(photo.parent):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "add", die)
            with pytest.raises(KilledError):
                house.service(once=False).run()
        assert len(claims.find_claims(house.share)) == 1
        house.run_until(lambda: house.states() == {"done": 1})
        run_for_a_while(house)
        assert photos_in(house) == [f"Waves/{where}"]
    assert (painted(house), claims.find_claims(house.share)) == (1, [])
    assert house.files(house.share.originals) == [f"Waves/{where}"]


def test_a_work_disk_that_fills_up_leaves_no_half_of_a_photo(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with shut(photo.parent):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(copying, "copy_bytes", half(errno.ENOSPC))
            run_for_a_while(house, 16)
            assert house.said("claim.failed")
        assert (house.states(), claims.find_claims(house.share)) == ({}, [])
        assert photos_in(house) == ["Waves/photo.jpg"]
        house.run_until(lambda: house.states() == {"done": 1})
        assert photos_in(house) == ["Waves/photo.jpg"]
    assert painted(house) == 1
    assert (house.share.originals / "Waves/photo.jpg").read_bytes() == picture()


def test_half_of_a_copy_is_no_photo_also_when_the_photo_has_gone(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with shut(photo.parent), pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "copy_bytes", half(0))
        with pytest.raises(KilledError):
            house.service(once=False).run()
    assert len(claims.find_claims(house.share)) == 1
    photo.unlink()
    assert house.once() is ExitCode.OK
    assert (photos_in(house), claims.find_claims(house.share)) == ([], [])
    assert painted(house) == 0


def test_why_a_photo_cannot_be_taken_stands_in_the_status(house: House) -> None:
    (house.style() / "photo.jpg").write_bytes(picture())
    service = house.service(once=False)
    with holding(house):
        intake, told = service._intake, list[str]()
        hold_on = intake._troubles.hold

        def hold(*args: Any) -> None:
            hold_on(*args)
            told.append(service._condition.in_the_way())
            service.stop("the test")

        intake._troubles.hold = hold  # type: ignore[method-assign]
        service.run()
    assert "Waves/photo.jpg could not be taken (Permission denied)" in told[0]


def test_a_folder_job_that_is_closed_itself_is_painted_once(house: House) -> None:
    party = house.share.inbox / "Party"
    party.mkdir()
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    with shut(party):
        house.run_until(lambda: house.states() == {"done": 1})
        run_for_a_while(house)
    assert painted(house) == 1
    assert house.files(house.share.originals) == ["Party/content.jpg", "Party/style.jpg"]


def test_a_folder_job_with_a_file_that_may_not_be_read_is_not_taken_where_it_must_be_copied(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be painted, and then lie in the work folder for ever."""
    party = house.share.inbox / "Party"
    party.mkdir()
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    (party / "diary.txt").write_text("mine")
    monkeypatch.setattr(claims, "_is_divided", lambda *_where: True)
    (party / "diary.txt").chmod(0)
    with bound_by_modes():
        house.run_until(lambda: house.states() == {"done": 1})
        assert [line["files"] for line in house.said("copy.left_out")] == [["diary.txt"]]
        run_for_a_while(house)
        assert house.files(house.share.originals) == ["Party/content.jpg", "Party/style.jpg"]
        assert (painted(house), claims.find_claims(house.share)) == (1, [])
    (party / "diary.txt").chmod(0o644)
    house.run_until(lambda: have_left(house))
    assert (house.share.originals / "Party (2)/diary.txt").read_text() == "mine"
    assert painted(house) == 1


def test_a_folder_job_with_a_closed_folder_in_it_is_painted_where_it_must_be_copied(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = house.share.inbox / "Party"
    (party / "@eaDir").mkdir(parents=True)
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    (party / "@eaDir/thumb").write_bytes(b"junk")
    monkeypatch.setattr(claims, "_is_divided", lambda *_where: True)
    (party / "@eaDir").chmod(0)
    with bound_by_modes():
        house.run_until(lambda: house.states() == {"done": 1})
        assert [line["files"] for line in house.said("copy.left_out")] == [["@eaDir"]]
        assert house.files(house.share.originals) == ["Party/content.jpg", "Party/style.jpg"]
    (party / "@eaDir").chmod(0o755)
    assert painted(house) == 1


def test_a_moment_without_memory_while_it_is_moved_leaves_it_where_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    usual, left = claims.as_taken, [MemoryError()]

    def as_taken(*arguments: Any) -> claims.Claim:
        if left:
            raise left.pop()
        return usual(*arguments)

    with holding(house, errno.EACCES):
        house.run_until(lambda: house.states() == {"done": 1})
    monkeypatch.setattr(claims, "as_taken", as_taken)
    house.run_until(lambda: not left and remembered(house) == 0)
    run_for_a_while(house, 3)
    assert (left, painted(house), house.states()) == ([], 1, {"done": 1})
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert claims.find_claims(house.share) == []


def test_a_folder_that_cannot_be_read_for_a_while_hides_no_photo(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with shut(photo.parent):
        house.run_until(lambda: house.states() == {"done": 1})
        with shut(photo.parent, 0):
            run_for_a_while(house, 4)
            assert remembered(house) == 1
        photo.parent.chmod(0o555)
        run_for_a_while(house)
        assert remembered(house) == 1
    assert (painted(house), house.states()) == (1, {"done": 1})


def test_a_result_that_is_out_is_known_to_a_new_journal(house: House, tmp_path: Path) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with shut(photo.parent):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "published", die)
            with pytest.raises(KilledError):
                house.service(once=False).run()
        assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
        with closing(Journal(tmp_path / "new" / "journal.sqlite", time.time)) as journal:
            other = House(house.share, journal, house.settings)
            run_for_a_while(other)
            assert (painted(other), other.states(), remembered(other)) == (0, {"done": 1}, 1)
        assert photos_in(house) == ["Waves/photo.jpg"]
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]


@contextmanager
def journal_lost(house: House, folder: Path) -> Iterator[House]:
    """The same share, with a journal that knows of nothing."""
    with closing(Journal(folder / "journal.sqlite", time.time)) as journal:
        yield House(house.share, journal, house.settings)


@pytest.mark.parametrize("kind", ["photo", "pair", "folder"])
def test_one_that_was_painted_is_known_to_a_new_journal_and_to_the_next(
    house: House, tmp_path: Path, kind: str
) -> None:
    names = {
        "photo": ["Waves/photo.jpg"],
        "pair": ["a.jpg", "a.style.jpg"],
        "folder": ["Waves/Party/content.jpg", "Waves/Party/style.jpg"],
    }[kind]
    house.style()
    for name in names:
        (house.share.inbox / name).parent.mkdir(exist_ok=True)
        (house.share.inbox / name).write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        results = house.files(house.share.outbox)
        for number in range(2):
            with journal_lost(house, tmp_path / f"new-{number}") as other:
                run_for_a_while(other)
                assert (painted(other), other.states(), remembered(other)) == (0, {"done": 1}, 1)
                (job,) = other.journal.staying()
                assert job.result == house.share.outbox / results[0]
        assert photos_in(house) == house.files(house.share.originals) == names
    with journal_lost(house, tmp_path / "last") as other:
        other.run_until(lambda: have_left(other))
        run_for_a_while(other, 3)
        assert (painted(other), remembered(other)) == (0, 0)
    assert house.files(house.share.originals) == names
    assert house.files(house.share.outbox) == results
    assert keepsakes.find_kept(house.share) == claims.find_claims(house.share) == []


def test_one_that_failed_is_known_to_a_new_journal(house: House, tmp_path: Path) -> None:
    house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"failed": 1})
        with journal_lost(house, tmp_path / "new") as other:
            run_for_a_while(other)
            assert (painted(other), other.states()) == (0, {"failed": 1})
            (job,) = other.journal.staying()
            assert job.error == adoption._FAILED.format("Failed")
    with journal_lost(house, tmp_path / "last") as other:
        other.run_until(lambda: have_left(other))
        run_for_a_while(other, 3)
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    assert house.files(house.share.outbox) == keepsakes.find_kept(house.share) == []


@pytest.mark.parametrize("way", ["moved", "removed", "changed"])
def test_what_has_left_is_a_new_photo_when_it_comes_again_whatever_the_journal_knows(
    house: House, tmp_path: Path, way: str
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    status = photo.stat()
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        assert len(keepsakes.find_kept(house.share)) == 1
        if way == "removed":
            photo.unlink()
            house.run_until(lambda: not remembered(house))
        elif way == "changed":
            photo.write_bytes(picture((1, 2, 3)) + b"\0")
            house.run_until(lambda: house.states() == {"done": 2} and remembered(house) == 1)
            photo.unlink()
            house.run_until(lambda: not remembered(house))
    house.run_until(lambda: have_left(house))
    assert keepsakes.find_kept(house.share) == []
    photo.write_bytes(picture())
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    with journal_lost(house, tmp_path / "new") as other:
        other.run_until(lambda: other.states() == {"done": 1})
        assert painted(other) == 1


@pytest.mark.parametrize("end", ["painted", "failed", "killed"])
def test_what_goes_while_its_copy_waits_is_a_new_photo_when_it_comes_again(
    house: House, tmp_path: Path, end: str
) -> None:
    alone = Alone(house, is_over=False)
    (candidate,), share = alone.candidates, house.share
    photo, result = candidate.content.path, share.outbox / "photo.jpg"
    status, data = photo.stat(), photo.read_bytes()
    plan = intention.intend(result, b"painted")
    alone.update(alone.seen)
    photo.unlink()
    alone.update(look(share.inbox))
    if end == "killed":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "left", die)
            with pytest.raises(KilledError):
                alone.update(look(share.inbox))
    else:
        assert alone.update(look(share.inbox)) == 0
    if end == "failed":
        publishing.fail(share, alone.claim, candidate.relative, "It blew up.")
    else:
        intention.remember(alone.claim.folder, plan)
        result.write_bytes(b"painted")
    if end == "painted":
        publishing.keep_original(share, alone.claim, candidate.relative)
    assert keepsakes.find_kept(share) == []
    photo.write_bytes(data)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    with journal_lost(house, tmp_path / "new") as other:
        other.run_until(lambda: other.states() == {"done": 1})
        assert painted(other) == 1
    kept = "Failed" if end == "failed" else "Originals"
    assert (share.root / kept / "Waves/photo.jpg").read_bytes() == data
    assert claims.find_claims(share) == keepsakes.find_kept(share) == []


def dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    """The program ends before a function does its work, or after it."""

    def die_over_it(*args: Any, **more: Any) -> None:
        if when == "after":
            function(*args, **more)
        raise KilledError

    return die_over_it


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "where",
    [
        "daemon.claims.take",
        "daemon.intention.remember",
        "daemon.publishing.publish_result",
        "daemon.journal.Journal.published",
        "daemon.departure.leave",
        "daemon.claims.end",
        "daemon.keepsakes.keep",
        "daemon.publishing.keep_original",
        "daemon.journal.Journal.finish",
    ],
)
def test_a_kill_and_a_lost_journal_together_make_no_second_result(
    house: House, tmp_path: Path, where: str, when: str
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with shut(photo.parent):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(where, dying(resolve_name(where.replace(".Journal.", ":Journal.")), when))
            with pytest.raises(KilledError):
                house.service(once=False).run()
        with journal_lost(house, tmp_path / "new") as other:
            other.run_until(lambda: other.states() == {"done": 1})
            run_for_a_while(other)
            assert remembered(other) == 1
        assert photos_in(house) == ["Waves/photo.jpg"]
        assert claims.find_claims(house.share) == []
        assert len(keepsakes.find_kept(house.share)) == 1
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]


def test_a_keepsake_that_the_disk_has_spoilt_is_let_go(house: House, tmp_path: Path) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        (spoilt,) = keepsakes.find_kept(house.share)
        (house.share.work / keepsakes.STAYING / spoilt / keepsakes.COPIED).write_bytes(b"")
        with journal_lost(house, tmp_path / "new") as other:
            other.run_until(lambda: other.states() == {"done": 1})
            assert painted(other) == 1  # nobody can know better
            (kept,) = keepsakes.find_kept(house.share)
            assert (house.share.work / keepsakes.STAYING / kept / keepsakes.COPIED).read_bytes()


def test_nothing_is_begun_while_nobody_can_say_what_was_painted(
    house: House, tmp_path: Path
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        with journal_lost(house, tmp_path / "new") as other:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("daemon.adoption._recorded", refuse)
                other.run_until(lambda: bool(other.said("service.trouble")))
                assert (painted(other), other.states()) == (0, {})
            run_for_a_while(other)
            assert (painted(other), other.states()) == (0, {"done": 1})


def test_one_whose_copy_failed_and_is_no_longer_in_failed_is_a_new_photo(house: House) -> None:
    house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"failed": 1})
    shutil.rmtree(house.share.failed / "Waves")
    house.answer = paint
    house.run_until(lambda: house.states() == {"failed": 1, "done": 1})
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert (photos_in(house), painted(house), remembered(house)) == ([], 2, 0)


def test_a_style_whose_copy_has_gone_is_not_removed_with_its_photo(house: House) -> None:
    (house.share.inbox / "b.jpg").write_bytes(picture())
    (house.share.inbox / "b.style.jpg").write_bytes(picture((9, 9, 9)))
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
    (house.share.originals / "b.style.jpg").unlink()
    house.run_until(lambda: have_left(house))
    kept = [path.read_bytes() for path in house.share.originals.rglob("*.style.jpg")]
    kept += [path.read_bytes() for path in house.share.originals.rglob("*.style (2).jpg")]
    kept += [path.read_bytes() for path in house.share.originals.rglob("* (2).style.jpg")]
    assert picture((9, 9, 9)) in kept
    assert painted(house) == 1


@pytest.mark.parametrize("when", ["taken", "put away"])
def test_one_in_a_claim_that_is_stuck_is_not_forgotten(house: House, when: str) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
    shutil.rmtree(house.share.originals / "Waves")
    take = claims.take

    def stuck(*_args: Any, **_more: Any) -> Any:
        raise ClaimStuckError("It is stuck.")

    def take_and_stick(*args: Any) -> Any:
        take(*args)
        stuck()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "put_back", stuck)
        if when == "taken":
            patch.setattr(claims, "take", take_and_stick)
        else:
            patch.setattr("daemon.publishing.keep_original", refuse)
        house.run_until(lambda: not photo.exists())
        for _ in range(2):  # after a restart too
            run_for_a_while(house)
            assert house.said("claim.stuck")
            assert (remembered(house), len(claims.find_claims(house.share))) == (1, 1)
    house.run_until(lambda: not remembered(house))
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert (photos_in(house), painted(house)) == ([], 1)
    assert claims.find_claims(house.share) == []


def test_it_is_known_at_once_whatever_the_journal_says_after_that(house: House) -> None:
    """A folder job that fails before it begins, while the journal takes nothing more."""
    party = house.share.inbox / "Party"
    party.mkdir()
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    (party / "job.toml").write_text("size = many\n")
    give_up, refused = Journal.given_up, list[str]()

    def refuse_some(journal: Journal, job_id: str, error: str) -> None:
        refused.append(job_id)
        if len(refused) <= 3:
            raise JournalError("The disk is away.")
        give_up(journal, job_id, error)

    with holding(house), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "given_up", refuse_some)
        house.run_until(lambda: house.states() == {"failed": 1})
        run_for_a_while(house)
    assert len(refused) > 3
    assert (painted(house), house.states(), remembered(house)) == (0, {"failed": 1}, 1)


def test_one_that_may_never_be_moved_holds_up_no_other(house: House) -> None:
    for name in ("a", "b", "c"):
        (house.style() / f"{name}.jpg").write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 3})
    with holding(house, only="a.jpg"):
        house.run_until(lambda: remembered(house) == 1)
        assert photos_in(house) == ["Waves/a.jpg"]
    assert painted(house) == 3


class Alone:
    """`Staying` by itself, with one photo that was painted from a copy, or waits for that."""

    def __init__(self, house: House, *, is_over: bool = True) -> None:
        self.house, self.now = house, 0.0
        photo = house.style() / "photo.jpg"
        photo.write_bytes(picture())
        self.seen = look(house.share.inbox)
        styles = {"Waves": house.share.styles / "Waves.jpg"}
        self.candidates = pair(self.seen, styles, None).candidates
        (candidate,) = self.candidates
        (house.share.work / JOBS).mkdir(mode=0o700)
        self.claim = claims.take(candidate, house.share, "job", copy_in)
        stays = stays_of(candidate, house.share.inbox)
        house.journal.add(new_job(candidate, self.claim, "{}", stays))
        if is_over:
            house.journal.published("job", house.share.outbox / "photo.jpg", {})
            house.journal.finish("job")
            shutil.rmtree(self.claim.folder)
        ids = (f"again-{number}" for number in count())
        self.returns = Returns(house.share, lambda: self.now)
        self.staying = Staying(
            house.share,
            house.journal,
            self.returns,
            make_id=lambda: next(ids),
            clock=lambda: self.now,
        )

    def update(self, seen: Look) -> int:
        self.staying.update(seen, ())
        return len(self.staying)


def test_it_is_forgotten_when_two_looks_in_a_row_have_missed_it(house: House) -> None:
    alone = Alone(house)
    inbox = house.share.inbox
    nothing, shut_off = Look(inbox, (), ()), Look(inbox, (), (), (inbox / "Waves",))
    for seen in (nothing, alone.seen, nothing, shut_off, shut_off, nothing, alone.seen, nothing):
        assert alone.update(seen) == 1
    assert alone.update(nothing) == 0
    assert house.journal.staying() == []


@pytest.mark.parametrize("state", ["done", "failed"])
@pytest.mark.parametrize("moment", ["before", "between"])
def test_none_is_moved_below_a_mount_point_whose_drive_has_gone(
    house: House, monkeypatch: pytest.MonkeyPatch, state: str, moment: str
) -> None:
    """Below it lies no copy, and it would look as if nobody had kept any."""
    alone, take, is_away = Alone(house), claims.take, moment == "before"
    if state == "failed":
        house.journal._database.execute("UPDATE jobs SET state = 'failed'")
    (house.share.originals / "Waves").mkdir()

    def expect() -> None:
        if is_away:
            raise ShareAwayError("The drive is away.")

    def take_and_unmount(*args: Any) -> Any:
        nonlocal is_away
        claim = take(*args)
        is_away = True
        return claim

    monkeypatch.setattr(alone.returns, "expect", expect)
    monkeypatch.setattr(claims, "take", take_and_unmount)
    try:
        alone.staying.update(alone.seen, alone.candidates)
    except ShareAwayError:
        assert moment == "before"
    assert house.files(house.share.originals) == house.files(house.share.failed) == []
    assert (len(alone.staying), alone.returns.pending) == (1, int(moment == "between"))
    monkeypatch.setattr(claims, "take", take)
    is_away, alone.now = False, 100.0
    alone.returns.retry()
    assert photos_in(house) == ["Waves/photo.jpg"]
    alone.staying.update(alone.seen, alone.candidates)
    where = house.share.originals if state == "done" else house.share.inbox
    assert house.files(where) == ["Waves/photo.jpg"]


def many(house: House, number: int) -> tuple[Alone, Look, tuple[Candidate, ...]]:
    """As many more photos that were painted from copies."""
    alone = Alone(house)
    for index in range(number):
        (house.share.inbox / f"Waves/{index}.jpg").write_bytes(picture())
    seen = look(house.share.inbox)
    candidates = pair(seen, {"Waves": house.share.styles / "Waves.jpg"}, None).candidates
    for index, one in enumerate(candidates):
        if one.content.path.name != "photo.jpg":
            claim = claims.as_taken(one, house.share.work / JOBS / str(index), str(index))
            job = new_job(one, claim, "{}", stays_of(one, house.share.inbox))
            house.journal.add(job)
            house.journal.published(job.id, house.share.outbox / "photo.jpg", {})
            house.journal.finish(job.id)
            alone.staying.add(job)
    return alone, seen, tuple(candidates)


def test_many_that_can_be_moved_or_are_gone_do_not_hold_up_the_loop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, seen, candidates = many(house, 5)
    move, left = claims.take, Journal.left

    def move_slowly(*args: Any) -> Any:
        alone.now += 0.6
        return move(*args)

    def leave_slowly(*args: Any) -> None:
        alone.now += 0.6
        left(*args)

    monkeypatch.setattr(claims, "take", move_slowly)
    alone.staying.update(seen, candidates)
    assert (len(alone.staying), alone.staying.restless) == (4, True)
    monkeypatch.setattr(Journal, "left", leave_slowly)
    nothing = Look(house.share.inbox, (), ())
    alone.update(nothing)
    assert (alone.update(nothing), alone.staying.restless) == (2, True)
    assert (alone.update(nothing), alone.staying.restless) == (0, False)


def test_files_of_one_job_that_have_become_several_photos_are_moved_all(house: House) -> None:
    """Somebody has put a third picture into the folder: it is no job any more."""
    party = house.style() / "Party"
    party.mkdir()
    for name in ("content", "style"):
        (party / f"{name}.jpg").write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        (party / "third.jpg").write_bytes(picture((1, 2, 3)))
        house.run_until(lambda: house.states() == {"done": 2})
    house.run_until(lambda: have_left(house))
    kept = ["Waves/Party/content.jpg", "Waves/Party/style.jpg", "Waves/Party/third.jpg"]
    assert house.files(house.share.originals) == kept
    assert (painted(house), remembered(house)) == (2, 0)


def test_pauses_of_folders_that_are_gone_are_forgotten(house: House) -> None:
    alone = Alone(house)
    with holding(house):
        alone.staying.update(alone.seen, alone.candidates)
    assert list(alone.staying._folders) == [house.share.inbox / "Waves"]
    alone.update(alone.seen)
    assert alone.staying._folders == {}


def test_originals_that_take_nothing_are_tried_later_and_later_and_told_of_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 1.0)
    alone, tries = Alone(house), list[float]()

    def refuse_it(*_args: Any) -> Path:
        tries.append(alone.now)
        return refuse()

    with capture_logs() as logs, pytest.MonkeyPatch.context() as patch:
        patch.setattr("daemon.publishing.keep_original", refuse_it)
        for second in range(32):
            alone.now = float(second)
            alone.staying.update(alone.seen, alone.candidates)
    assert tries == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
    told = [line["log_level"] for line in logs if line["event"] == "photo.not_moved"]
    assert told == ["warning", *["debug"] * 5]
    assert photos_in(house) == ["Waves/photo.jpg"]
    alone.now = 63.0
    alone.staying.update(alone.seen, alone.candidates)
    assert (photos_in(house), len(alone.staying)) == ([], 0)
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
