"""Settings that name another work folder while photos wait in the old one, and other folders."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from daemon.errors import ExitCode, ShareError
from daemon.jobs import NewJob
from daemon.journal import Journal
from daemon.left_behind import refuse_left_behind
from daemon.settings import ShareSettings
from daemon.share import open_share
from tests.daemon.test_opening import have_one_taken
from tests.daemon.test_run import Program, grey, program

__all__ = ["program"]


def test_who_waits_in_another_work_folder_is_counted_and_named(tmp_path: Path) -> None:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    old = replace(share, work=tmp_path / "old")
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path, lambda: 1.0)) as journal:
        for number, below in enumerate(("a.jpg", "Party/content.jpg", "c.jpg")):
            content = old.work / "jobs" / f"job-{number}" / below
            new = NewJob(
                f"job-{number}", "", "Waves", PurePath(below), content, share.styles / "Waves.jpg",
                None, "{}",
            )  # fmt: skip
            journal.add(new)
        journal.start("job-0")
        journal.fail("job-2", "It is over.")
        refuse_left_behind(old, journal, path)
        with pytest.raises(ShareError) as caught:
            refuse_left_behind(share, journal, path)
    told = str(caught.value)
    assert f"2 photos wait in {old.work}," in told
    assert f"share.work is {share.work} by now" in told
    assert f"move the journal {path} away" in told


def test_with_another_work_folder_it_does_not_start_and_what_it_says_to_do_helps(
    program: Program,
) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    have_one_taken(program)
    assert program.start("--share.work", "other").wait(60) == ExitCode.USAGE
    assert f"1 photo waits in {program.share / '.atelierd'}," in program.text()
    assert "Traceback" not in program.text()
    assert program.jobs() == {"queued": 1}
    assert program.files("Failed") == []
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Waves/a.jpg"]
    assert program.once("--share.work", "other") == ExitCode.OK, program.text()


def test_a_work_folder_that_was_moved_with_its_photos_is_gone_on_with_by_a_new_journal(
    program: Program,
) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    have_one_taken(program)
    (program.share / ".atelierd").rename(program.share / "other")
    assert program.once("--share.work", "other") == ExitCode.USAGE
    program.state("journal.sqlite").rename(program.folder / "away")
    assert program.once("--share.work", "other") == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Waves/a.jpg"]
    assert program.files("Originals") == ["Waves/a.png"]


def test_all_other_folders_may_change_while_photos_wait(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    have_one_taken(program)
    names = ("inbox", "outbox", "styles", "originals", "failed")
    others = [word for name in names for word in (f"--share.{name}", f"New {name}")]
    assert program.once(*others) == ExitCode.OK, program.text()
    assert program.files("New outbox") == ["Waves/a.jpg"]
    assert program.files("New originals") == ["Waves/a.png"]
    assert program.files("Failed") == program.files("New failed") == []
