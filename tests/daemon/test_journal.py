"""The journal on real SQLite files: states, fairness, readers beside the writer, bad files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import JournalError
from daemon.jobs import JobState, NewJob
from daemon.journal import Journal
from daemon.looks import Part


def ticking() -> Callable[[], float]:
    numbers = count(1_000)
    return lambda: float(next(numbers))


def new_job(job_id: str, lane: str = "Waves", name: str = "photo.jpg") -> NewJob:
    folder = Path("/share/.atelierd/jobs") / job_id
    return NewJob(
        id=job_id,
        lane=lane,
        style_name=lane,
        relative=PurePath(lane) / name,
        content=folder / name,
        style=Path("/share/Styles/Waves.jpg"),
        overrides=None,
        recipe='{"size": 64}',
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path, ticking())) as opened:
        yield opened


def served(journal: Journal) -> Iterator[str]:
    while (job := journal.next_queued()) is not None:
        journal.start(job.id)
        yield job.id


def test_a_job_comes_back_as_it_was_added(journal: Journal) -> None:
    job = new_job("a")
    journal.add(job)
    kept = journal.get("a")
    assert {name: getattr(kept, name) for name in vars(job)} == vars(job)
    assert (kept.state, kept.attempts, kept.queued_at) == (JobState.QUEUED, 0, 1_000.0)
    assert kept.started_at is kept.finished_at is kept.result is kept.error is kept.report is None


def test_of_failures_at_one_place_the_last_one_counts(journal: Journal) -> None:
    failed = Path("/share/Failed")

    def fail(job_id: str, error: str, kept: Path | None) -> None:
        journal.add(new_job(job_id))
        journal.fail(job_id, error, kept)

    fail("a", "Cancelled.", failed / "a.jpg")
    fail("b", "Cancelled.", failed / "b.jpg")
    fail("c", "It is torn.", failed / "b.jpg")
    fail("d", "It is torn.", failed / "c.jpg")
    fail("e", "Cancelled.", None)
    journal.add(new_job("f"))
    journal.given_up("f", "Cancelled.")
    assert journal.failed_for("Cancelled.") == {failed / "a.jpg"}
    for number in range(1100):  # however long ago that was
        fail(f"more {number}", "It is torn.", failed / f"more {number}.jpg")
    assert journal.failed_for("Cancelled.") == {failed / "a.jpg"}


def test_what_leaves_is_given_up_or_over_since_a_moment(journal: Journal) -> None:
    for job_id in ("queued", "running", "early", "given up", "late", "done"):
        journal.add(new_job(job_id))
    journal.fail("early", "It is torn.")
    since = (journal.get("early").finished_at or 0) + 1
    journal.start("running")
    journal.start("given up")
    journal.given_up("given up", "It is torn.")
    journal.published("done", Path("/share/Outbox/photo.jpg"), {})
    journal.finish("done")
    journal.fail("late", "It is torn.")
    assert [job.id for job in journal.leaving(since)] == ["given up", "late"]


def test_a_job_s_whole_way(journal: Journal) -> None:
    journal.add(new_job("a"))
    running = journal.start("a")
    assert (running.state, running.attempts, running.started_at) == (JobState.RUNNING, 1, 1_001.0)
    journal.progress("a", 3, 10, 4.5)
    assert (journal.get("a").iteration, journal.get("a").total) == (3, 10)
    journal.published("a", Path("/share/Outbox/photo.jpg"), {"loss": {"total": 1.5}})
    done = journal.finish("a", Path("/share/Originals/photo.jpg"))
    assert done.kept == Path("/share/Originals/photo.jpg")
    assert (done.state, done.finished_at) == (JobState.DONE, 1_002.0)
    assert done.result == Path("/share/Outbox/photo.jpg")
    assert done.report == {"loss": {"total": 1.5}}
    assert journal.next_queued() is None


def test_names_that_are_no_utf_8_survive(journal: Journal, path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    journal.add(new_job("a", lane=os.fsdecode(b"V\xe9nus"), name=name))
    with closing(Journal(path, ticking(), read_only=True)) as reader:
        job = reader.get("a")
    assert os.fsencode(job.lane) == b"V\xe9nus"
    assert job.content.name == job.relative.name == name
    journal.start("a")
    where = Path("/share/Failed", name)
    assert journal.fail("a", f"{name} is no picture", where).kept == where
    assert "is no picture" in str(journal.get("a").error)


def test_lanes_take_turns_and_keep_their_order(journal: Journal) -> None:
    for job_id in ("a1", "a2", "a3", "b1", "b2", "c1"):
        journal.add(new_job(job_id, lane=job_id[0]))
    assert list(served(journal)) == ["a1", "b1", "c1", "a2", "b2", "a3"]


@pytest.mark.parametrize("begun", [0, 1, 2, 4])
def test_who_is_upcoming_comes_in_that_order(journal: Journal, begun: int) -> None:
    for job_id in ("a1", "a2", "a3", "b1", "b2", "c1"):
        journal.add(new_job(job_id, lane=job_id[0]))
    before = [job_id for job_id, _ in zip(served(journal), range(begun), strict=False)]
    assert len(before) == begun
    upcoming = [job.id for job in journal.upcoming(10)]
    assert [job.id for job in journal.upcoming(2)] == upcoming[:2]
    assert upcoming == list(served(journal))
    assert journal.upcoming(10) == []


def test_what_only_waits_to_be_moved_is_not_upcoming(journal: Journal) -> None:
    for job_id in ("a1", "a2"):
        journal.add(new_job(job_id))
    journal.given_up("a1", "It is damaged.")
    assert [job.id for job in journal.upcoming(10)] == ["a2"]


def test_news_can_be_told_by_a_number(journal: Journal) -> None:
    before = journal.changes
    assert journal.upcoming(5) == []
    assert journal.changes == before
    journal.add(new_job("a"))
    assert journal.changes > before


def test_a_lane_that_comes_later_does_not_wait_for_a_backlog(journal: Journal) -> None:
    for number in range(5):
        journal.add(new_job(f"a{number}", lane="a"))
    journal.start("a0")
    journal.add(new_job("b", lane="b"))
    assert journal.next_queued() == journal.get("b")


def test_lanes_can_be_left_out(journal: Journal) -> None:
    journal.add(new_job("a", lane="a"))
    journal.add(new_job("b", lane="b"))
    assert journal.next_queued(without=["a"]) == journal.get("b")
    assert journal.next_queued(without=["a", "b"]) is None


@given(lanes=st.lists(st.sampled_from("abcd"), max_size=30))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nobody_is_served_twice_while_another_lane_waits(lanes: list[str]) -> None:
    with (
        TemporaryDirectory() as folder,
        closing(Journal(Path(folder) / "journal", ticking())) as journal,
    ):
        for number, lane in enumerate(lanes):
            journal.add(new_job(str(number), lane=lane))
        order = [int(job_id) for job_id in served(journal)]
    rounds = [lanes[:number].count(lane) for number, lane in enumerate(lanes)]
    assert order == sorted(order, key=lambda number: (rounds[number], lanes.index(lanes[number])))
    assert sorted(order) == list(range(len(lanes)))


def test_a_requeued_job_keeps_its_place_and_its_attempts(journal: Journal) -> None:
    journal.add(new_job("first"))
    journal.add(new_job("second"))
    journal.start("first")
    journal.requeue("first")
    assert journal.next_queued() == journal.get("first")
    assert journal.start("first").attempts == 2
    journal.requeue("first", forgive=True)
    assert journal.get("first").attempts == 1


@pytest.mark.parametrize(
    ("state", "call"),
    [
        ("missing", lambda journal: journal.start("a")),
        ("missing", lambda journal: journal.get("a")),
        ("missing", lambda journal: journal.fail("a", "why")),
        ("queued", lambda journal: journal.add(new_job("a"))),
        ("queued", lambda journal: journal.finish("a")),
        ("queued", lambda journal: journal.requeue("a")),
        ("running", lambda journal: journal.start("a")),
        ("running", lambda journal: journal.finish("a")),
        (
            "running",
            lambda journal: journal.restyle("a", (Part(Path("/share/Styles/Waves.png"), 1.0),)),
        ),
        ("failed", lambda journal: journal.start("a")),
        ("failed", lambda journal: journal.fail("a", "again")),
        ("failed", lambda journal: journal.requeue("a")),
    ],
)
def test_steps_out_of_order_are_refused_and_change_nothing(
    journal: Journal, state: str, call: Callable[[Journal], object]
) -> None:
    if state != "missing":
        journal.add(new_job("a"))
    if state in {"running", "failed"}:
        journal.start("a")
    if state == "failed":
        journal.fail("a", "no picture")
    before = list(journal.having(JobState(state))) if state != "missing" else []
    with pytest.raises(JournalError):
        call(journal)
    assert sum(journal.counts().values()) == len(before)
    assert before == (list(journal.having(JobState(state))) if state != "missing" else [])


def test_counts_waiting_and_the_last_ones(journal: Journal) -> None:
    for job_id in ("a1", "a2", "a3", "b1", "b2"):
        journal.add(new_job(job_id, lane=job_id[0]))
    for job_id in ("a1", "b1"):
        journal.start(job_id)
        journal.fail(job_id, f"{job_id} is no picture")
    journal.start("a2")
    assert journal.counts() == {
        JobState.QUEUED: 2, JobState.RUNNING: 1, JobState.DONE: 0, JobState.FAILED: 2,
    }  # fmt: skip
    assert list(journal.waiting().items()) == [("b", 1), ("a", 1)]
    assert [job.id for job in journal.recent(JobState.FAILED, 5)] == ["b1", "a1"]
    assert [job.id for job in journal.recent(JobState.FAILED, 1)] == ["b1"]


def test_it_survives_being_closed_and_opened(path: Path) -> None:
    with closing(Journal(path, ticking())) as journal:
        journal.add(new_job("a"))
        journal.start("a")
    with closing(Journal(path, ticking())) as journal:
        assert [job.id for job in journal.having(JobState.RUNNING)] == ["a"]


def test_what_was_written_survives_a_kill(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.daemon.test_journal import *;"
        "journal = Journal(Path(sys.argv[1]), ticking()); journal.add(new_job('a'));"
        "journal.start('a'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert ended.returncode < 0
    with closing(Journal(path, ticking())) as journal:
        assert journal.get("a").attempts == 1


def test_a_reader_sees_what_the_writer_does_and_cannot_write(journal: Journal, path: Path) -> None:
    with closing(Journal(path, ticking(), read_only=True)) as reader:
        assert reader.next_queued() is None
        journal.add(new_job("a"))
        assert reader.get("a").state is JobState.QUEUED
        with pytest.raises(JournalError):
            reader.start("a")


def test_a_reader_after_the_daemon_has_gone(path: Path) -> None:
    with closing(Journal(path, ticking())) as journal:
        journal.add(new_job("a"))
    with closing(Journal(path, ticking(), read_only=True)) as reader:
        assert reader.counts()[JobState.QUEUED] == 1


def test_a_reader_makes_nothing(path: Path) -> None:
    with pytest.raises(JournalError):
        Journal(path, ticking(), read_only=True)
    assert not path.parent.exists()


def test_it_appears_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_first(new: Path, target: Path) -> Path:
        assert not path.exists()
        rename(new, target)
        Journal(path, ticking(), read_only=True).close()
        return target

    rename = Path.rename
    path.parent.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"journal.sqlite.new{suffix}").write_bytes(b"left by a power cut")
    monkeypatch.setattr(Path, "rename", look_first)
    Journal(path, ticking()).close()
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.sqlite"]


def test_another_version_s_journal_is_refused(path: Path) -> None:
    Journal(path, ticking()).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 999")
    for read_only in (False, True):
        with pytest.raises(JournalError, match="another version"):
            Journal(path, ticking(), read_only=read_only)


def test_somebody_else_s_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (cake TEXT)")
    with pytest.raises(JournalError, match="another version"):
        Journal(path, ticking())


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"dear diary " * 1000)
    with pytest.raises(JournalError):
        Journal(path, ticking())
    assert path.read_bytes() == b"dear diary " * 1000


def test_it_is_in_wal_mode_and_syncs(journal: Journal) -> None:
    assert journal._rows("PRAGMA journal_mode") == [("wal",)]
    assert journal._rows("PRAGMA synchronous") == [(2,)]


def test_ten_thousand_waiting_jobs_are_found_by_index(journal: Journal) -> None:
    with journal._transaction():
        for number in range(10_000):
            journal._change(
                "INSERT INTO jobs (state, id, lane, style_name, relative, content, style, recipe, "
                "queued_at) VALUES ('queued', ?, ?, 'a', 'a', 'a', 'a', '{}', 0)",
                (str(number), f"lane {number % 7}".encode()),
            )
    steps = 0

    def count_step() -> int:
        nonlocal steps
        steps += 1
        return 0

    journal._database.set_progress_handler(count_step, 100)  # virtual machine instructions
    job = journal.next_queued()
    journal._database.set_progress_handler(None, 0)
    assert job is not None
    assert job.id == "0"
    assert steps < 20  # a walk over all jobs takes more than a thousand


def test_a_job_that_is_given_up_unbegun_costs_its_lane_one_turn(journal: Journal) -> None:
    for job_id in ("a1", "a2", "b1", "b2", "b3", "c1"):
        journal.add(new_job(job_id, lane=job_id[0]))
    journal.given_up("a1", "It is gone.")
    assert (journal.get("a1").attempts, journal.get("a1").started_at) == (0, None)
    assert journal.start("b1").id == "b1"
    journal.given_up("a1", "It is gone.")  # its photo could not be moved before
    journal.given_up("b1", "It is no picture.")
    assert list(served(journal)) == ["c1", "a2", "b2", "b3"]


def test_a_job_that_was_given_up_is_nobodys_next(journal: Journal) -> None:
    for job_id, lane in (("a", "Waves"), ("b", "Waves"), ("c", "Dots")):
        journal.add(new_job(job_id, lane))
    journal.given_up("a", "It is no picture.")
    journal.given_up("c", "It is no picture.")
    assert list(served(journal)) == ["b"]


def test_a_job_that_is_to_fail_is_nobodys_next_from_the_start(journal: Journal) -> None:
    journal.add(new_job("a"), "It is no \udcff picture.")
    assert journal.next_queued() is None
    assert journal.get("a").error == "It is no \\udcff picture."


def test_another_picture_can_take_the_place_of_a_style(journal: Journal) -> None:
    for job_id in "ab":
        journal.add(new_job(job_id))
    name = os.fsdecode(b"/share/Styles/Waves\xff.png")
    assert journal.restyle("a", (Part(Path(name), 1.0),)).style == Path(name)
    assert journal.get("b").style == new_job("b").style
    assert list(served(journal)) == ["a", "b"]


def test_jobs_with_large_pictures_can_be_left_out(journal: Journal) -> None:
    recipes = {"large": '{"size": 4096}', "odd": "no recipe", "small": '{"size": 64}'}
    for job_id, recipe in recipes.items():
        journal.add(replace(new_job(job_id), recipe=recipe))

    def following(smaller_than: int | None, without: list[str]) -> str | None:
        job = journal.next_queued(without_jobs=without, smaller_than=smaller_than)
        return job and job.id

    assert following(None, []) == following(4097, []) == "large"
    assert following(4096, []) == following(64, []) == "odd"
    assert following(4096, ["odd"]) == "small"
    assert following(64, ["odd"]) is None


def test_jobs_can_be_left_out(journal: Journal) -> None:
    for job_id in "abc":
        journal.add(new_job(job_id))
    job = journal.next_queued(without_jobs=["a", "b"])
    assert job is not None
    assert job.id == "c"
    assert journal.next_queued(without_jobs=["a", "b", "c"]) is None


@pytest.mark.parametrize("call", ["add", "start", "restyle", "finish", "fail"])
def test_what_cannot_be_read_again_was_not_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whoever is told of an error acts as if nothing had been done."""
    journal.add(new_job("a"))
    journal.published("a", Path("/share/Outbox/photo.jpg"), {})
    before = journal.get("a")
    arguments = {
        "add": (new_job("b"),),
        "restyle": ("a", (Part(Path("/s"), 1.0),)),
        "fail": ("a", "No."),
    }

    def refuse(*_args: object) -> None:
        raise JournalError("The disk is away.")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "get", refuse)
        with pytest.raises(JournalError, match="away"):
            getattr(journal, call)(*arguments.get(call, ("a",)))
    assert journal.get("a") == before
    assert sum(journal.counts().values()) == 1


def spoil(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE jobs SET {change}")  # noqa: S608 - our own words


def test_a_job_may_have_several_styles_and_companions(journal: Journal) -> None:
    styles = (Part(Path("/s/Waves.jpg"), 0.7), Part(Path("/s/N\udcff.png"), 0.3))
    companions = {"mask": Path("/w/a/photo.mask\udcff.png"), "start": Path("/w/a/x.png")}
    blend = replace(new_job("a"), styles=styles, companions=companions)
    for _ in range(2):
        job = journal.find("a") or journal.add(blend)
        assert (job.styles, job.parts, job.companions) == (styles, styles, companions)
    plain = journal.add(new_job("b"))
    assert (plain.styles, plain.companions) == ((), {})
    assert plain.parts == (Part(plain.style, 1.0),)
    assert len({job, plain, blend}) == 3
    other = (styles[0], Part(Path("/s/N.webp"), 0.3))
    assert journal.restyle("a", other).styles == journal.get("a").parts == other
    assert journal.restyle("b", other[1:]).styles == ()
    assert journal.get("b").style == Path("/s/N.webp")
    assert journal.adopt(replace(blend, id="c"), None, None).styles == styles


SPOILT = [
    "report = '{\"loss'", "stays = '[[1'", "error = CAST(x'ff' AS TEXT)", "relative = 5",
    "styles = '[[1'", "styles = '[[1, 2]]'", "styles = '[[\"00\", \"x\"]]'",
    "companions = '{\"mask\": 1}'", "companions = '[5]'",
]  # fmt: skip


@pytest.mark.parametrize("change", SPOILT)
def test_a_job_that_cannot_be_read_is_damage(journal: Journal, path: Path, change: str) -> None:
    journal.add(new_job("a"))
    assert journal.read_through() == ""
    spoil(path, change)
    with pytest.raises(JournalError, match="damaged"):
        journal.get("a")
    assert journal.damage
    with closing(Journal(path, ticking(), read_only=True)) as reader:
        assert reader.read_through()
