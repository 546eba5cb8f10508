"""Saving a painting on its way: how often, where, and until when."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from daemon.checkpoints import Checkpoints, Saving
from engine import snapshot
from engine.errors import SnapshotError


class Work:
    """Counts how often it is saved; each time takes as long as the test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.saved: list[float] = []

    def clock(self) -> float:
        return self.now

    def save(self, path: Path) -> bool:
        self.saved.append(self.now)
        self.now += self.takes
        path.write_bytes(b"")
        return True


def steps(work: Work, saving: Saving, seconds: float, number: int) -> None:
    for _ in range(number):
        work.now += seconds
        saving.save_if_due(work)


def test_it_is_saved_at_intervals(tmp_path: Path) -> None:
    work = Work()
    steps(work, Saving(tmp_path / "new" / "a", 60.0, work.clock), 7.0, 40)
    assert work.saved == [63.0, 126.0, 189.0, 252.0]


@pytest.mark.parametrize("seconds", [60.0, 3600.0])
def test_where_a_step_takes_long_it_is_saved_after_each(tmp_path: Path, seconds: float) -> None:
    work = Work()
    steps(work, Saving(tmp_path / "a", seconds, work.clock), 11.0, 5)
    assert work.saved == [11.0, 22.0, 33.0, 44.0, 55.0]


def test_after_long_steps_also_saving_takes_a_twentieth_of_the_time_at_most(
    tmp_path: Path,
) -> None:
    work = Work()
    work.takes = 5.0
    saving = Saving(tmp_path / "a", 60.0, work.clock)
    steps(work, saving, 100.0, 5)  # 100 s are twenty times 5 s
    assert work.saved == [100.0, 205.0, 310.0, 415.0, 520.0]
    work.takes, work.saved = 6.0, []
    steps(work, saving, 100.0, 6)
    assert work.saved == [625.0, 831.0, 1037.0]


def test_the_time_of_saving_is_none_of_a_step(tmp_path: Path) -> None:
    work = Work()
    work.takes = 11.0
    steps(work, Saving(tmp_path / "a", 1000.0, work.clock), 9.0, 200)
    assert work.saved == [1008.0]


def test_what_cannot_be_saved_after_a_long_step_is_tried_no_more_often_than_else(
    tmp_path: Path,
) -> None:
    work = Work()
    (tmp_path / "file").touch()
    saving, failures = Saving(tmp_path / "file" / "a", 60.0, work.clock), []
    for _ in range(9):
        work.now += 20.0
        try:
            saving.save_if_due(work)
        except OSError:
            failures.append(work.now)
    assert failures == [20.0, 80.0, 140.0]


def test_saving_takes_a_twentieth_of_the_time_at_most(tmp_path: Path) -> None:
    work = Work()
    work.takes = 10.0
    steps(work, Saving(tmp_path / "a", 60.0, work.clock), 10.0, 100)
    assert work.saved == [60.0, 270.0, 480.0, 690.0, 900.0]


def test_with_0_it_is_saved_only_when_it_is_asked_for(tmp_path: Path) -> None:
    work = Work()
    saving = Saving(tmp_path / "a", 0.0, work.clock)
    steps(work, saving, 1000.0, 10)
    assert work.saved == []
    saving.save(work)
    assert work.saved == [10_000.0]


def test_without_a_file_it_is_never_saved() -> None:
    work = Work()
    saving = Saving(Checkpoints(None).path("a"), 60.0, work.clock)
    steps(work, saving, 1000.0, 10)
    saving.save(work)
    assert work.saved == []


def test_what_could_not_be_saved_is_tried_after_a_while(tmp_path: Path) -> None:
    work = Work()
    (tmp_path / "file").touch()
    saving = Saving(tmp_path / "file" / "a", 60.0, work.clock)
    work.now = 61.0
    with pytest.raises(OSError, match="exists"):
        saving.save_if_due(work)
    work.now = 120.0
    saving.save_if_due(work)
    work.now = 121.0
    with pytest.raises(OSError, match="exists"):
        saving.save_if_due(work)


def test_jobs_that_are_over_leave_nothing(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path)
    for job_id in ("a", "b", "c"):
        path = saved.path(job_id)
        assert path is not None
        snapshot.write(path, job_id, snapshot.State())
    (tmp_path / f"a.snapshotx{snapshot.PART}").touch()  # of a crash
    saved.forget("c")
    saved.forget("c")
    saved.sweep(["a", "z"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.snapshot"]
    found = saved.open("a")
    assert found is not None
    with closing(found):
        assert found.identity == "a"
    assert saved.open("b") is None


def test_what_an_engine_that_was_killed_has_left_half_written_goes_with_its_job(
    tmp_path: Path,
) -> None:
    for name in ("a.snapshot", f"a.snapshotx{snapshot.PART}", f"b.snapshoty{snapshot.PART}"):
        (tmp_path / name).touch()
    Checkpoints(tmp_path).forget("a")
    assert [path.name for path in tmp_path.iterdir()] == [f"b.snapshoty{snapshot.PART}"]


def test_one_that_cannot_be_removed_keeps_no_other_one(tmp_path: Path) -> None:
    names = [f"{job_id}.snapshot" for job_id in "abcde"]
    for name in names[::2]:
        (tmp_path / name).touch()
    for name in names[1::2]:
        (tmp_path / name).mkdir()
    Checkpoints(tmp_path).sweep([])
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1::2]


def test_a_damaged_one_is_an_error_and_none_is_not(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path)
    (tmp_path / "a.snapshot").write_bytes(b"PK")
    with pytest.raises(SnapshotError, match="damaged"):
        saved.open("a")
    assert Checkpoints(None).open("a") is None
    Checkpoints(None).sweep([])
    Checkpoints(tmp_path / "none").sweep([])
