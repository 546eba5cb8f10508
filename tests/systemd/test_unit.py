"""The unit file: systemd understands all of it, and it keeps what the program promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.errors import ExitCode

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "atelierd.service"


def values(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.MULTILINE)


def value(key: str) -> str:
    (only,) = values(key)
    return only


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("needs systemd-analyze, which is not on this machine")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy that starts a command which is there: systemd complains of missing ones."""
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text())
    path = tmp_path / UNIT.name
    path.write_text(text)
    return path


def verify(analyze: str, unit: Path) -> str:
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    # Other units of the machine are looked at too; what is wrong with those is not ours.
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    return "\n".join(ours)


def test_systemd_finds_nothing_wrong(analyze: str, unit: Path) -> None:
    assert verify(analyze, unit) == ""


def test_systemd_would_find_something_wrong(analyze: str, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=mixde"))
    assert "mixde" in verify(analyze, unit)


def test_little_is_exposed(analyze: str, unit: Path) -> None:
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--json=short", "--threshold=15", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("needs a systemd-analyze that can judge a unit offline (250 and later)")
    open_points = {row["json_field"] for row in json.loads(done.stdout) if not row["set"]}
    # What the README gives a reason for, and what follows from having a share at all.
    assert done.returncode == 0, open_points


def test_the_command_is_a_whole_path_and_names_the_settings() -> None:
    command, *arguments = value("ExecStart").split()
    assert Path(command).is_absolute()
    assert Path(command).name == "atelierd"
    assert arguments == ["run", "--config", "/etc/atelierd/config.toml"]


def test_the_share_is_mounted_and_writable() -> None:
    assert values("RequiresMountsFor") == values("ReadWritePaths")


def test_the_daemon_has_time_to_end_and_is_alone_asked_to() -> None:
    assert value("KillMode") == "mixed"
    assert int(value("TimeoutStopSec")) > 10


def test_an_engine_that_the_kernel_kills_does_not_stop_the_daemon() -> None:
    assert value("OOMPolicy") == "continue"


def test_what_needs_a_person_is_not_tried_again() -> None:
    wanted = {ExitCode.USAGE, ExitCode.WEIGHTS}
    assert {int(code) for code in value("RestartPreventExitStatus").split()} == wanted


def test_the_readme_puts_in_place_what_the_unit_expects() -> None:
    readme = (FOLDER / "README.md").read_text()
    paths = [value("ExecStart").split()[0], value("ReadWritePaths"), value("WorkingDirectory")]
    for path in [*paths, value("ExecStart").split()[-1], f"useradd --system --home-dir {paths[2]}"]:
        assert path in readme
