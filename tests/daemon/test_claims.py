"""Taking photos out of the inbox: all of a job's files or none, and only those that were seen."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import pytest

from daemon import claims, copying, files, intention, notes, publishing
from daemon.claim_folders import claim_folder
from daemon.claims import Claim
from daemon.copying import Copied
from daemon.errors import (
    ClaimError,
    ClaimHeldError,
    ClaimLostError,
    ClaimStuckError,
    StoppedError,
)
from daemon.pairing import Candidate, pair
from daemon.scanner import look
from daemon.share import Share
from daemon.workplace import JOBS
from tests.daemon.modes import bound_by_modes
from tests.daemon.mounting import drive, mount


@pytest.fixture
def share(share: Share) -> Share:
    (share.styles / "Waves.jpg").write_bytes(b"waves")
    (share.inbox / "Waves" / "Holiday").mkdir(parents=True)
    return share


@pytest.fixture
def far_share(share: Share) -> Iterator[Share]:
    """The same share with its work folder on another device."""
    memory = Path("/dev/shm")  # noqa: S108 - wanted for being another device
    if not memory.is_dir() or memory.stat().st_dev == share.root.stat().st_dev:
        pytest.skip("needs /dev/shm on another device than the temporary folder")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        Path(folder, JOBS).mkdir(mode=0o700)
        yield replace(share, work=Path(folder))


def drop(share: Share, **content: bytes) -> None:
    for name, data in content.items():
        path = share.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def candidate(share: Share) -> Candidate:
    """The only one there is."""
    styles = {"Waves": share.styles / "Waves.jpg"}
    (found,) = pair(look(share.inbox), styles, "Waves").candidates
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """All files below, hidden ones too."""
    paths = (Path(here, name) for here, _, names in os.walk(folder) for name in names)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def drop_unreadable(share: Share) -> None:
    """A folder job, out of which a file may be moved and not be read."""
    names = ("content.jpg", "style.jpg", "diary.txt")
    drop(share, **{f"Waves/Party/{name}": name.encode() for name in names})
    (share.inbox / "Waves/Party/diary.txt").chmod(0)


def refuse_to_take_what_cannot_be_read(share: Share) -> None:
    drop_unreadable(share)
    with bound_by_modes(), pytest.raises(ClaimHeldError, match="could not be taken"):
        claims.take(candidate(share), share, "job1")
    assert len(list((share.inbox / "Waves/Party").iterdir())) == 3
    assert claims.find_claims(share) == []


class TestTake:
    def test_a_photo_in_a_styles_folder(self, share: Share) -> None:
        drop(share, **{"Waves/Holiday/photo.jpg": b"photo"})
        claim = claims.take(candidate(share), share, "job1")
        folder = share.work / "jobs" / "job1"
        assert claim == Claim(
            "job1", folder, folder / "photo.jpg", share.styles / "Waves.jpg", None
        )
        assert claim.content.read_bytes() == b"photo"
        assert claim.loose_files == (claim.content,)
        assert claim.taken_folder is None
        assert tree(share.inbox) == {}
        assert claims.find_claims(share) == ["job1"]

    def test_a_pair(self, share: Share) -> None:
        drop(share, **{"photo.jpg": b"photo", "photo.style.png": b"style"})
        claim = claims.take(candidate(share), share, "job1")
        assert claim.style == claim.folder / "photo.style.png"
        assert claim.style.read_bytes() == b"style"
        assert claim.loose_files == (claim.content, claim.style)
        assert tree(share.inbox) == {}

    def test_a_folder_is_taken_whole(self, share: Share) -> None:
        drop(
            share,
            **{
                "Waves/Party/content.jpg": b"photo",
                "Waves/Party/style.jpg": b"style",
                "Waves/Party/job.toml": b"size = 99",
                "Waves/Party/remarks.txt": b"mine",
            },
        )
        claim = claims.take(candidate(share), share, "job1")
        assert claim.taken_folder == claim.folder / "Party"
        assert claim.overrides == claim.folder / "Party" / "job.toml"
        assert claim.content.read_bytes() == b"photo"
        assert tree(claim.folder / "Party").keys() == {
            "content.jpg", "style.jpg", "job.toml", "remarks.txt",
        }  # fmt: skip
        assert not (share.inbox / "Waves" / "Party").exists()

    def test_across_devices(self, far_share: Share) -> None:
        drop(far_share, **{"photo.jpg": b"photo", "photo.style.jpg": b"style"})
        os.utime(far_share.inbox / "photo.jpg", ns=(1, 1_234_567_890_123_456_789))
        claim = claims.take(candidate(far_share), far_share, "job1")
        assert claim.content.stat().st_mtime_ns == 1_234_567_890_123_456_789
        assert tree(far_share.inbox) == {}

    @pytest.mark.parametrize("mounted", ["Inbox", "Inbox/Waves", "Originals", "Originals/Waves"])
    def test_a_folder_that_must_be_copied_from_mount_to_mount_is_read_before(
        self, share: Share, tmp_path: Path, mounted: str
    ) -> None:
        """Two mounts of one file system have one device, and a rename between them is refused."""
        (share.originals / "Waves").mkdir()
        with drive(tmp_path / "disk") as disk:
            shutil.copytree(share.root, disk.folder, dirs_exist_ok=True)
            mount("--bind", str(disk.folder), str(share.root))
            mount("--bind", str(disk.folder / mounted), str(share.root / mounted))
            try:
                refuse_to_take_what_cannot_be_read(share)
            finally:
                subprocess.run(["umount", "-R", str(share.root)], check=True)

    @pytest.mark.parametrize("away", ["inbox", "work", "originals", "failed"])
    def test_of_a_mount_of_its_own_the_kernel_is_asked(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, away: str
    ) -> None:
        other = getattr(share, away)
        monkeypatch.setattr(claims, "mount_of", lambda folder: (1, 29 if folder == other else 30))
        refuse_to_take_what_cannot_be_read(share)

    def test_a_folder_that_is_renamed_need_not_be_read(self, share: Share) -> None:
        drop_unreadable(share)
        with bound_by_modes():
            claims.take(candidate(share), share, "job1")
        assert claims.find_claims(share) == ["job1"]

    def test_the_note_that_was_dragged_along_goes_away(self, share: Share) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo", "Waves/other.jpg - why.txt": b"a person's"})
        note = notes.write_why(share.inbox / "Waves", ["photo.jpg"], "bad", Path("Inbox"))
        claims.take(candidate(share), share, "job1")
        assert not note.exists()
        assert tree(share.inbox) == {"Waves/other.jpg - why.txt": b"a person's"}

    def test_the_note_beside_a_folder_goes_away(self, share: Share) -> None:
        drop(share, **{"Party/content.jpg": b"photo", "Party/style.jpg": b"style"})
        note = notes.write_why(share.inbox, ["Party"], "bad", Path("Inbox"))
        claims.take(candidate(share), share, "job1")
        assert not note.exists()


class TestNotTheFileThatWasSeen:
    @pytest.mark.parametrize("change", ["grown", "touched", "another", "link", "folder", "gone"])
    def test_is_left_in_the_inbox(self, share: Share, change: str) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        seen = candidate(share)
        path = seen.content.path
        other = share.root / "other"
        other.write_bytes(b"other")
        os.utime(other, ns=(1, seen.content.mtime_ns))
        if change == "grown":
            path.write_bytes(b"photo and more")
        elif change == "touched":
            os.utime(path, ns=(1, 1))
        elif change == "another":
            other.replace(path)
        else:
            path.unlink()
        if change == "link":
            path.symlink_to(other)
        elif change == "folder":
            path.mkdir()
        before = tree(share.inbox)
        with pytest.raises(ClaimLostError, match="look again later"):
            claims.take(seen, share, "job1")
        assert tree(share.inbox) == before
        assert claims.find_claims(share) == []

    @pytest.mark.parametrize("folder", ["", "Party/"])
    def test_all_goes_back_when_the_style_changes_while_it_is_taken(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, folder: str
    ) -> None:
        names = ("content.jpg", "style.jpg") if folder else ("photo.jpg", "photo.style.jpg")
        drop(share, **{f"{folder}{names[0]}": b"photo", f"{folder}{names[1]}": b"style"})
        seen = candidate(share)
        move = files.move_exactly

        def change_and_move(source: Path, target: Path, *more: Any) -> None:
            if target.is_relative_to(share.work):  # not when it goes back
                with (share.inbox / folder / names[1]).open("ab") as style:
                    style.write(b" grows")
            move(source, target, *more)

        monkeypatch.setattr(files, "move_exactly", change_and_move)
        with pytest.raises(ClaimLostError, match="has changed"):
            claims.take(seen, share, "job1")
        left = tree(share.inbox)
        assert left.pop(f"{folder}{names[0]}") == b"photo"
        assert left.pop(f"{folder}{names[1]}").startswith(b"style grows")
        assert left == {}
        assert claims.find_claims(share) == []

    def test_all_goes_back_when_the_style_vanishes_while_it_is_taken(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(share, **{"photo.jpg": b"photo", "photo.style.jpg": b"style"})
        seen = candidate(share)
        move = files.move_exactly

        def remove_and_move(source: Path, target: Path, *more: Any) -> None:
            (share.inbox / "photo.style.jpg").unlink(missing_ok=True)
            move(source, target, *more)

        monkeypatch.setattr(files, "move_exactly", remove_and_move)
        with pytest.raises(ClaimLostError):
            claims.take(seen, share, "job1")
        assert tree(share.inbox) == {"photo.jpg": b"photo"}


@pytest.mark.parametrize("kind", ["writer", "lease"])
def test_what_another_program_has_open_is_held_by_that(far_share: Share, kind: str) -> None:
    drop(far_share, **{"Party/content.jpg": b"photo", "Party/style.jpg": b"style"})
    busy = os.open(far_share.inbox / "Party/style.jpg", os.O_RDWR | os.O_CLOEXEC)
    try:
        if kind == "lease":
            fcntl.fcntl(busy, fcntl.F_SETSIG, signal.SIGURG)  # the usual one would end us
            fcntl.fcntl(busy, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(ClaimHeldError, match="Close the program that has it open"):
            claims.take(candidate(far_share), far_share, "job1")
    finally:
        os.close(busy)
    assert tree(far_share.inbox).keys() == {"Party/content.jpg", "Party/style.jpg"}
    assert claims.find_claims(far_share) == []


@pytest.mark.parametrize("late", ["link", "late.txt"])
class TestWhatComesLate:
    """Somebody adds something to a folder while it is copied from one drive to another."""

    @contextmanager
    def meddling(self, late: str) -> Iterator[None]:
        """It comes after the first copy, before its source is removed."""
        remove, came = copying.remove_copied, list[Path]()

        def meddle_and_remove(source: Path, copied: Sequence[Copied], *more: Any) -> None:
            if not came:
                came.append(source / late)
                if late == "link":
                    (source / late).symlink_to("somewhere")
                else:
                    (source / late).write_bytes(b"late")
            remove(source, copied, *more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(copying, "remove_copied", meddle_and_remove)
            yield
        assert came

    def left(self, share: Share) -> list[str]:
        paths = (path for top in (share.inbox, share.originals) for path in top.rglob("*"))
        return sorted(str(path.relative_to(share.root)) for path in paths if not path.is_dir())

    def test_on_the_way_into_the_claim(self, far_share: Share, late: str) -> None:
        drop(far_share, **{"Party/content.jpg": b"photo", "Party/style.jpg": b"style"})
        with self.meddling(late):
            claims.take(candidate(far_share), far_share, "job1")
        assert self.left(far_share) == [f"Inbox/Party/{late}"]
        claims.put_back(far_share, "job1")
        photos = ["Inbox/Party (2)/content.jpg", "Inbox/Party (2)/style.jpg"]
        assert self.left(far_share) == [*photos, f"Inbox/Party/{late}"]
        assert claims.find_claims(far_share) == []

    def test_on_the_way_out_of_the_claim(self, far_share: Share, late: str) -> None:
        drop(far_share, **{"Party/content.jpg": b"photo", "Party/style.jpg": b"style"})
        seen = candidate(far_share)
        claim = claims.take(seen, far_share, "job1")
        plan = intention.intend(far_share.outbox / "a.jpg", b"picture")
        intention.remember(claim.folder, plan)
        plan.path.write_bytes(b"picture")
        with self.meddling(late):
            publishing.keep_original(far_share, claim, seen.relative)
        claims.put_back(far_share, "job1")  # as the next start does
        photos = ["Originals/Party/content.jpg", "Originals/Party/style.jpg"]
        assert self.left(far_share) == [f"Originals/Party (2)/{late}", *photos]
        assert claims.find_claims(far_share) == []


class TestNotOurOwn:
    """Somebody who may write to the work folder would have other files read and moved."""

    def outside(self, share: Share) -> Path:
        """A folder that the service can reach and the people of the share cannot."""
        folder = share.root.parent / "outside"
        (folder / "job1").mkdir(parents=True)
        (folder / "photo.jpg").write_bytes(b"secret")
        (folder / "job1" / "photo.jpg").write_bytes(b"secret")
        return folder

    def test_nothing_is_taken_into_a_link(self, share: Share) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        outside = self.outside(share)
        (share.work / JOBS).rmdir()
        (share.work / JOBS).symlink_to(outside)
        with pytest.raises(ClaimError, match=r"jobs, where photos wait.*remove it") as caught:
            claims.take(candidate(share), share, "job2")
        assert str(caught.value).count(". ") == 1  # two sentences
        assert tree(share.inbox) == {"Waves/photo.jpg": b"photo"}
        assert tree(outside).keys() == {"photo.jpg", "job1/photo.jpg"}

    @pytest.mark.parametrize("swapped", ["jobs", "jobs/job1"])
    def test_nothing_is_moved_out_of_a_link(self, share: Share, swapped: str) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        claims.take(candidate(share), share, "job1")
        outside = self.outside(share)
        place = share.work / swapped
        place.rename(share.root / "away")
        place.symlink_to(outside)
        with pytest.raises(ClaimError, match="is a link or belongs to somebody else"):
            claims.put_back(share, "job1")
        assert tree(share.inbox) == {}
        assert tree(outside).keys() == {"photo.jpg", "job1/photo.jpg"}
        if swapped == "jobs":
            with pytest.raises(ClaimError, match="is a link or belongs to somebody else"):
                claims.find_claims(share)
        else:
            assert claims.find_claims(share) == []

    def test_where_all_files_are_one_users_they_are_ours(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        monkeypatch.setattr(os, "geteuid", lambda: share.work.stat().st_uid + 1)
        claims.take(candidate(share), share, "job1")
        assert claims.find_claims(share) == ["job1"]
        assert tree(share.work).keys() == {"jobs/job1/photo.jpg", "jobs/job1/.origin"}

    def test_a_folder_that_is_swapped_for_a_link_is_not_taken(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(share, **{"Party/content.jpg": b"photo", "Party/style.jpg": b"style"})
        seen = candidate(share)
        move = files.move_exactly

        def swap_and_move(source: Path, target: Path, *more: Any) -> None:
            if target.is_relative_to(share.work):  # not when it goes back
                source.rename(share.root / "elsewhere")
                source.symlink_to(share.root / "elsewhere")
            move(source, target, *more)

        monkeypatch.setattr(files, "move_exactly", swap_and_move)
        with pytest.raises(ClaimLostError, match="Party has changed"):
            claims.take(seen, share, "job1")
        assert (share.inbox / "Party").is_symlink()

    def swap(self, share: Share, outside: Path) -> None:
        (share.inbox / "Waves").rename(share.root / "away")
        (share.inbox / "Waves").symlink_to(outside)

    def test_nothing_is_taken_out_of_a_folder_that_was_swapped_for_a_link(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        seen, outside, label = candidate(share), self.outside(share), claims._label

        def label_and_swap(folder: Path, came_from: PurePath) -> None:
            label(folder, came_from)
            self.swap(share, outside)

        monkeypatch.setattr(claims, "_label", label_and_swap)
        with pytest.raises(ClaimLostError, match="look again later"):
            claims.take(seen, share, "job1")
        assert tree(outside).keys() == {"photo.jpg", "job1/photo.jpg"}
        assert tree(share.root / "away") == {"photo.jpg": b"photo"}

    @pytest.mark.parametrize("way", ["take", "put back"])
    def test_a_folder_that_is_swapped_in_the_last_moment_is_still_the_one_that_was_meant(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        seen, outside = candidate(share), self.outside(share)
        before = tree(outside)
        if way == "put back":
            claims.take(seen, share, "job1")
        move = files.move_exactly

        def swap_and_move(*arguments: Any) -> object:
            self.swap(share, outside)
            return move(*arguments)

        monkeypatch.setattr(files, "move_exactly", swap_and_move)
        if way == "take":
            assert claims.take(seen, share, "job1").content.read_bytes() == b"photo"
            assert tree(share.root / "away") == {}
        else:
            assert claims.put_back(share, "job1") == [share.inbox / "Waves/photo.jpg"]
            assert tree(share.root / "away") == {"photo.jpg": b"photo"}
        assert tree(outside) == before

    def test_claims_are_closed_to_others(self, share: Share) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        claim = claims.take(candidate(share), share, "job1")
        for folder in (claim.folder, claim.folder.parent, share.work):
            assert folder.stat().st_mode & 0o777 == 0o700


class TestHalfWay:
    def test_what_was_moved_is_put_back_and_said(self, far_share: Share) -> None:
        drop(far_share, **{"photo.jpg": b"photo", "photo.style.jpg": bytes(5000)})
        seen = candidate(far_share)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # a full disk, to a writer
        try:
            with pytest.raises(ClaimError, match="was put back into the inbox") as caught:
                claims.take(seen, far_share, "job1")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not isinstance(caught.value, ClaimLostError)
        assert tree(far_share.inbox) == {"photo.jpg": b"photo", "photo.style.jpg": bytes(5000)}
        assert claims.find_claims(far_share) == []

    @pytest.mark.parametrize("left", ["nothing", "an empty folder"])
    def test_without_a_work_folder_nothing_is_stuck_and_nothing_made(
        self, share: Share, left: str
    ) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        shutil.rmtree(share.work)
        if left == "an empty folder":
            share.work.mkdir()
        with pytest.raises(ClaimError, match=r"work folder \S+ cannot be used.*still in") as caught:
            claims.take(candidate(share), share, "job1")
        assert type(caught.value) is ClaimError
        assert tree(share.inbox) == {"Waves/photo.jpg": b"photo"}
        assert share.work.exists() == (left == "an empty folder")
        assert list(share.root.rglob(JOBS)) == []

    def test_a_folder_that_turns_out_not_to_be_ours_is_not_left(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(share, **{"Waves/photo.jpg": b"photo"})
        guard = claims.guard

        def distrust(folder: Path) -> None:
            guard(folder)
            if folder.exists():
                raise ClaimError("It belongs to somebody else.")

        monkeypatch.setattr(claims, "guard", distrust)
        with pytest.raises(ClaimError, match="belongs to somebody else") as caught:
            claims.take(candidate(share), share, "job1")
        assert type(caught.value) is ClaimError
        assert list((share.work / JOBS).iterdir()) == []
        assert tree(share.inbox) == {"Waves/photo.jpg": b"photo"}

    def test_an_id_that_is_in_use_takes_nothing_and_loses_nothing(self, share: Share) -> None:
        drop(share, **{"Waves/photo.jpg": b"first"})
        first = claims.take(candidate(share), share, "job1")
        drop(share, **{"Waves/photo.jpg": b"second"})
        with pytest.raises(ClaimError, match="There is a job job1 already"):
            claims.take(candidate(share), share, "job1")
        assert first.content.read_bytes() == b"first"
        assert tree(share.inbox) == {"Waves/photo.jpg": b"second"}


class TestPutBack:
    def test_returns_files_to_where_they_came_from(self, share: Share) -> None:
        drop(share, **{"Waves/Holiday/photo.jpg": b"photo"})
        claims.take(candidate(share), share, "job1")
        (share.inbox / "Waves" / "Holiday").rmdir()
        back = claims.put_back(share, "job1")
        assert back == [share.inbox / "Waves" / "Holiday" / "photo.jpg"]
        assert tree(share.inbox) == {"Waves/Holiday/photo.jpg": b"photo"}
        assert claims.find_claims(share) == []
        assert claims.put_back(share, "job1") == []

    def test_returns_folders_whole(self, share: Share) -> None:
        drop(share, **{"Waves/Party/content.jpg": b"photo", "Waves/Party/style.jpg": b"style"})
        before = tree(share.inbox)
        claims.take(candidate(share), share, "job1")
        claims.put_back(share, "job1")
        assert tree(share.inbox) == before

    def test_a_name_that_is_taken_meanwhile_is_numbered(self, share: Share) -> None:
        drop(share, **{"Waves/photo.jpg": b"first"})
        claims.take(candidate(share), share, "job1")
        drop(share, **{"Waves/photo.jpg": b"second"})
        claims.put_back(share, "job1")
        assert tree(share.inbox / "Waves") == {"photo.jpg": b"second", "photo (2).jpg": b"first"}

    def test_a_crash_between_two_files_can_be_undone(self, share: Share) -> None:
        drop(share, **{"photo.jpg": b"photo", "photo.style.jpg": b"style"})
        claim = claims.take(candidate(share), share, "job1")
        claim.style.rename(share.inbox / claim.style.name)  # as if it had not been moved yet
        claims.put_back(share, "job1")
        assert tree(share.inbox) == {"photo.jpg": b"photo", "photo.style.jpg": b"style"}

    def test_a_crash_before_anything_moved_can_be_undone(self, share: Share) -> None:
        claim_folder(share, "job1").mkdir(parents=True)
        assert claims.put_back(share, "job1") == []
        assert claims.find_claims(share) == []


def test_a_folder_is_taken_also_while_the_originals_are_away(share: Share) -> None:
    drop(share, **{"Waves/Party/content.jpg": b"photo", "Waves/Party/style.jpg": b"style"})
    share.originals.rmdir()
    assert claims.take(candidate(share), share, "job1").content.read_bytes() == b"photo"


def test_there_are_no_claims_where_there_is_no_folder_for_them(share: Share) -> None:
    assert claims.find_claims(share) == []
    (share.work / JOBS).rmdir()
    assert claims.find_claims(share) == []


@pytest.mark.parametrize("fault", ["scandir", "probe"])
def test_a_folder_of_claims_that_cannot_be_read_is_not_an_empty_one(
    share: Share, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    (share.work / "jobs" / "job1").mkdir(parents=True)
    if fault == "scandir":
        monkeypatch.setattr(os, "scandir", refuse)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: share.work.stat().st_uid + 1)
        monkeypatch.setattr(files, "temporary_file", refuse)
    with pytest.raises(ClaimError, match="cannot be looked into"):
        claims.find_claims(share)


def test_a_claim_is_dissolved_only_when_it_is_empty(share: Share) -> None:
    drop(share, **{"Waves/photo.jpg": b"photo"})
    claim = claims.take(candidate(share), share, "job1")
    claims.dissolve(claim.folder)
    assert claim.content.exists()
    claim.content.unlink()
    for _ in range(2):
        claims.dissolve(claim.folder)
        assert claims.find_claims(share) == []


@pytest.mark.parametrize("kind", ["pair", "folder"])
def test_a_stop_at_any_moment_of_taking_or_putting_back_loses_nothing(
    far_share: Share, kind: str
) -> None:
    content = {
        "pair": {"Waves/a.jpg": b"photo", "Waves/a.style.jpg": b"style"},
        "folder": {"Party/content.jpg": b"photo", "Party/style.jpg": b"style"},
    }[kind]
    drop(far_share, **content)

    def go(stops_at: int) -> tuple[int, bool]:
        """Take it and put it back, until somebody wants a stop; how often that ticked."""
        calls = 0

        def tick() -> None:
            nonlocal calls
            calls += 1
            if calls >= stops_at > 0:
                raise StoppedError

        try:
            claims.take(candidate(far_share), far_share, "1", tick=tick)
            claims.put_back(far_share, "1", tick)
        except (StoppedError, ClaimStuckError):
            return calls, True
        return calls, False

    def dropped() -> dict[str, bytes]:
        paths = (path for path in far_share.inbox.rglob("*") if path.is_file())
        return {str(path.relative_to(far_share.inbox)): path.read_bytes() for path in paths}

    calls, was_stopped = go(0)
    assert (dropped(), was_stopped, calls > 10) == (content, False, True)
    for stops_at in range(1, calls + 1):
        assert go(stops_at)[1]
        for job_id in claims.find_claims(far_share):  # as the next start does
            claims.put_back(far_share, job_id)
        assert (dropped(), claims.find_claims(far_share)) == (content, [])


def test_a_stop_before_anything_was_taken_leaves_no_claim(far_share: Share) -> None:
    drop(far_share, **{"Waves/a.jpg": b"photo"})

    def tick() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        claims.take(candidate(far_share), far_share, "1", tick=tick)
    assert claims.find_claims(far_share) == []
