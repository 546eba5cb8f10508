"""The unit file: systemd understands all of it, and it keeps what the program promises."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon import copying, service
from daemon.configuration import load, state_folder
from daemon.errors import ExitCode
from daemon.notify import EXTENSION_SECONDS
from daemon.settings import Settings
from daemon.share import open_share

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "atelierd.service"


GPU = FOLDER / "gpu.conf"
INSTALL = FOLDER.parent / "docs" / "install.md"


@pytest.fixture
def config() -> Path:
    """The file of settings that is put in place."""
    return FOLDER / "settings.toml"


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


def with_a_card(unit: Path) -> Path:
    """The same with the drop-in for graphics cards beside it."""
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    shutil.copy(GPU, folder)
    return unit


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


def test_systemd_finds_nothing_wrong_with_a_card(analyze: str, unit: Path) -> None:
    assert verify(analyze, with_a_card(unit)) == ""


def test_the_drop_in_for_a_card_is_looked_at(analyze: str, unit: Path) -> None:
    drop_in = with_a_card(unit).with_name(f"{unit.name}.d") / GPU.name
    drop_in.write_text(GPU.read_text().replace("DevicePolicy=closed", "DevicePolicy=clsoed"))
    assert "clsoed" in verify(analyze, unit)


@pytest.mark.parametrize("with_card", [False, True])
def test_little_is_exposed(analyze: str, unit: Path, *, with_card: bool) -> None:
    unit = with_a_card(unit) if with_card else unit
    done = subprocess.run(
        # Tenths: 1.5 of 10.
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


def test_it_names_pages_of_its_own_that_are_installed() -> None:
    installed = "file:/opt/atelierd/share/doc/atelierd/"
    pages = values("Documentation")
    assert pages
    makefile = (FOLDER.parent / "Makefile").read_text()
    (copied,) = re.findall(r"cp -R (.+) \"\$\(manual\)\"", makefile)
    for page in pages:
        assert page.startswith(installed)
        name = page.removeprefix(installed)
        assert (FOLDER.parent / name).is_file()
        assert name.split("/")[0] in copied.split()


def test_the_share_is_mounted_and_writable() -> None:
    assert values("RequiresMountsFor") == values("ReadWritePaths")


def test_the_daemon_has_time_to_end_and_is_alone_asked_to() -> None:
    assert value("KillMode") == "mixed"
    assert int(value("TimeoutStopSec")) > 2 * service._CLOSE_SECONDS


def test_it_is_told_what_only_the_daemon_knows() -> None:
    assert (value("Type"), value("NotifyAccess")) == ("notify", "main")
    assert value("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_the_start_has_time_for_two_words_that_it_goes_on() -> None:
    (minutes,) = re.findall(r"(\d+)min", value("TimeoutStartSec"))
    assert 60 * int(minutes) > 2 * EXTENSION_SECONDS


def test_a_sign_of_life_may_take_as_long_as_one_photo_from_a_slow_share() -> None:
    """Which is read at a stretch, unlike what is moved: that may be of any size."""
    (minutes,) = re.findall(r"(\d+)min", value("WatchdogSec"))
    largest = Settings().watch.max_file_mb
    assert 60 * int(minutes) / 2 > largest  # at a megabyte a second


def test_a_copy_to_the_slowest_of_drives_gives_its_signs_in_time_and_heeds_a_stop() -> None:
    portion = copying.PORTION >> 20  # seconds without a sign, at a megabyte a second
    (minutes,) = re.findall(r"(\d+)min", value("WatchdogSec"))
    assert 60 * int(minutes) / 2 > 5 * portion
    assert 5 * portion < EXTENSION_SECONDS
    assert int(value("TimeoutStopSec")) > 2 * service._CLOSE_SECONDS + portion


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


def test_the_page_about_installing_names_what_the_unit_expects() -> None:
    text = INSTALL.read_text()
    paths = [value("ExecStart").split()[0], value("ReadWritePaths"), value("WorkingDirectory")]
    for path in [*paths, value("ExecStart").split()[-1]]:
        assert path in text


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}, which is not on this machine")
    if os.geteuid() != 0:
        pytest.skip(f"{name} gives files to other users, which needs root")
    return found


def test_user_and_folders_are_made_and_what_is_there_is_left_alone(tmp_path: Path) -> None:
    sysusers, tmpfiles = tool("systemd-sysusers"), tool("systemd-tmpfiles")
    (tmp_path / "etc").mkdir()
    root = f"--root={tmp_path}"
    subprocess.run([sysusers, root, str(FOLDER / "atelierd.sysusers.conf")], check=True)
    (entry,) = (
        line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()
        if line.startswith(f"{value('User')}:")
    )  # fmt: skip
    assert entry[5] == value("WorkingDirectory")
    assert entry[6].endswith("/nologin")
    make = [tmpfiles, root, "--create", str(FOLDER / "atelierd.tmpfiles.conf")]
    subprocess.run(make, check=True)
    share = tmp_path / value("ReadWritePaths").lstrip("/")
    state = tmp_path / value("WorkingDirectory").lstrip("/")
    assert (share.stat().st_mode & 0o7777, share.stat().st_uid) == (0o2755, int(entry[2]))
    assert state.stat().st_mode & 0o7777 == int(value("StateDirectoryMode"), 8)
    share.chmod(0o700)
    os.chown(share, 0, 0)
    subprocess.run(make, check=True)
    assert (share.stat().st_mode & 0o7777, share.stat().st_uid) == (0o700, 0)
