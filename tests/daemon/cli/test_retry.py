"""``atelierd retry``: failed photos go back into the inbox."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path, PurePath

import pytest

from daemon.cli import main
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.locking import ShareLock
from daemon.settings import Settings, ShareSettings
from daemon.share import Share, make_share, open_share

Told = tuple[int, str, str]


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
        path.write_bytes(name.encode())


def retry(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Told:
    places = ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]
    with pytest.raises(SystemExit) as ended:
        main(["retry", *arguments, *places])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("_failed")
def test_one_photo_by_its_name(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = retry(tmp_path, capsys, "a.jpg")
    assert code == ExitCode.OK
    assert out == "Back in the inbox: Waves/a.jpg\nIt is painted once the service runs.\n"
    assert files(share.inbox) == ["Waves/a.jpg"]


@pytest.mark.usefixtures("_failed")
def test_a_name_that_two_have_moves_nothing(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = retry(tmp_path, capsys, "a.jpg", "b.jpg")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "Say which one, with its folder: Dots/b.jpg, Waves/b.jpg." in err
    assert files(share.inbox) == []
    code, _, _ = retry(tmp_path, capsys, "Failed/Dots/b.jpg", str(share.failed / "Waves/b.jpg"))
    assert code == ExitCode.OK
    assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]


@pytest.mark.usefixtures("_failed")
def test_all_but_what_is_no_picture(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    with ShareLock(state, share.work):  # a service runs: nothing need be said of one
        code, out, _ = retry(tmp_path, capsys, "--all")
    assert code == ExitCode.OK
    assert out.splitlines() == [
        "Left where it is, since it is no picture: Waves/text.doc",
        "Back in the inbox: Dots/b.jpg",
        "Back in the inbox: Waves/a.jpg",
        "Back in the inbox: Waves/b.jpg",
    ]
    assert files(share.failed) == ["Waves/text.doc"]
    assert retry(tmp_path, capsys, "text.doc")[0] == ExitCode.OK


@pytest.mark.usefixtures("_failed")
def test_one_that_cannot_go_keeps_no_other(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (share.inbox / "Waves").mkdir()
    (share.inbox / "Waves/a.jpg").write_bytes(b"another one")
    code, out, err = retry(tmp_path, capsys, "--all")
    assert code == ExitCode.FAILED
    assert "Back in the inbox: Waves/b.jpg" in out
    assert "there is a a.jpg in" in err or "a.jpg" in err
    assert (share.inbox / "Waves/a.jpg").read_bytes() == b"another one"
    assert (share.failed / "Waves/a.jpg").exists()


@pytest.mark.usefixtures("_failed")
def test_what_is_still_being_put_there_is_left_alone(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    with closing(Journal(state / JOURNAL, time.time)) as journal:
        for name in ("a", "b"):
            photo = PurePath(f"Waves/{name}.jpg")
            claim, style = share.work / "jobs" / name / photo.name, share.styles / "Waves.jpg"
            journal.add(NewJob(name, "Waves", "Waves", photo, claim, style, None, "{}"))
        journal.given_up("a", "It is torn.")
        code, out, err = retry(tmp_path, capsys, "--all")
        assert code == ExitCode.FAILED
        assert "Waves/a.jpg is still being put there; try again in a moment" in err
        assert "Waves/b.jpg" in out  # another of that name only waits to be painted
        assert files(share.inbox) == ["Dots/b.jpg", "Waves/b.jpg"]
        journal.fail("a", "It is torn.")
    assert retry(tmp_path, capsys, "a.jpg")[0] == ExitCode.OK


def test_nothing_to_try_again(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert files(share.failed) == []
    code, out, _ = retry(tmp_path, capsys, "--all")
    assert (code, out) == (ExitCode.OK, "There is no failed photo to try again.\n")
    code, _, err = retry(tmp_path, capsys, "a.jpg")
    assert code == ExitCode.USAGE
    assert "No photo called a.jpg lies in the folder for failed photos." in err


@pytest.mark.parametrize("arguments", [[], ["--all", "a.jpg"]])
@pytest.mark.usefixtures("share")
def test_it_has_to_be_said_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, _, err = retry(tmp_path, capsys, *arguments)
    assert code == ExitCode.USAGE
    assert "or say --all" in err


def test_no_share_no_retry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = retry(tmp_path, capsys, "--all")
    assert code == ExitCode.USAGE
    assert "There is no share" in err
