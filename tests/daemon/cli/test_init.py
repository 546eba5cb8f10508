"""``atelierd init``: a share that can be run, made as often as one likes."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from daemon import by_systemd
from daemon.cli import main
from daemon.errors import ExitCode
from daemon.marks import MARK

STARTERS = ["Brush Strokes", "Dots", "Mosaic", "Waves", "Woodcut"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["init", *arguments])
    captured = capsys.readouterr()
    assert ended.value.code == code
    return captured.err if code else captured.out


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_makes_a_share_with_five_styles_that_are_pictures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = init(capsys, "share")
    folders = {path.name for path in Path("share").iterdir()}
    text_for_visitors = "Read me first.txt"
    assert folders == {
        *("Inbox", "Outbox", "Styles", "Originals", "Failed", ".atelierd"),
        *(text_for_visitors, MARK),
    }
    assert "drop a photo" in (Path("share") / text_for_visitors).read_text().casefold()
    assert sorted(path.name for path in Path("share/Inbox").iterdir()) == STARTERS
    pictures = sorted(Path("share/Styles").iterdir())
    assert [path.stem for path in pictures] == STARTERS
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 256
    assert ", ".join(STARTERS) in text


def test_it_explains_the_folders_in_the_language_of_the_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = init(capsys, "share", "--share.language", "zh")
    assert "--share.language zh" in text
    explained = Path("share/Read me first.txt")
    assert "「Inbox」" in explained.read_text("utf-8")
    init(capsys, "share")
    assert "drop a photo" in explained.read_text("utf-8").casefold()
    explained.write_text("mine")
    init(capsys, "share", "--share.language", "zh")
    assert explained.read_text() == "mine"


def test_twice_is_once(capsys: pytest.CaptureFixture[str]) -> None:
    first = init(capsys, "share")
    before = tree(Path("share/Styles"))
    assert init(capsys, "share") == first
    assert tree(Path("share/Styles")) == before


def test_a_persons_files_and_choice_of_styles_stay(capsys: pytest.CaptureFixture[str]) -> None:
    styles = Path("share/Styles")
    styles.mkdir(parents=True)
    (styles / "Waves.jpg").write_bytes(b"mine")
    text = init(capsys, "share")
    assert [path.name for path in styles.iterdir()] == ["Waves.jpg"]
    assert (styles / "Waves.jpg").read_bytes() == b"mine"
    assert "Styles: Waves\n" in text


def test_a_starter_style_that_was_removed_does_not_come_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    init(capsys, "share")
    Path("share/Styles/Dots.jpg").unlink()
    init(capsys, "share")
    assert not Path("share/Styles/Dots.jpg").exists()
    assert not Path("share/Inbox/Dots").exists()


def test_a_picture_that_a_person_puts_there_meanwhile_stays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def starters() -> Iterator[tuple[str, bytes]]:
        Path("share/Styles/Waves.jpg").write_bytes(b"mine")
        yield "Waves.jpg", b"ours"

    monkeypatch.setattr(importlib.import_module("daemon.cli.init"), "_starters", starters)
    init(capsys, "share")
    assert Path("share/Styles/Waves.jpg").read_bytes() == b"mine"


def test_junk_is_no_style(capsys: pytest.CaptureFixture[str]) -> None:
    Path("share/Styles").mkdir(parents=True)
    Path("share/Styles/._Waves.jpg").write_bytes(b"")
    init(capsys, "share")
    assert Path("share/Styles/Waves.jpg").exists()


def test_without_styles_it_says_where_to_put_one(capsys: pytest.CaptureFixture[str]) -> None:
    text = init(capsys, "share", "--no-styles")
    assert not list(Path("share/Styles").iterdir())
    assert "There is no style yet: put a picture into Styles." in text


def test_the_next_command_means_this_very_share(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path("my.toml").write_text("[share]\noutbox = 'Ausgang'\nroot = 'other'\n")
    text = init(capsys, "it's mine", "--share.inbox", "Ein gang", "--config", "my.toml")
    assert Path("it's mine/Ein gang/Waves").is_dir()
    assert Path("it's mine/Ausgang").is_dir()
    assert not Path("other").exists()
    command = text.splitlines()[-1]
    program, name, *options = shlex.split(command)
    assert (program, name) == ("atelierd", "run")
    # `config` takes the same options as `run`, and shows what they mean.
    with pytest.raises(SystemExit):
        main(["config", *options])
    shown = capsys.readouterr().out
    assert re.search(rf"share.root +{re.escape(str(tmp_path))}/it's mine ", shown)
    assert re.search("share.inbox +Ein gang ", shown)
    assert re.search("share.outbox +Ausgang ", shown)


def test_what_cannot_be_made_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("share").write_text("a file")
    told = init(capsys, "share", code=ExitCode.USAGE)
    assert told.startswith(
        f"atelierd: The folder {Path.cwd()}/share cannot be made, because a file"
    )
    assert "Traceback" not in told


def test_the_folder_that_was_named_is_what_cannot_be_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = init(capsys, "/proc/atelier", code=ExitCode.USAGE)  # where not even root makes anything
    assert told.startswith("atelierd: The folder /proc/atelier cannot be made or written to (")
    assert "share.inbox" not in told
    assert "name another folder for the share.\n" in told
    told = init(capsys, "share", "--share.outbox", "/proc/atelier", code=ExitCode.USAGE)
    assert told.startswith("atelierd: The folder /proc/atelier cannot be made or written to (")
    assert "name another one as share.outbox" in told


def test_root_is_told_that_the_service_has_another_user(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = init(capsys, "a share")
    monkeypatch.setattr(by_systemd, "is_closed_to_service", lambda _folder: True)
    told = init(capsys, "a share")
    root = f"'{Path.cwd()}/a share'"
    assert f"sudo chown -R atelierd:atelierd {root}\n" in told
    assert "docs/install.md" in told
    assert "docs/install.md" not in quiet
    assert told.splitlines()[-2:] == quiet.splitlines()[-2:]


def test_the_service_s_user_is_told_how_the_service_is_started(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = init(capsys, "share")
    monkeypatch.setattr(by_systemd, "user_of", lambda _uid: by_systemd.USER)
    told = init(capsys, "share")
    assert told.splitlines()[-1].strip() == by_systemd.START
    assert by_systemd.START not in quiet
    page = Path(__file__).resolve().parents[3] / "docs" / "install.md"
    assert f"\n{by_systemd.START}\n" in page.read_text(encoding="utf-8")


def test_the_folder_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    told = init(capsys, "one", "--share.root", "two", code=ExitCode.USAGE)
    assert "No such option" in told
    assert not Path("one").exists()


def test_folders_inside_one_another_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    init(capsys, "share", "--share.outbox", "Inbox/Out", code=ExitCode.USAGE)
    assert not Path("share").exists()
