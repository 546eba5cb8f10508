"""The way in, look by look: what is tried again and when, and what waits for a drive."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import claims, pairing, scanner
from daemon.endings import Endings
from daemon.errors import ClaimLostError
from daemon.inspector import Inspected
from daemon.intake import Intake
from daemon.jobs import JobState, new_job
from daemon.journal import Journal
from daemon.names import INBOX_NOTE
from daemon.pairing import pair
from daemon.presence import is_here
from daemon.retrying import find_failed
from daemon.scanner import look
from daemon.settings import PaintSettings, Settings, ShareSettings, WatchSettings
from daemon.share import Share, make_share, open_share
from daemon.staying import copy_in, stays_of
from daemon.workplace import JOBS
from engine import PRESETS, Recipe
from tests.daemon.standins import StandInInspector, picture

SETTINGS = Settings(
    watch=WatchSettings(mode="poll", settle_seconds=0, settle_scans=2),
    paint=PaintSettings(default_style="Waves"),
)


@dataclass
class Door:
    """An intake whose clock goes on a tenth of a second with each look."""

    share: Share
    journal: Journal
    now: float = 0.0
    answers: list[Inspected] = field(default_factory=list)
    faults: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open it."""
        ids = count()
        self.intake = Intake(
            self.share,
            SETTINGS,
            self.journal,
            Endings(self.share, self.journal, lambda: self.now),
            StandInInspector(self.answers.append),
            clock=lambda: self.now,
            make_id=lambda: f"job-{next(ids)}",
            faults=lambda: self.faults,
        )

    def look(self, *, before_answers: Callable[[], None] = lambda: None) -> None:
        self.now = round(self.now + 0.1, 1)
        self.intake.look()
        before_answers()
        while self.answers:
            self.intake.answer(self.answers.pop(0))

    def queued(self) -> list[str]:
        return [job.relative.name for job in self.journal.having(JobState.QUEUED)]


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    (share.styles / "Waves.jpg").write_bytes(picture((0, 0, 200)))
    return share


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as opened:
        yield opened


def test_nobody_is_told_to_move_a_photo_into_a_style_that_cannot_be_used(
    share: Share, journal: Journal
) -> None:
    scream = share.styles / "Scream.jpg"
    scream.write_bytes(b"torn")
    folder = share.inbox / "Party"
    folder.mkdir()
    (folder / "content.jpg").write_bytes(picture())
    (share.inbox / "beach.jpg").write_bytes(picture())
    door = Door(share, journal)
    door.intake.use(Settings(watch=SETTINGS.watch))  # without a style for all
    door.look()
    note = share.inbox / INBOX_NOTE
    assert {"- Scream", "- Waves"} <= {line.strip() for line in note.read_text().splitlines()}
    door.faults[scream] = "It is torn."
    door.look()
    assert "- Scream" not in note.read_text()
    assert "- Waves" in note.read_text()
    door.faults.clear()  # somebody has put another one there
    door.look()
    assert "- Scream" in note.read_text()


def in_folder(share: Share, folder: str, name: str = "a.jpg") -> None:
    (share.inbox / folder).mkdir(exist_ok=True)
    (share.inbox / folder / name).write_bytes(picture())


def recipes(journal: Journal) -> dict[str, Recipe]:
    jobs = journal.having(JobState.QUEUED)
    return {job.lane: Recipe.model_validate_json(job.recipe) for job in jobs}


def test_a_folder_that_somebody_makes_is_painted_as_its_name_says(
    share: Share, journal: Journal
) -> None:
    (share.styles / "Dots.jpg").write_bytes(picture((9, 9, 9)))
    for folder in ("waves 70 + DOTS", "Waves, own colours", "Waves + Dots, as photo", "Waves"):
        in_folder(share, folder)
    door = Door(share, journal)
    door.look()
    door.look()
    jobs = {job.lane: job for job in journal.having(JobState.QUEUED)}
    waves, dots = share.styles / "Waves.jpg", share.styles / "Dots.jpg"
    assert {lane: job.style_files for lane, job in jobs.items()} == {
        "waves 70 + DOTS": (waves, dots),
        "Waves, own colours": (waves,),
        "Waves + Dots, as photo": (waves, dots),
        "Waves": (waves,),
    }
    assert [round(part.share, 6) for part in jobs["waves 70 + DOTS"].styles] == [0.7, 0.3]
    made = recipes(journal)
    assert {lane: (one.colors, one.photo) for lane, one in made.items()} == {
        "waves 70 + DOTS": ("style", False),
        "Waves, own colours": ("luminance", False),
        "Waves + Dots, as photo": ("style", True),
        "Waves": ("style", False),
    }
    assert made["Waves + Dots, as photo"] == PRESETS["photo"]
    (share.styles / "Dots.jpg").unlink()
    door.look()
    assert (share.inbox / "waves 70 + DOTS").is_dir()  # whoever made it may want it again
    assert not (share.inbox / "Dots").exists()


def put_job(share: Share, job_toml: str, *pictures: str) -> None:
    folder = share.inbox / "Party"
    folder.mkdir()
    for name in pictures:
        (folder / name).write_bytes(picture())
    (folder / "job.toml").write_text(job_toml)


def test_a_job_toml_names_a_blend_for_the_journal(share: Share, journal: Journal) -> None:
    (share.styles / "Dots.png").write_bytes(picture((9, 9, 9)))
    put_job(share, "styles = { Waves = 30, Dots = 90 }\nstrength = 2", "content.jpg", "mask.png")
    door = Door(share, journal)
    for _ in range(3):
        door.look()
    (job,) = journal.having(JobState.QUEUED)
    assert (job.style_name, job.has_own_style) == ("Waves 25 + Dots 75", False)
    assert [(part.path.name, part.share) for part in job.styles] == [
        ("Waves.jpg", 0.25), ("Dots.png", 0.75),
    ]  # fmt: skip
    assert list(job.companions) == ["mask"]
    assert job.overrides is not None
    assert Recipe.model_validate_json(job.recipe).strength == 2


@pytest.mark.parametrize(
    ("job_toml", "pictures", "why"),
    [
        ('styles = ["Wavs"]', ["content.jpg"], 'Did you mean "Waves"?'),
        ("styles = Waves", ["content.jpg"], "needs quotation marks"),
        ('styles = "Waves"', ["content.jpg", "style.jpg"], "names styles as well"),
    ],
)
def test_styles_that_cannot_be_are_told_in_failed(
    share: Share, journal: Journal, job_toml: str, pictures: list[str], why: str
) -> None:
    put_job(share, job_toml, *pictures)
    door = Door(share, journal)
    for _ in range(3):
        door.look()
    (job,) = journal.having(JobState.FAILED)
    assert job.style_shown == ("" if len(pictures) == 1 else None)
    assert why in str(job.error)
    failed = {path.name for path in (share.failed / "Party").iterdir()}
    assert failed == {*pictures, "job.toml"}
    (parcel,) = find_failed(share)
    assert (parcel.place.name, parcel.styles == ()) == ("Party", len(pictures) == 1)


def test_a_job_toml_says_more_than_the_name_of_its_folder(share: Share, journal: Journal) -> None:
    wishes = 'colors = "match"\nstrength = 2'
    top = share.inbox / "Waves, own colours, as photo"
    (top / "Party").mkdir(parents=True)
    for name in ("content.jpg", "style.jpg"):
        (top / "Party" / name).write_bytes(picture())
    (top / "Party" / "job.toml").write_text(wishes)
    door = Door(share, journal)
    door.look()
    door.look()
    (recipe,) = recipes(journal).values()
    assert (recipe.colors, recipe.strength, recipe.photo) == ("match", 2.0, True)


@pytest.mark.parametrize(
    ("job_toml", "who"),
    [
        (None, "What the name of the folder asks for makes no sense"),
        ("strength = 2", "What job.toml and the name of the folder ask for together makes no"),
    ],
)
def test_a_wish_that_contradicts_the_settings_is_told(
    share: Share, journal: Journal, job_toml: str | None, who: str
) -> None:
    folder = share.inbox / "Waves, as photo" / "Party"
    folder.mkdir(parents=True)
    for name in ("content.jpg", "style.jpg"):
        (folder / name).write_bytes(picture())
    if job_toml is not None:
        (folder / "job.toml").write_text(job_toml)
    door = Door(share, journal)
    door.intake.use(Settings(watch=SETTINGS.watch, paint=PaintSettings(init="noise")))
    door.look()
    door.look()
    (job,) = journal.having(JobState.FAILED)
    assert str(job.error).startswith(who)
    assert "init is noise" in str(job.error)
    (note,) = (share.failed / "Waves, as photo").glob("*why.txt")
    assert " ".join(note.read_text().split()).count("init is noise") == 1


def test_a_folder_whose_style_was_removed_is_asked_about_and_nothing_is_lost(
    share: Share, journal: Journal
) -> None:
    dots = share.styles / "Dots.jpg"
    dots.write_bytes(picture((9, 9, 9)))
    (share.inbox / "Waves + Dots").mkdir()
    door = Door(share, journal)
    door.intake.use(Settings(watch=SETTINGS.watch))
    door.look()
    dots.unlink()
    in_folder(share, "Waves + Dots")
    for _ in range(3):
        door.look()
    assert door.queued() == []
    assert (share.inbox / "Waves + Dots" / "a.jpg").read_bytes() == picture()
    note = share.inbox / INBOX_NOTE
    assert "- Waves + Dots/a.jpg" in note.read_text()
    dots.write_bytes(picture((9, 9, 9)))
    door.look()
    door.look()
    assert door.queued() == ["a.jpg"]
    assert not note.exists()


def test_a_blend_with_a_style_that_cannot_be_read_waits_and_then_says_so(
    share: Share, journal: Journal
) -> None:
    (share.styles / "Dots.jpg").write_bytes(b"torn")
    in_folder(share, "Waves + Dots")
    door = Door(share, journal)
    door.look()
    door.look()
    assert door.queued() == []
    (share.styles / "Dots.jpg").write_bytes(picture())
    door.look()
    door.look()
    assert door.queued() == ["a.jpg"]


def test_across_devices_too_what_cannot_be_taken_is_tried_later_and_later(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that was copied away and back is another file to the disk, but not to us."""
    memory = Path("/dev/shm")  # noqa: S108 - wanted for being another device
    if not memory.is_dir() or memory.stat().st_dev == share.root.stat().st_dev:
        pytest.skip("needs /dev/shm on another device than the temporary folder")
    unlink, take, tries = Path.unlink, claims.take, list[float]()

    def keep_style(path: Path, **options: bool) -> None:
        is_here = path.parent.samefile(share.inbox)
        if is_here and path.name == "a.style.jpg":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        if is_here:  # its number is not given to the photo again as long as it is open
            opened.callback(os.close, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        unlink(path, **options)

    def take_and_note(*args: Any) -> claims.Claim:
        tries.append(door.now)
        return take(*args)

    for name in ("a.jpg", "a.style.jpg"):
        (share.inbox / name).write_bytes(picture())
    inode = (share.inbox / "a.jpg").stat().st_ino
    with tempfile.TemporaryDirectory(dir=memory) as folder, ExitStack() as opened:
        door = Door(replace(share, work=Path(folder)), journal)
        monkeypatch.setattr(claims, "take", take_and_note)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", keep_style)
            for _ in range(80):
                door.look()
        assert tries == [0.2, 1.2, 3.2, 7.2]
        assert (share.inbox / "a.jpg").stat().st_ino != inode
        assert sorted(path.name for path in share.inbox.glob("*.jpg")) == ["a.jpg", "a.style.jpg"]
        assert door.intake.failing
        for _ in range(80):
            door.look()
        assert door.queued() == ["a.jpg"]
        assert not door.intake.failing


def test_answers_that_are_dropped_are_asked_for_again(share: Share, journal: Journal) -> None:
    door = Door(share, journal)
    for number in range(10):
        (share.inbox / f"{number}.jpg").write_bytes(picture())
    door.look()
    door.look(before_answers=door.intake.drop)
    assert door.queued() == []
    assert not door.answers
    door.look()
    assert sorted(door.queued()) == [f"{number}.jpg" for number in range(10)]


@pytest.mark.parametrize("moment", ["between two looks", "between look and take"])
def test_an_empty_folder_in_the_place_of_the_work_folder_s_drive_takes_no_photo(
    share: Share, journal: Journal, moment: str
) -> None:
    door, away = Door(share, journal), share.work.with_name("away")
    (share.inbox / "first.jpg").write_bytes(picture())
    for _ in range(3):
        door.look()
    assert door.queued() == ["first.jpg"]

    def drop() -> None:
        share.work.rename(away)
        share.work.mkdir()

    (share.inbox / "second.jpg").write_bytes(picture())
    door.look()
    if moment == "between two looks":
        drop()
    else:
        door.look(before_answers=drop)
    (share.styles / "Clouds.jpg").write_bytes(picture())
    with capture_logs() as logs:
        for _ in range(5):
            door.look()
    assert [line["event"] for line in logs] == ["scan.failed"]
    assert list(share.work.iterdir()) == []
    assert not is_here(share)
    assert door.queued() == ["first.jpg"]
    assert (share.inbox / "second.jpg").exists()
    share.work.rmdir()
    away.rename(share.work)
    for _ in range(15):
        door.look()
    assert door.queued() == ["first.jpg", "second.jpg"]


def over_the_bad_one(usual: Callable[..., Any], bad: Callable[..., bool]) -> Callable[..., Any]:
    def function(*arguments: Any) -> Any:
        found = usual(*arguments)
        if bad(*arguments):
            raise RecursionError("nobody thought of this")
        return found

    return function


@pytest.mark.parametrize("step", ["look", "pair"])
def test_a_folder_over_which_the_program_stumbles_rests_and_the_others_are_taken(
    share: Share, journal: Journal, step: str
) -> None:
    door = Door(share, journal)
    for name in ("bad", "good"):
        (share.inbox / name).mkdir()
        (share.inbox / name / f"{name}.jpg").write_bytes(picture())
    tries: list[float] = []

    def is_bad(*arguments: Any) -> bool:
        folder = arguments[1] if step == "look" else arguments[1].path
        if folder.name == "bad":
            tries.append(door.now)
        return folder.name == "bad"

    with pytest.MonkeyPatch.context() as broken, capture_logs() as logs:
        if step == "look":
            usual = over_the_bad_one(scanner._look_into, is_bad)
            broken.setattr(scanner, "_look_into", usual)
        else:
            broken.setattr(
                pairing._Sorting, "sort", over_the_bad_one(pairing._Sorting.sort, is_bad)
            )
        for _ in range(75):
            door.look()
        assert door.queued() == ["good.jpg"]
        assert tries == [0.1, 1.1, 3.1, 7.1]
        assert door.intake.failing
        assert "bad: A fault of the program itself (RecursionError)" in door.intake.why
    told = [line["log_level"] for line in logs if line["event"] == "program.fault"]
    assert told == ["error", "debug", "debug", "debug"]
    assert [path.name for path in share.inbox.iterdir() if path.is_file()] == []
    for _ in range(85):
        door.look()
    assert door.queued() == ["good.jpg", "bad.jpg"]
    assert (door.intake.failing, door.intake.why) == (False, "")


def test_a_folder_that_is_gone_does_not_rest_any_more(share: Share, journal: Journal) -> None:
    door, folder = Door(share, journal), share.inbox / "bad"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture())
    with pytest.MonkeyPatch.context() as broken:
        bad = over_the_bad_one(scanner._look_into, lambda *arguments: arguments[1] == folder)
        broken.setattr(scanner, "_look_into", bad)
        door.look()
        assert door.intake.failing
        (folder / "a.jpg").unlink()
        folder.rmdir()
        door.look()
        assert (door.intake.failing, door.intake.why) == (False, "")


@dataclass
class Gappy:
    """An inspector for which some pictures have parts that are not written yet."""

    deliver: Callable[[Inspected], None]
    of: tuple[Any, ...]
    asked: int = 0

    def submit(self, key: str, _content: Path, *_styles: Path, **_beside: object) -> None:
        self.asked += 1
        self.deliver(Inspected(key, ok=True, message="", blame="", gaps=self.of))


def wait(door: Door, seconds: float) -> None:
    until = door.now + seconds
    while door.now < until:
        door.now += 1.0
        door.look()


@pytest.mark.parametrize("of", [("content",), ("style",), ("content", "style")])
def test_a_photo_with_what_may_be_a_hole_waits_for_two_minutes_without_a_change(
    share: Share, journal: Journal, of: tuple[str, ...]
) -> None:
    door, photo = Door(share, journal), share.inbox / "a.jpg"
    gappy = door.intake._inspector = Gappy(door.answers.append, of)
    photo.write_bytes(picture())
    with capture_logs() as logs:
        wait(door, 60)
        os.utime(photo, (5, 5))  # somebody goes on writing
        wait(door, 110 if "content" in of else 55)
        assert door.queued() == []
        assert gappy.asked == 2  # only once as it is
        assert door.intake.still_expects()
        assert not door.intake.failing
        assert "may still be being copied" in door.intake.why
        wait(door, 20)
    assert door.queued() == ["a.jpg"]
    assert gappy.asked == 3
    assert door.intake.why == ""
    assert [line["event"] for line in logs].count("photo.has_gap") == 2


def test_a_style_for_which_one_photo_has_waited_is_waited_for_no_more(
    share: Share, journal: Journal
) -> None:
    door = Door(share, journal)
    door.intake._inspector = Gappy(door.answers.append, ("style",))
    (share.inbox / "a.jpg").write_bytes(picture())
    wait(door, 130)
    assert door.queued() == ["a.jpg"]
    (share.inbox / "b.jpg").write_bytes(picture())
    wait(door, 130)
    assert door.queued() == ["a.jpg", "b.jpg"]
    (share.styles / "Waves.jpg").write_bytes(picture((1, 2, 3)) + b"more")
    (share.inbox / "c.jpg").write_bytes(picture())
    wait(door, 60)
    assert len(door.queued()) == 2


def test_where_files_settle_for_long_what_may_be_a_hole_waits_ten_times_as_long(
    share: Share, journal: Journal
) -> None:
    door = Door(share, journal)
    gappy = door.intake._inspector = Gappy(door.answers.append, ("content",))
    watch = SETTINGS.watch.model_copy(update={"settle_seconds": 20.0})
    door.intake.use(SETTINGS.model_copy(update={"watch": watch}))
    (share.inbox / "a.jpg").write_bytes(picture())
    wait(door, 190)
    assert (door.queued(), gappy.asked) == ([], 1)
    wait(door, 20)
    assert door.queued() == ["a.jpg"]


def refuse(*_args: Any) -> scanner.Look:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_run_that_ends_waits_for_no_photo_that_one_look_missed_before_looks_failed(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, door = share.inbox / "a.jpg", Door(share, journal)
    photo.write_bytes(picture())
    (candidate,) = pair(
        look(share.inbox), {"Waves": share.styles / "Waves.jpg"}, "Waves"
    ).candidates
    (share.work / JOBS).mkdir(mode=0o700)
    claim = claims.take(candidate, share, "copied", copy_in)
    journal.add(new_job(candidate, claim, "{}", stays_of(candidate, share.inbox)))
    door.look()
    assert door.intake.staying == 1
    photo.unlink()
    door.look()
    assert door.intake.still_expects()
    with monkeypatch.context() as patch:
        patch.setattr(scanner, "look", refuse)
        for _ in range(3):
            door.look()
            assert not door.intake.still_expects()
    door.look()
    assert (door.intake.staying, door.intake.still_expects()) == (0, False)


def test_a_run_that_ends_waits_for_no_note_when_nothing_can_be_looked_at(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(share, journal)
    watch = SETTINGS.watch.model_copy(update={"settle_seconds": 20.0})
    paint = SETTINGS.paint.model_copy(update={"default_style": None})
    door.intake.use(SETTINGS.model_copy(update={"watch": watch, "paint": paint}))
    (share.inbox / "a.jpg").write_bytes(picture())
    door.look()
    assert door.intake.still_expects()
    monkeypatch.setattr(scanner, "look", refuse)
    door.look()
    assert not door.intake.still_expects()


def slow(share: Share, journal: Journal, **watch: float) -> Door:
    """An intake with such settings, whose looks are as far apart as a test lets its clock go on."""
    door = Door(share, journal)
    door.intake.use(SETTINGS.model_copy(update={"watch": SETTINGS.watch.model_copy(update=watch)}))
    return door


def looks_until_given_up(door: Door, seconds: float, between: Callable[[], None]) -> int:
    """How often a run looks that ends when there is nothing to wait for any more."""
    for looks in range(1, 1000):
        door.look()
        door.now += seconds
        if not door.intake.still_expects():
            return looks
        between()
    raise AssertionError("it waits for ever")


def test_a_run_that_ends_waits_until_it_has_looked_often_enough_however_long_a_look_takes(
    share: Share, journal: Journal
) -> None:
    door = slow(share, journal, settle_scans=3)
    (share.inbox / "a.jpg").write_bytes(picture())
    (share.inbox / "b.jpg").write_bytes(b"torn")
    for queued in ([], [], ["a.jpg"], ["a.jpg"], ["a.jpg"]):
        door.look()
        assert door.queued() == queued
        door.now += 1000
        failed = [job.relative.name for job in journal.having(JobState.FAILED)]
        assert door.intake.still_expects() is not bool(failed)
    assert failed == ["b.jpg"]


def test_a_run_that_ends_looks_once_more_when_a_photo_may_have_come_to_rest(
    share: Share, journal: Journal
) -> None:
    door = slow(share, journal, settle_scans=2, settle_seconds=10, patience_seconds=5)
    (share.inbox / "a.jpg").write_bytes(picture())
    for seconds in (9.8, 23.7):  # two looks, which are enough; but not so far apart
        door.look()
        door.now += seconds
        assert door.intake.still_expects()
    door.look()
    assert door.queued() == ["a.jpg"]


def test_a_run_that_ends_waits_for_a_gap_however_long_a_look_takes(
    share: Share, journal: Journal
) -> None:
    door = slow(share, journal, settle_scans=3, settle_seconds=5, patience_seconds=10)
    door.intake._inspector = Gappy(door.answers.append, ("content",))
    (share.inbox / "a.jpg").write_bytes(picture())
    looks_until_given_up(door, 50, lambda: None)
    assert door.queued() == ["a.jpg"]


def test_a_run_that_ends_gives_up_what_is_replaced_by_the_same_again_and_again(
    share: Share, journal: Journal
) -> None:
    door = slow(share, journal, settle_seconds=0.2, patience_seconds=10)
    photo, other = share.inbox / "a.jpg", share.inbox / ".other"

    def replace_it() -> None:
        if door.now % 5 < 1:
            other.write_bytes(b"torn")
            os.utime(other, (5, 5))
            other.replace(photo)

    replace_it()
    assert looks_until_given_up(door, 0.9, replace_it) == pytest.approx(20, abs=10)
    assert list(journal.having(JobState.FAILED)) == []


def test_a_run_that_ends_gives_up_what_cannot_be_read_and_is_gone_when_it_is_to_fail(
    share: Share, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise ClaimLostError("stale")

    monkeypatch.setattr(claims, "take", lost)
    door = slow(share, journal, patience_seconds=10)
    (share.inbox / "a.jpg").write_bytes(b"torn")
    assert looks_until_given_up(door, 0.9, lambda: None) == pytest.approx(20, abs=10)
