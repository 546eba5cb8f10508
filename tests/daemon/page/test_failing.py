"""What failed is told as what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from daemon.jobs import Job, JobState
from daemon.page.board import FailureKind
from daemon.page.failing import failure
from daemon.reasons import NO_PICTURE, NOT_READ

WORK = Path("/share/.atelierd/jobs")
STYLES = Path("/share/Styles")
MASK = WORK / "7" / "a.mask.png"


def failed(relative: str, content: str, style: Path, error: str = "It is torn.") -> Job:
    return Job(
        id="7", lane="Waves", style_name="Waves", relative=PurePath(relative),
        content=WORK / "7" / content, style=style, overrides=None, recipe="{}",
        state=JobState.FAILED, attempts=0, queued_at=1.0, started_at=None, finished_at=9.0,
        iteration=None, total=None, eta_seconds=None, result=None, error=error, report=None,
    )  # fmt: skip


PHOTO = failed("Waves/Trip/a.JPG", "a.JPG", STYLES / "Waves.jpg")
PAIR = failed("a.jpg", "a.jpg", WORK / "7" / "a.style.jpg")
FOLDER = failed("Waves/Party/content.jpg", "Party/content.jpg", WORK / "7" / "Party" / "style.jpg")
EMPTY = failed("Waves/list.docx", "list.docx", STYLES / "Waves.jpg")
LIST = replace(EMPTY, error=NO_PICTURE)


@pytest.mark.parametrize(
    ("job", "kind", "name", "back_to"),
    [
        (PHOTO, "photo", "a.JPG", "Inbox > Waves > Trip"),
        (PAIR, "pair", "a.jpg", "Inbox"),
        (replace(PHOTO, companions={"mask": MASK}), "pair", "a.JPG", "Inbox > Waves > Trip"),
        (replace(PAIR, companions={"mask": MASK}), "group", "a.jpg", "Inbox"),
        (
            replace(PHOTO, companions={"mask": MASK, "start": MASK}),
            "group",
            "a.JPG",
            "Inbox > Waves > Trip",
        ),
        (FOLDER, "folder", "Party", "Inbox > Waves"),
        (EMPTY, "file", "list.docx", "Inbox > Waves"),
        (LIST, "no_picture", "list.docx", "Inbox > Waves"),
        (replace(PHOTO, error=NOT_READ), "no_picture", "a.JPG", "Inbox > Waves > Trip"),
        (replace(PAIR, error=NOT_READ), "pair", "a.jpg", "Inbox"),
    ],
)
def test_it_is_called_what_it_is_and_comes_back_where_it_lay(
    job: Job, kind: FailureKind, name: str, back_to: str
) -> None:
    told = failure(job, "Inbox", "Failed/x")
    assert (told.kind, told.name, told.back_to) == (kind, name, back_to)
    own = job.has_own_style
    assert (told.job, told.style, told.finished) == ("7", None if own else "Waves", 9.0)
    assert told.reason == job.error


def test_the_style_of_a_folder_whose_job_toml_names_nonsense_is_not_known() -> None:
    job = replace(FOLDER, style_name="Job.toml", style=FOLDER.content.with_name("Job.toml"))
    assert failure(job, "Inbox", "Failed/x").style == ""


BILL = replace(EMPTY, relative=PurePath("Waves/bill.html"))
BILL_WITH_A_STYLE = failed("bill.html", "bill.html", WORK / "7" / "bill.style.jpg")


@pytest.mark.parametrize("job", [PHOTO, PAIR, FOLDER])
def test_a_photo_or_a_folder_is_a_click_away(job: Job) -> None:
    assert failure(job, "Inbox", "Failed/x").link == "Failed/x"


@pytest.mark.parametrize("job", [EMPTY, LIST, BILL, BILL_WITH_A_STYLE])
def test_what_a_browser_might_run_is_not(job: Job) -> None:
    assert failure(job, "Inbox", "Failed/x").link is None
