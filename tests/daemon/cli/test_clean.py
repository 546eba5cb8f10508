"""``atelierd clean``: says what would go, and removes it only when it is told to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.configuration import state_folder
from daemon.errors import ExitCode
from daemon.journal import JOURNAL, Journal
from daemon.locking import ShareLock
from daemon.marks import MARK, Marks
from daemon.settings import Settings, ShareSettings
from daemon.share import Share, make_share, open_share

Told = tuple[int, str, str]
DAY = 86_400


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    for folder in (share.outbox, share.originals, share.failed):
        (folder / "Waves").mkdir()
        (folder / "Waves/a.jpg").write_bytes(bytes(2_500_000))
    (share.failed / "Waves/a.jpg - why.txt").write_bytes(b"why")
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    Journal(state / JOURNAL, time.time).close()
    return share


@pytest.fixture(autouse=True)
def _in_a_hundred_days(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time() + 100 * DAY
    monkeypatch.setattr("daemon.cli.clean.time.time", lambda: now)


def clean(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Told:
    places = ["--share.root", str(tmp_path / "share"), "--state_dir", str(tmp_path / "state")]
    with pytest.raises(SystemExit) as ended:
        main(["clean", *arguments, *places])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def files(share: Share) -> list[str]:
    found = (path.relative_to(share.root) for path in share.root.rglob("*.jpg"))
    return sorted(map(str, found))


ALL = ["Failed/Waves/a.jpg", "Originals/Waves/a.jpg", "Outbox/Waves/a.jpg"]


def test_at_first_it_only_says_what_would_go(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = clean(tmp_path, capsys, "--originals-older", "90d", "--failed-older", "8w")
    assert code == ExitCode.OK
    assert out.splitlines() == [
        "    2.5 MB  Originals/Waves/a.jpg",
        "    2.5 MB  Failed/Waves/a.jpg",
        "",
        "2 files, 5.0 MB, would go. Nothing was removed: say --yes to remove them.",
    ]
    assert files(share) == ALL


@pytest.mark.parametrize(
    ("option", "folder"),
    [
        ("--results-older", "Outbox"),
        ("--originals-older", "Originals"),
        ("--failed-older", "Failed"),
    ],
)
def test_what_is_named_goes_and_nothing_else(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, folder: str
) -> None:
    code, out, _ = clean(tmp_path, capsys, option, "90d", "--yes")
    assert (code, out) == (ExitCode.OK, "1 file, 2.5 MB, removed.\n")
    assert files(share) == [name for name in ALL if not name.startswith(folder)]
    assert not (share.root / folder / "Waves").exists()
    assert (share.root / folder).is_dir()


def test_what_is_younger_stays(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = clean(tmp_path, capsys, "--results-older", "1y", "--originals-older", "101d")
    assert (code, out) == (ExitCode.OK, "Nothing is that old.\n")
    code, out, _ = clean(tmp_path, capsys, "--results-older", "101d", "--yes")
    assert (code, out) == (ExitCode.OK, "Nothing was removed.\n")
    assert files(share) == ALL


@pytest.mark.parametrize("age", ["30min", "12h", "90d", "8w"])
def test_an_age_has_one_of_five_units(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str], age: str
) -> None:
    code, out, _ = clean(tmp_path, capsys, f"--results-older={age}", "--yes")
    assert (code, out) == (ExitCode.OK, "1 file, 2.5 MB, removed.\n")
    assert "Outbox/Waves/a.jpg" not in files(share)


@pytest.mark.parametrize(
    "age", ["", "90", "0d", "-1d", "d", "1.5d", "90 days", "9999999d", "soon", "0min", "1m"]
)
def test_an_age_that_is_none_is_refused(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str], age: str
) -> None:
    code, _, err = clean(tmp_path, capsys, f"--results-older={age}", "--yes")
    assert code == ExitCode.USAGE
    assert "is no age. An age is a whole number from 1 on with a unit: 30min, 12h, 90d" in err
    assert files(share) == ALL


def test_it_has_to_be_said_what_may_go(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = clean(tmp_path, capsys, "--yes")
    assert code == ExitCode.USAGE
    assert "--originals-older 90d" in err
    assert files(share) == ALL


def test_whose_jobs_nobody_knows_nothing_goes(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ShareLock(tmp_path / "another", share.work):
        code, _, err = clean(tmp_path, capsys, "--results-older", "1d", "--yes")
    assert code == ExitCode.FAILED
    assert "Set state_dir" in err
    assert files(share) == ALL


def test_without_a_journal_it_is_only_said(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state_folder(Settings(state_dir=tmp_path / "state"), share, {}) / JOURNAL).unlink()
    assert "would go" in clean(tmp_path, capsys, "--results-older", "1d")[1]
    code, _, err = clean(tmp_path, capsys, "--results-older", "1d", "--yes")
    assert code == ExitCode.USAGE
    assert "--state_dir" in err
    assert files(share) == ALL


def test_from_another_disk_nothing_goes(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Marks(share, state_folder(Settings(state_dir=tmp_path / "state"), share, {})).settle()
    (share.root / MARK).unlink()
    code, _, err = clean(tmp_path, capsys, "--originals-older", "1d", "--yes")
    assert code != ExitCode.OK
    assert "is not the one that it was" in err
    assert files(share) == ALL


def test_of_many_some_are_listed(
    share: Share, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        (share.outbox / f"{number:02}.jpg").write_bytes(b"x")
    _, out, _ = clean(tmp_path, capsys, "--results-older", "1d")
    assert "            and 11 more files\n\n31 files, 2.5 MB, would go." in out
