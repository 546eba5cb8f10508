"""Old files: which may go, and that nothing else does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePath

import pytest

from daemon import cleaning
from daemon.cleaning import Guarded, Old, find_old, guarded, remove
from daemon.jobs import Intention, NewJob
from daemon.journal import Journal
from daemon.share import Share
from tests.daemon.standins import Clock

DAY = 86_400.0
NOTHING = Guarded()


def put(folder: Path, *names: str, days: float = 0.0) -> None:
    """Put files there whose content was changed so long ago; that they came is never long ago."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (time.time() - days * DAY,) * 2)


def names(old: list[Old]) -> list[str]:
    return [str(one.path.relative_to(one.top)) for one in old]


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def later(days: float) -> float:
    """The moment before which everything is old in so many days, less one."""
    return time.time() + days * DAY


def refuse(one: Old, error: OSError) -> None:
    raise AssertionError(one.path) from error


def test_all_that_is_older_is_found_and_nothing_that_is_nobody_s(share: Share) -> None:
    put(share.originals, "a.jpg", "Waves/b.jpg", "Waves/b.style.jpg", ".hidden", "Thumbs.db")
    (share.originals / "link.jpg").symlink_to("a.jpg")
    os.mkfifo(share.originals / "pipe.jpg")
    old = find_old(share.originals, later(1), NOTHING)
    assert names(old) == ["Waves/b.jpg", "Waves/b.style.jpg", "a.jpg"]
    assert [one.size for one in old] == [11, 17, 5]
    assert find_old(share.originals, time.time() - 60, NOTHING) == []


def test_a_photo_that_is_old_itself_and_came_today_is_young(share: Share) -> None:
    put(share.originals, "a.jpg", days=4000)
    assert find_old(share.originals, time.time() - DAY, NOTHING) == []


def test_a_file_that_is_young_itself_is_young_wherever_it_came_from(share: Share) -> None:
    put(share.originals, "a.jpg", days=-10)
    assert find_old(share.originals, later(5), NOTHING) == []
    assert names(find_old(share.originals, later(11), NOTHING)) == ["a.jpg"]


@pytest.mark.parametrize("name", ["Waves", "Party"])
def test_files_of_a_folder_that_was_moved_there_are_as_young_as_that(
    share: Share, name: str
) -> None:
    source = share.root / name
    put(source, "content.jpg", *(["style.jpg"] if name == "Party" else []), days=400)
    before = max(path.stat().st_ctime for path in source.iterdir()) + 0.001
    folder = share.originals / name
    while not folder.exists() or folder.stat().st_ctime <= before:
        if folder.exists():
            folder.rename(source)
        source.rename(folder)
    assert find_old(share.originals, before, NOTHING) == []
    (folder / "new.txt").write_bytes(b"")
    found = names(find_old(share.originals, before, NOTHING))
    assert found == (["Waves/content.jpg"] if name == "Waves" else [])


def test_files_go_and_the_folders_that_they_leave_empty(share: Share) -> None:
    put(share.outbox, "a.jpg", "Waves/deep/b.jpg", "Dots/c.jpg", "Dots/.hidden")
    (share.outbox / "Empty").mkdir()
    gone = remove(find_old(share.outbox, later(1), NOTHING), refuse)
    assert names(gone) == ["Dots/c.jpg", "Waves/deep/b.jpg", "a.jpg"]
    assert tree(share.outbox) == ["Dots", "Dots/.hidden", "Empty"]


def test_a_file_that_has_changed_since_stays(share: Share) -> None:
    put(share.outbox, "a.jpg", "b.jpg", "c.jpg")
    old = find_old(share.outbox, later(1), NOTHING)
    (share.outbox / "a.jpg").write_bytes(b"something new")
    (share.outbox / "b.jpg").unlink()
    assert names(remove(old, refuse)) == ["c.jpg"]
    assert tree(share.outbox) == ["a.jpg"]


def test_no_link_is_followed(share: Share, tmp_path: Path) -> None:
    put(share.outbox, "Waves/a.jpg")
    put(tmp_path / "elsewhere", "a.jpg", "b.jpg")
    old = find_old(share.outbox, later(1), NOTHING)
    (share.outbox / "Waves").rename(tmp_path / "moved")
    (share.outbox / "Waves").symlink_to(tmp_path / "elsewhere")
    failures = list[Old]()
    assert remove(old, lambda one, _error: failures.append(one)) == []
    assert tree(tmp_path / "elsewhere") == ["a.jpg", "b.jpg"]
    assert names(failures) == ["Waves/a.jpg"]
    assert find_old(share.outbox, later(1), NOTHING) == []


def test_what_cannot_be_removed_is_said_and_the_others_go(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share.outbox, "a.jpg", "b.jpg")
    real = Path.unlink

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    failures = list[Old]()
    gone = remove(find_old(share.outbox, later(1), NOTHING), lambda one, _: failures.append(one))
    assert (names(gone), names(failures)) == (["b.jpg"], ["a.jpg"])


def test_a_file_with_another_name_frees_nothing(share: Share) -> None:
    put(share.outbox, "a.jpg")
    (share.root / "mine.jpg").hardlink_to(share.outbox / "a.jpg")
    (old,) = find_old(share.outbox, later(1), NOTHING)
    assert old.size == 0


@dataclass
class Past:
    """A journal whose clock the test sets."""

    journal: Journal
    clock: Clock
    share: Share

    def add(self, name: str, *, folder: str = "") -> str:
        job_id = f"job-{sum(self.journal.counts().values())}"
        claim = self.share.work / "jobs" / job_id / folder
        job = NewJob(
            job_id, "Waves", "Waves", PurePath(name), claim / PurePath(name).name,
            self.share.styles / "Waves.jpg", None, "{}",
        )  # fmt: skip
        self.journal.add(job)
        return job_id

    def done(
        self, name: str, result: str, at: float, *, folder: str = "", kept: Path | None = None
    ) -> None:
        job_id = self.add(name, folder=folder)
        self.journal.published(job_id, self.share.outbox / result, {})
        self.clock.now = at
        self.journal.finish(job_id, kept)


@pytest.fixture
def past(share: Share, tmp_path: Path) -> Iterator[Past]:
    clock = Clock(1000.0)
    with closing(Journal(tmp_path / "state/journal.sqlite", clock)) as journal:
        yield Past(journal, clock, share)


def test_files_of_jobs_that_are_not_over_stay(share: Share, past: Past) -> None:
    put(share.originals, "Waves/a (3).jpg", "Waves/a.style.jpg", "Waves/b.jpg", "Waves/A.png")
    put(share.outbox, "Waves/a.jpg", "Waves/a (2).jpg", "Waves/b.jpg")
    job_id = past.add("Waves/a.jpg")
    past.journal.intend(job_id, Intention(share.outbox / "Waves/a (2).jpg", "0" * 64, 1), {})
    stays = guarded(past.journal, 5000.0)
    assert names(find_old(share.originals, later(1), stays)) == ["Waves/b.jpg"]
    assert names(find_old(share.outbox, later(1), stays)) == ["Waves/b.jpg"]


def test_jobs_that_ended_a_moment_ago_keep_theirs_whatever_the_disk_says(
    share: Share, past: Past
) -> None:
    put(
        share.originals, "Waves/old.jpg", "Waves/new.jpg", "Party (2)/content.jpg", "Party/mine.txt"
    )
    put(share.outbox, "Waves/old.jpg", "Waves/new (2).jpg", "Party.jpg")
    past.done("Waves/old.jpg", "Waves/old.jpg", 2000.0)
    past.done("Waves/new.jpg", "Waves/new (2).jpg", 9000.0)
    past.done("Party/content.jpg", "Party.jpg", 9000.0, folder="Party")
    stays = guarded(past.journal, 5000.0)
    assert names(find_old(share.originals, later(1), stays)) == ["Waves/old.jpg"]
    assert names(find_old(share.outbox, later(1), stays)) == ["Waves/old.jpg"]


def test_what_the_journal_knows_to_lie_there_stays_whatever_it_is_called(
    share: Share, past: Past
) -> None:
    put(share.originals, "Elsewhere/x.jpg", "Folder/content.jpg", "Folder/deep/y.txt", "z.jpg")
    past.done("a.jpg", "a.jpg", 9000.0, kept=share.originals / "Elsewhere/x.jpg")
    past.done("b/content.jpg", "b.jpg", 9000.0, folder="b", kept=share.originals / "Folder")
    stays = guarded(past.journal, 5000.0)
    assert names(find_old(share.originals, later(1), stays)) == ["z.jpg"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.jpg", "a"), ("A (12).JPG", "a"), ("a.style.jpg", "a"), ("a (2).style.jpg", "a"),
     ("a (2).mask.png", "a"), ("a.style.regions.png", "a"), ("a.regions (2).png", "a"),
     ("(2).jpg", "(2)"), ("a (b).jpg", "a (b)"), ("Mr. Smith at sea", "mr. smith at sea")],
)  # fmt: skip
def test_names_that_belong_together_have_one_stem(name: str, stem: str) -> None:
    assert cleaning._stem(name) == stem
