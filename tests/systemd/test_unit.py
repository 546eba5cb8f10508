"""The unit file: systemd understands all of it, and it keeps what the program promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.configuration import load, state_folder
from daemon.errors import ExitCode
from daemon.share import open_share

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "atelierd.service"


README = FOLDER / "README.md"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file of settings that the README puts in place."""
    (text,) = re.findall(
        r"tee /etc/atelierd/config\.toml <<'TOML'\n(.*?)^TOML$",
        README.read_text(), re.DOTALL | re.MULTILINE,
    )  # fmt: skip
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


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


def test_the_settings_mean_the_folders_of_the_unit(config: Path) -> None:
    settings = load(config, {}, {}).settings
    state = Path("/var/lib", value("StateDirectory"))
    assert str(settings.share.root) == value("ReadWritePaths")
    assert settings.state_dir == state == Path(value("WorkingDirectory"))
    assert state in settings.engine.weights.parents


def test_a_shell_finds_the_state_where_the_service_keeps_it(config: Path) -> None:
    """The service is told its folder by systemd, a shell by the settings."""
    systemds = {"STATE_DIRECTORY": f"/var/lib/{value('StateDirectory')}"}
    settings = load(config, {}, {}).settings
    share = open_share(settings.share)
    in_a_shell = state_folder(settings, share, {"HOME": "/home/ann"})
    assert state_folder(settings, share, systemds) == in_a_shell
    # Where an installation's settings do not name the folder yet, the service's stays the same.
    before = settings.model_copy(update={"state_dir": None})
    assert state_folder(before, share, systemds) == in_a_shell


def test_the_readme_puts_in_place_what_the_unit_expects() -> None:
    readme = (FOLDER / "README.md").read_text()
    paths = [value("ExecStart").split()[0], value("ReadWritePaths"), value("WorkingDirectory")]
    for path in [*paths, value("ExecStart").split()[-1], f"useradd --system --home-dir {paths[2]}"]:
        assert path in readme
