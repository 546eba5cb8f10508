"""``atelierd retry``: failed photos go back into the inbox."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

import pytest
from PIL import Image

from daemon import retrying
from daemon.cli import main
from daemon.cli import retry as command
from daemon.cli.failures import INTERRUPTED
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.locking import ShareLock
from daemon.prospects import verdicts
from daemon.reasons import ALL_CANCELLED, NO_PICTURE
from daemon.retrying import Parcel
from daemon.settings import Settings, ShareSettings
from daemon.share import Share, make_share, open_share
from tests.daemon import child_stand_ins as stand_ins

Told = tuple[int, str, str]
Retry = Callable[..., Told]

INCOMPLETE = "The file is incomplete: its end is missing. Copy it again from where it came from."


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


@pytest.fixture
def _failed(share: Share) -> None:
    for name in ("Waves/a.jpg", "Waves/b.jpg", "Dots/b.jpg", "Waves/text.doc"):
        path = share.failed / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".jpg":
            Image.new("RGB", (48, 48), (200, 10, 30)).save(path)
        else:
            path.write_bytes(name.encode())


@pytest.fixture
def state(share: Share, tmp_path: Path) -> Path:
    return state_folder(Settings(state_dir=tmp_path / "state"), share, {})


@pytest.fixture
def retry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Retry:
    places = ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]

    def run(*arguments: str) -> Told:
        with pytest.raises(SystemExit) as ended:
            main(["retry", *arguments, *places])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def new_job(share: Share, name: str, place: str) -> NewJob:
    """What is in the journal of a photo that was taken."""
    photo = PurePath(place)
    claim, style = share.work / "jobs" / name / photo.name, share.styles / "Waves.jpg"
    return NewJob(name, "Waves", "Waves", photo, claim, style, None, "{}")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("_failed")
def test_one_photo_by_its_name(share: Share, retry: Retry) -> None:
    code, out, _ = retry("a.jpg")
    assert code == ExitCode.OK
    assert out == "Back in the inbox: Waves/a.jpg\nIt is painted once the service runs.\n"
    assert files(share.inbox) == ["Waves/a.jpg"]


@pytest.mark.usefixtures("_failed")
def test_a_name_that_two_have_moves_nothing(share: Share, retry: Retry) -> None:
    code, out, err = retry("a.jpg", "b.jpg")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "Say which one, with its folder: Dots/b.jpg, Waves/b.jpg." in err
    assert files(share.inbox) == []
    code, _, _ = retry("Failed/Dots/b.jpg", str(share.failed / "Waves/b.jpg"))
    assert code == ExitCode.OK
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]


@pytest.mark.usefixtures("_failed")
def test_all_but_what_would_fail_again(share: Share, state: Path, retry: Retry) -> None:
    (share.failed / "Waves/torn.jpg").write_bytes((share.failed / "Waves/a.jpg").read_bytes()[:-10])
    with ShareLock(state, share.work):  # a service runs: nothing need be said of one
        code, out, _ = retry("--all")
    assert code == ExitCode.OK
    assert out.splitlines() == [
        "Back in the inbox: Dots/b.jpg",
        "Back in the inbox: Waves/a.jpg",
        "Back in the inbox: Waves/b.jpg",
        f"Left where it is: Waves/text.doc. {NO_PICTURE}",
        f"Left where it is: Waves/torn.jpg. {INCOMPLETE}",
        "What is left is tried all the same when you name it.",
    ]
    assert files(share.failed) == ["Waves/text.doc", "Waves/torn.jpg"]
    assert retry("text.doc", "torn.jpg")[0] == ExitCode.OK
    assert files(share.failed) == []


@pytest.mark.usefixtures("_failed")
@pytest.mark.parametrize("reason", ALL_CANCELLED)
def test_what_was_cancelled_has_to_be_named(
    share: Share, state: Path, retry: Retry, reason: str
) -> None:
    # What ends in the moment of the command may still be on its way.
    with closing(Journal(state / JOURNAL, lambda: time.time() - 60)) as journal:
        journal.add(new_job(share, "1", "Waves/a.jpg"))
        journal.fail("1", reason, share.failed / "Waves/a.jpg")
    code, out, _ = retry("--all")
    assert code == ExitCode.OK
    assert "Left where it is: Waves/a.jpg. Somebody cancelled it.\n" in out
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]
    assert retry("a.jpg")[0] == ExitCode.OK
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/a.jpg", "Waves/b.jpg"]


@pytest.mark.usefixtures("_failed")
def test_that_cancelled_ones_are_not_known_is_said(
    state: Path,
    retry: Retry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = state / JOURNAL
    Journal(path, time.time).close()
    may = os.access
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != path and may(asked, mode))
    code, out, err = retry("--all")
    assert code == ExitCode.OK
    assert "it is not known which photos were cancelled: these are tried again too" in err
    assert "Back in the inbox: Waves/a.jpg" in out
    assert retry("text.doc")[2] == ""


@pytest.mark.usefixtures("_failed")
def test_what_begins_to_be_put_there_meanwhile_is_left_alone(
    share: Share,
    state: Path,
    retry: Retry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(Journal(state / JOURNAL, time.time)) as journal:
        journal.add(new_job(share, "1", "Waves/a.jpg"))

        def busy(*given: Any) -> Iterator[tuple[Parcel, str]]:
            """Looks into them while a service gives a photo of that name up."""
            found = verdicts(*given)
            yield next(found)
            journal.given_up("1", "It is torn.")
            yield from found

        monkeypatch.setattr(command, "verdicts", busy)
        code, out, err = retry("--all")
    assert code == ExitCode.FAILED
    assert "Waves/a.jpg is still being put there" in err
    assert "Back in the inbox: Waves/b.jpg" in out
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]


@pytest.mark.usefixtures("_failed")
def test_of_what_has_gone_meanwhile_nothing_is_said(
    share: Share,
    tmp_path: Path,
    retry: Retry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dragging(*given: Any) -> Iterator[tuple[Parcel, str]]:
        for name in ("Waves/a.jpg", "Waves/text.doc"):
            (share.failed / name).rename(tmp_path / PurePath(name).name)
        yield from verdicts(*given)

    monkeypatch.setattr(command, "verdicts", dragging)
    code, out, err = retry("--all")
    assert (code, err) == (ExitCode.OK, "")
    assert out.splitlines() == [
        "Back in the inbox: Dots/b.jpg",
        "Back in the inbox: Waves/b.jpg",
        "They are painted once the service runs.",
    ]


def test_if_all_has_gone_meanwhile_there_is_none(
    share: Share,
    retry: Retry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dragging(*given: Any) -> Iterator[tuple[Parcel, str]]:
        (share.failed / "a.jpg").unlink()
        yield from verdicts(*given)

    (share.failed / "a.jpg").write_bytes(b"no picture")
    monkeypatch.setattr(command, "verdicts", dragging)
    code, out, err = retry("--all")
    assert (code, out, err) == (ExitCode.OK, "There is no failed photo to try again.\n", "")


@pytest.mark.usefixtures("_failed")
def test_a_command_waits_for_no_reader_for_ever(
    share: Share,
    retry: Retry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck = functools.partial(verdicts, work=stand_ins.reader_that_cannot_start)
    monkeypatch.setattr(command, "verdicts", stuck)
    code, out, err = retry("--all")
    assert (code, out) == (ExitCode.FAILED, "")
    assert err == "atelierd: The photos cannot be looked into just now; name those to try again.\n"
    assert files(share.inbox) == []


@pytest.mark.usefixtures("_failed")
@pytest.mark.parametrize(
    ("many", "told"), [(0, "0 photos are"), (1, "1 photo is"), (2, "2 photos are")]
)
def test_what_was_done_is_said_when_it_is_broken_off(
    share: Share, retry: Retry, monkeypatch: pytest.MonkeyPatch, many: int, told: str
) -> None:
    def broken_off(*given: Any) -> Iterator[tuple[Parcel, str]]:
        yield from itertools.islice(verdicts(*given), many)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "verdicts", broken_off)
    code, out, err = retry("--all")
    assert code == INTERRUPTED
    assert out.count("Back in the inbox") == many
    assert err == f"Broken off: {told} back in the inbox, and all else lies where it lay.\n"
    assert len(files(share.inbox)) == many


@pytest.mark.parametrize("named", [["--all"], ["a.jpg", "b.jpg"]])
def test_a_photo_and_its_style_move_together_also_when_it_is_broken_off(
    share: Share, retry: Retry, monkeypatch: pytest.MonkeyPatch, named: list[str]
) -> None:
    for name in ("a.jpg", "a.style.jpg", "b.jpg", "b.style.jpg"):
        Image.new("RGB", (48, 48), (200, 10, 30)).save(share.failed / name)
    move = retrying._move_one

    def interrupted(source: Path, target: Path) -> None:
        move(source, target)
        if source.name == "a.style.jpg":
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(retrying, "_move_one", interrupted)
    code, out, err = retry(*named)
    assert code == INTERRUPTED
    assert out == "Back in the inbox: a.jpg\n"
    assert err == "Broken off: 1 photo is back in the inbox, and all else lies where it lay.\n"
    assert files(share.inbox) == ["a.jpg", "a.style.jpg"]
    assert files(share.failed) == ["b.jpg", "b.style.jpg"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_failed")
def test_a_default_style_of_no_use_is_foreseen(share: Share, retry: Retry) -> None:
    (share.styles / "Waves.jpg").write_bytes(b"no picture")
    (share.failed / "Waves/a.jpg").rename(share.failed / "a.jpg")
    _, out, _ = retry("--all", "--paint.default_style", "Waves")
    assert "Left where it is: a.jpg. The style picture Waves.jpg cannot be used." in out


@pytest.mark.usefixtures("_failed")
def test_limits_of_the_settings_are_heeded(share: Share, retry: Retry) -> None:
    Image.new("RGB", (1200, 1200), (200, 10, 30)).save(share.failed / "Dots/b.jpg")
    code, out, _ = retry("--all", "--watch.max_megapixels", "1")
    assert code == ExitCode.OK
    assert "Left where it is: Dots/b.jpg. " in out
    assert files(share.inbox) == ["Waves/a.jpg", "Waves/b.jpg"]
    retry("--all")
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/a.jpg", "Waves/b.jpg"]


@pytest.mark.usefixtures("_failed")
def test_one_that_cannot_go_keeps_no_other(share: Share, retry: Retry) -> None:
    (share.inbox / "Waves").mkdir()
    (share.inbox / "Waves/a.jpg").write_bytes(b"another one")
    code, out, err = retry("--all")
    assert code == ExitCode.FAILED
    assert "Back in the inbox: Waves/b.jpg" in out
    assert "there is a a.jpg in" in err or "a.jpg" in err
    assert (share.inbox / "Waves/a.jpg").read_bytes() == b"another one"
    assert (share.failed / "Waves/a.jpg").exists()


@pytest.mark.usefixtures("_failed")
def test_what_is_still_being_put_there_is_left_alone(
    share: Share, state: Path, retry: Retry
) -> None:
    with closing(Journal(state / JOURNAL, time.time)) as journal:
        for name in ("a", "b"):
            journal.add(new_job(share, name, f"Waves/{name}.jpg"))
        journal.given_up("a", "It is torn.")
        code, out, err = retry("--all")
        assert code == ExitCode.FAILED
        assert "Waves/a.jpg is still being put there; try again in a moment" in err
        assert "Waves/b.jpg" in out  # another of that name only waits to be painted
        assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]
        journal.fail("a", "It is torn.")
    assert retry("a.jpg")[0] == ExitCode.OK


def test_nothing_to_try_again(share: Share, retry: Retry) -> None:
    assert files(share.failed) == []
    code, out, _ = retry("--all")
    assert (code, out) == (ExitCode.OK, "There is no failed photo to try again.\n")
    code, _, err = retry("a.jpg")
    assert code == ExitCode.USAGE
    assert "No photo called a.jpg lies in the folder for failed photos." in err


@pytest.mark.parametrize("arguments", [[], ["--all", "a.jpg"]])
@pytest.mark.usefixtures("share")
def test_it_has_to_be_said_which(retry: Retry, arguments: list[str]) -> None:
    code, _, err = retry(*arguments)
    assert code == ExitCode.USAGE
    assert "or say --all" in err


def test_no_share_no_retry(retry: Retry) -> None:
    code, _, err = retry("--all")
    assert code == ExitCode.USAGE
    assert "There is no share" in err
