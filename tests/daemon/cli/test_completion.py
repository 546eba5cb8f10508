"""Completion: the scripts, and what a shell is offered for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath

import pytest

from daemon.cli import COMMANDS, main
from daemon.configuration import state_folder
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.settings import Settings, ShareSettings
from daemon.share import make_share, open_share

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """Of the share in the current folder, with a few jobs."""
    monkeypatch.chdir(tmp_path)
    share = open_share(ShareSettings())
    make_share(share)
    state = state_folder(Settings(state_dir=tmp_path / "state"), share, {})
    (share.failed / "Waves").mkdir()
    (share.failed / "Waves/torn.jpg").write_bytes(b"x")
    with closing(Journal(state / JOURNAL, float)) as journal:
        for number, name in enumerate(
            [
                "Starry Night/it's.jpg",
                "Waves/b.jpg",
                "Waves/torn.jpg",
                "Waves/gone.jpg",
                "bad\n.jpg",
            ]
        ):
            path = Path("/jobs") / f"job-{number}" / PurePath(name).name
            style = Path("/styles/a.jpg")
            journal.add(NewJob(f"job-{number}", "W", "W", PurePath(name), path, style, None, "{}"))
        for failed in ("job-2", "job-3"):
            journal.fail(failed, "It is torn.")
        yield journal


def offered(tmp_path: Path, words: str, kind: str = "zsh", **more: str) -> list[str]:
    """What a shell gets as an answer, for a command line whose last word is being typed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ATELIERD_")}
    env |= {"PYTHONPATH": str(ROOT), "_ATELIERD_COMPLETE": f"{kind}_complete", "COMP_WORDS": words}
    env |= {"COMP_CWORD": str(len(words.split()) - (not words.endswith(" ")))} | more
    answer = subprocess.run(
        [sys.executable, "-c", "from daemon.cli import main; main()"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stderr == ""
    return answer.stdout.strip().splitlines()


def test_commands_are_offered_with_what_they_do(tmp_path: Path) -> None:
    lines = offered(tmp_path, "atelierd ")
    assert lines[::3] == ["plain"] * len(COMMANDS)
    assert dict(zip(lines[1::3], lines[2::3], strict=True)) == COMMANDS
    assert offered(tmp_path, "atelierd sty")[1] == "stylize"


def test_options_are_offered(tmp_path: Path) -> None:
    assert "--originals-older" in offered(tmp_path, "atelierd clean --orig")


@pytest.mark.usefixtures("journal")
def test_cancel_offers_what_waits_and_retry_what_has_failed(tmp_path: Path) -> None:
    with_state = "--state_dir state"
    lines = offered(tmp_path, f"atelierd cancel {with_state} ")
    assert lines[1::3] == ["Starry Night/it's.jpg", "Waves/b.jpg"]
    assert offered(tmp_path, f"atelierd cancel {with_state} Wa")[1::3] == ["Waves/b.jpg"]
    assert offered(tmp_path, f"atelierd retry {with_state} ")[1::3] == ["Waves/torn.jpg"]


@pytest.mark.usefixtures("journal")
def test_settings_come_from_everywhere(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('state_dir = "state"\n')
    line = "atelierd cancel --config my.toml Wa"
    assert offered(tmp_path, line)[1::3] == ["Waves/b.jpg"]
    assert offered(tmp_path, "atelierd cancel Wa", ATELIERD_STATE_DIR="state")[1::3] == [
        "Waves/b.jpg"
    ]


@pytest.mark.usefixtures("journal")
def test_for_bash_names_are_written_as_they_have_to_be_typed(tmp_path: Path) -> None:
    lines = offered(tmp_path, "atelierd cancel --state_dir state S", kind="bash")
    assert lines == [r"plain,Starry\ Night/it\'s.jpg"]


def test_between_two_keys_nothing_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("nonsense = \n")
    assert offered(tmp_path, "atelierd cancel --config bad.toml ") == []
    assert offered(tmp_path, "atelierd retry ", HOME=str(tmp_path)) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_understands(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert f"_ATELIERD_COMPLETE={shell}_complete" in script
    if (program := shutil.which(shell)) is not None:
        (tmp_path / "script").write_text(script)
        subprocess.run([program, "-n", tmp_path / "script"], check=True)


def test_another_shell_is_not_helped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
