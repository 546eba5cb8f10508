"""``atelierd status``: with jobs in every state, with a daemon and without."""

from __future__ import annotations

import fcntl
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path, PurePath

import pytest

from daemon.bulletin import Bulletin
from daemon.cli import main
from daemon.configuration import load, state_folder
from daemon.easels import Easels
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.locking import ShareLock
from daemon.marks import Marks
from daemon.settings import Settings, ShareSettings
from daemon.share import make_share, open_share


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    settings = load(None, {"state_dir": str(tmp_path / "state")}, {}, searched=()).settings
    return state_folder(settings, open_share(settings.share), {})


@pytest.fixture
def journal(state: Path) -> Iterator[Journal]:
    moments = count(1_000_000_000)
    with closing(Journal(state / JOURNAL, lambda: float(next(moments)))) as journal:
        yield journal


def add(journal: Journal, job_id: str, lane: str, name: str = "photo.jpg") -> None:
    folder, style = Path("/share/.atelierd/jobs") / job_id, Path("/share/Styles") / f"{lane}.jpg"
    journal.add(NewJob(job_id, lane, lane, PurePath(lane) / name, folder / name, style, None, "{}"))


def fill(journal: Journal) -> None:
    """One job in each state, and two more that wait."""
    for job_id in ("done", "failed", "running"):
        add(journal, job_id, "Waves", f"{job_id}.jpg")
        journal.start(job_id)
    journal.published("done", Path("/share/Outbox/Waves/done.jpg"), {})
    journal.finish("done")
    journal.fail("failed", "The photo is damaged.")
    journal.progress("running", 45, 200, 93.4)
    add(journal, "q1", "Waves")
    add(journal, "q2", "Dots", "bad\x1b[2Jname.jpg")
    add(journal, "q3", "Dots")


@pytest.fixture
def _share() -> None:
    make_share(open_share(ShareSettings()))


def status(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["status", "--state_dir", "state", *arguments])
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured.err
    return captured.out


@pytest.mark.usefixtures("_share")
def test_without_a_journal_it_says_so_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    text = status(capsys)
    assert "not running" in text
    assert "0 queued" in text
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("made", [False, True])
def test_a_share_that_is_not_there_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, *, made: bool
) -> None:
    root = tmp_path / "my share"
    if made:
        root.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        main(["status", "--state_dir", "state", "--share.root", str(root)])
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert f"There is no share in {root}: " in told.err
    assert f"`atelierd init '{root}'`" in told.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The state folder of another share that was kept."""
    share = open_share(ShareSettings(root=tmp_path / "other share"))
    make_share(share)
    folder = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    Marks(share, folder).settle()
    return folder


def test_who_asks_about_no_share_hears_of_those_that_were_kept(
    capsys: pytest.CaptureFixture[str], other: Path, tmp_path: Path
) -> None:
    with ShareLock(other), pytest.raises(SystemExit) as ended:
        main(["status", "--state_dir", "state"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"Shares that were kept before: {tmp_path}/other share (running).\n" in told


@pytest.mark.usefixtures("_share")
def test_who_names_no_share_hears_of_another_one_that_is_kept(
    capsys: pytest.CaptureFixture[str], other: Path, tmp_path: Path
) -> None:
    assert "another share" not in status(capsys)
    with ShareLock(other):
        text = status(capsys)
        assert "another share" not in status(capsys, "--share.root", "share")
    assert "Service: not running" in text
    assert "A service keeps another share. Ask about it with:\n" in text
    assert text.endswith(f"  atelierd status --share.root '{tmp_path}/other share'\n")


def test_a_share_whose_drive_is_away_can_be_asked_about(
    capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    fill(journal)
    text = status(capsys)
    assert "not there now" in text
    assert "3 queued" in text
    make_share(open_share(ShareSettings()))
    assert "not there now" not in status(capsys)


def test_the_text_tells_of_every_state(
    capsys: pytest.CaptureFixture[str], journal: Journal, state: Path
) -> None:
    fill(journal)
    with ShareLock(state):
        text = status(capsys)
    assert "Being painted:" in text
    assert "interrupted" not in text
    assert "3 queued, 1 running; so far 1 done and 1 failed, counting" in text
    assert (
        "Waiting, the next one first:\n"
        "  Dots/bad\\x1b[2Jname.jpg in the style Dots\n"
        "  Waves/photo.jpg in the style Waves\n"
        "  Dots/photo.jpg in the style Dots\n\n" in text
    )
    assert "Waves/running.jpg in the style Waves  22 %, about 2 min left" in text
    assert "/share/Outbox/Waves/done.jpg" in text
    assert "The photo is damaged." in text
    assert "\x1b" not in text


def test_of_many_that_wait_the_next_are_named_and_the_rest_counted(
    capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    for number in range(14):
        add(journal, f"w{number}", "Waves", f"{number}.jpg")
    text = status(capsys)
    assert "  Waves/9.jpg in the style Waves\n  and 4 more; in all 14 in Waves\n" in text
    assert "Waves/10.jpg" not in text
    for number in range(6):
        add(journal, f"o{number}", f"Other {number}", "a.jpg")
    assert "  and 10 more; in all " in status(capsys)
    assert ", and others in 2 more folders\n" in status(capsys)
    told = json.loads(status(capsys, "--json"))
    assert len(told["upcoming"]) == 10
    assert sum(told["waiting"].values()) == 20


def test_what_a_service_was_at_when_it_was_killed_is_not_being_painted(
    capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    fill(journal)
    text = status(capsys)
    assert "Service: not running" in text
    assert "3 queued, 0 running, 1 interrupted; so far 1 done and 1 failed, counting" in text
    assert "Being painted" not in text
    assert " left" not in text
    assert (
        "Was being painted when the service ended, and goes on when it is started again:\n"
        "  Waves/running.jpg in the style Waves  22 %\n" in text
    )
    told = json.loads(status(capsys, "--json"))
    assert (told["jobs"]["running"], told["jobs"]["interrupted"]) == (0, 1)
    assert told["painting"] == []
    (job,) = told["interrupted"]
    assert (job["job"], job["percent"], job["eta_seconds"]) == ("running", 22, None)


@pytest.mark.parametrize(
    ("content", "style"), [("eileen.jpg", "eileen.style.jpg"), ("Two/content.jpg", "Two/style.png")]
)
def test_a_style_that_came_with_the_photo_is_said_to_be_its_own(
    capsys: pytest.CaptureFixture[str], journal: Journal, content: str, style: str
) -> None:
    folder = Path("/share/.atelierd/jobs/one")
    files = (folder / content, folder / style)
    name = Path(style).stem
    journal.add(NewJob("one", "", name, PurePath(content), *files, None, "{}"))
    journal.fail("one", "The photo is damaged.")
    make_share(open_share(ShareSettings()))
    photo = open_share(ShareSettings()).failed / content
    photo.parent.mkdir(exist_ok=True)
    photo.touch()
    called = "Two" if photo.parent.name == "Two" else content
    assert f"  {called} in its own style ({Path(style).name}):  The photo" in status(capsys)


def test_styles_that_nobody_knows_are_not_called_the_photo_s_own(
    capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    folder = Path("/share/.atelierd/jobs/one/Trip")
    files = (folder / "content.jpg", folder / "job.toml")
    journal.add(NewJob("one", "", "job.toml", PurePath("Trip/content.jpg"), *files, None, "{}"))
    assert "\n  Trip in a style that is not known" in status(capsys)


def test_a_failure_is_told_until_its_photo_is_dragged_back(
    capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    fill(journal)
    share = open_share(ShareSettings())
    make_share(share)
    photo = share.failed / "Waves" / "failed.jpg"
    photo.parent.mkdir()
    photo.touch()
    assert "The photo is damaged." in status(capsys)
    assert json.loads(status(capsys, "--json"))["failed"]
    photo.unlink()
    assert "The photo is damaged." not in status(capsys)
    told = json.loads(status(capsys, "--json"))
    assert (told["failed"], told["jobs"]["failed"]) == ([], 1)


def test_what_stands_in_the_way_of_a_service_that_runs_is_told(
    capsys: pytest.CaptureFixture[str], journal: Journal, state: Path
) -> None:
    fill(journal)
    Bulletin(state).say("The disk is full.")
    assert "Trouble" not in status(capsys)  # of a service that has ended
    assert json.loads(status(capsys, "--json"))["trouble"] == ""
    with ShareLock(state):
        assert "Trouble: The disk is full.\n" in status(capsys)
        assert json.loads(status(capsys, "--json"))["trouble"] == "The disk is full."
        Bulletin(state).say("")
        assert "Trouble" not in status(capsys)


def test_json_has_the_same(
    capsys: pytest.CaptureFixture[str], journal: Journal, state: Path
) -> None:
    fill(journal)
    with ShareLock(state):
        told = json.loads(status(capsys, "--json"))
    assert told["jobs"] == {"queued": 3, "running": 1, "done": 1, "failed": 1}
    assert told["waiting"] == {"Dots": 2, "Waves": 1}
    upcoming = [(job["job"], job["style"], job["percent"]) for job in told["upcoming"]]
    assert upcoming == [("q2", "Dots", None), ("q1", "Waves", None), ("q3", "Dots", None)]
    (painting,) = told["painting"]
    assert (painting["job"], painting["percent"], painting["eta_seconds"]) == ("running", 22, 93.4)
    assert [job["error"] for job in told["failed"]] == ["The photo is damaged."]
    assert (told["running"], told["interrupted"]) == (True, [])


def test_of_several_painters_it_names_the_one(
    capsys: pytest.CaptureFixture[str], journal: Journal, state: Path
) -> None:
    fill(journal)
    with ShareLock(state):
        (painting,) = json.loads(status(capsys, "--json"))["painting"]
        assert painting["painter"] is None
        Easels(Bulletin(state)).say({"running": "anna\x1b[2J", "other": "bert"})
        assert "22 %, about 2 min left, painted by anna\\x1b[2J\n" in status(capsys)
        (painting,) = json.loads(status(capsys, "--json"))["painting"]
        assert painting["painter"] == "anna\\x1b[2J"
    assert "painted by" not in status(capsys)  # it has ended


@pytest.mark.usefixtures("_share")
def test_it_tells_whether_a_daemon_keeps_the_share(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    lock = ShareLock(state)
    lock.acquire()
    assert "Service: running" in status(capsys)
    lock.release()
    assert "Service: not running" in status(capsys)


def test_a_service_with_its_journal_elsewhere_is_told_of(
    capsys: pytest.CaptureFixture[str], journal: Journal, tmp_path: Path
) -> None:
    fill(journal)
    share = open_share(ShareSettings())
    other = state_folder(Settings(state_dir=tmp_path / "var lib"), share, {})
    with ShareLock(other, share.work):
        text, told = status(capsys), json.loads(status(capsys, "--json"))
        assert "0 queued" not in status(capsys, "--state_dir", "third")
        right = status(capsys, "--state_dir", "var lib")
    assert "Service: running" in text
    assert "not known" in text
    assert "queued" not in text
    assert f"Set state_dir to {tmp_path}/var lib, in the file" in text
    assert (told["running"], told["jobs"]) == (True, None)
    assert told["remark"] in text
    assert "0 queued" in right
    assert "3 queued" in status(capsys)


def test_a_service_on_another_machine_is_told_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    share = open_share(ShareSettings())
    with ShareLock(tmp_path / "there", share.work):
        (share.work / "daemon.lock").write_text("123 nas\n")
        text = status(capsys)
    assert "Service: running" in text
    assert "on nas keeps this share" in text


def test_what_cannot_be_looked_at_is_not_taken_for_nothing(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    share = open_share(ShareSettings())
    share.work.mkdir(parents=True)
    (share.work / "daemon.lock").symlink_to("daemon.lock")  # root may look at anything else
    text = status(capsys)
    assert "Service: not known" in text
    assert f"{share.work} cannot be looked into" in text
    assert "sudo -u" in text
    with closing(Journal(state / JOURNAL, lambda: 0.0)):
        assert "Service: not running" in status(capsys)
    (state / "daemon.lock").symlink_to("daemon.lock")
    assert f"{state} cannot be looked into" in status(capsys)


@pytest.mark.usefixtures("_share")
def test_asking_does_not_keep_a_daemon_out(
    capsys: pytest.CaptureFixture[str], state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that starts in the very moment in which the lock is looked at waits for its turn."""
    with ShareLock(state):
        pass
    flock, asked, tried = fcntl.flock, threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        tried.set()
        time.sleep(seconds)

    def look(handle: int, operation: int) -> None:
        flock(handle, operation)
        if operation & fcntl.LOCK_SH:
            asked.set()
            assert tried.wait(20)

    def start() -> None:
        assert asked.wait(20)
        try:
            lock.acquire()
        finally:
            tried.set()

    lock = ShareLock(state, sleep=sleep)
    monkeypatch.setattr(fcntl, "flock", look)
    with ThreadPoolExecutor() as pool:
        daemon = pool.submit(start)
        assert "Service: not running" in status(capsys)
        daemon.result()
    assert "Service: running" in status(capsys)
    lock.release()
