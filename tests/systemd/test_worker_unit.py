"""The unit file of a painter: systemd understands it, and it has what a painter needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon.cluster import hand, joining
from daemon.configuration import painters_folder
from daemon.errors import ExitCode
from daemon.settings import Settings
from daemon.toml_text import tomllib

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "atelierd-worker.service"


def value(key: str) -> str:
    (only,) = re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(only)


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("needs systemd-analyze, which is not on this machine")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy that starts a command which is there."""
    path = tmp_path / UNIT.name
    path.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    return path


def test_systemd_finds_nothing_wrong(analyze: str, unit: Path) -> None:
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


def test_little_is_exposed_but_the_network(analyze: str, unit: Path) -> None:
    done = subprocess.run(
        # Tenths: 2.5 of 10.
        [analyze, "security", "--offline=true", "--json=short", "--threshold=25", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("needs a systemd-analyze that can judge a unit offline (250 and later)")
    open_points = {row["json_field"] for row in json.loads(done.stdout) if not row["set"]}
    assert done.returncode == 0, open_points


def test_it_paints_with_the_settings_of_the_machine() -> None:
    assert value("ExecStart").split()[1:] == ["worker", "--config", "/etc/atelierd/config.toml"]


def test_its_start_is_soon_over_and_it_gives_signs_of_life() -> None:
    assert (value("Type"), value("WatchdogSec")) == ("notify", "5min")
    assert "TimeoutStartSec" not in UNIT.read_text()


def test_it_can_write_to_the_folder_of_painters_alone() -> None:
    settings = tomllib.loads((FOLDER / "settings.toml").read_text())
    folder = painters_folder(Settings.model_validate(settings), {})
    assert folder == Path("/var/lib") / value("StateDirectory")
    assert not Path(settings["engine"]["weights"]).is_relative_to(folder)


def test_a_painter_has_time_to_end() -> None:
    most = hand.CLOSE_SECONDS + joining._CLOSE_SECONDS
    assert int(value("TimeoutStopSec")) > 2 * most


def test_wrong_settings_are_not_tried_again() -> None:
    assert int(value("RestartPreventExitStatus")) == ExitCode.USAGE


def test_the_service_has_the_network_with_its_drop_in(analyze: str, tmp_path: Path) -> None:
    service = tmp_path / "atelierd.service"
    text = (FOLDER / service.name).read_text()
    service.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
    folder = tmp_path / f"{service.name}.d"
    folder.mkdir()
    shutil.copy(FOLDER / "cluster.conf", folder)
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--json=short", str(service)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("needs a systemd-analyze that can judge a unit offline (250 and later)")
    is_set = {row["json_field"]: row["set"] for row in json.loads(done.stdout)}
    assert not is_set["PrivateNetwork"]
    assert not is_set["RestrictAddressFamilies_AF_INET_INET6"]
    assert not is_set["IPAddressDeny"]
