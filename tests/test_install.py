"""`make install` and `make uninstall`, into a folder of a test: without root and network."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = "etc/systemd/system/atelierd.service"
CONFIG = "etc/atelierd/config.toml"
FILES = [CONFIG, "etc/sysusers.d/atelierd.conf", UNIT, "etc/tmpfiles.d/atelierd.conf"]


def make(*arguments: str, path: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run it, with no package registry to be reached."""
    unwanted = ("ATELIERD_", "MAKE", "MFLAGS", "PYTHON", "PIP_", "PREFIX", "DESTDIR", "CLUSTER")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    kept |= {"PATH": f"{path}:{kept['PATH']}" if path else kept["PATH"]}
    kept |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=kept,
        capture_output=True, text=True, check=check,
    )  # fmt: skip


def files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def test_the_files_are_put_in_place(tmp_path: Path) -> None:
    make("install-files", f"DESTDIR={tmp_path}", "PREFIX=/usr/local/atelierd")
    assert files(tmp_path) == sorted(FILES)
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in FILES} == {"0o644"}
    unit = (tmp_path / UNIT).read_text()
    assert "ExecStart=/usr/local/atelierd/bin/atelierd run" in unit
    assert "Documentation=file:/usr/local/atelierd/share/doc/atelierd/" in unit
    assert "/opt/atelierd" not in unit
    make("install-files", f"DESTDIR={tmp_path}")
    assert (tmp_path / UNIT).read_text() == (ROOT / "systemd/atelierd.service").read_text()


def test_the_unit_of_a_painter_is_put_in_place_if_it_is_wanted(tmp_path: Path) -> None:
    painter = "etc/systemd/system/atelierd-worker.service"
    make("install-files", f"DESTDIR={tmp_path}", "PREFIX=/usr/local/atelierd", "CLUSTER=1")
    assert files(tmp_path) == sorted([*FILES, painter])
    unit = (tmp_path / painter).read_text()
    assert "ExecStart=/usr/local/atelierd/bin/atelierd worker" in unit
    assert "/opt/atelierd" not in unit
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/usr/local/atelierd")
    assert files(tmp_path) == [CONFIG]


def test_settings_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / CONFIG).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text("mine\n")
    make("install-files", f"DESTDIR={tmp_path}")
    assert (tmp_path / CONFIG).read_text() == "mine\n"


def test_taking_it_away_leaves_what_is_people_s(tmp_path: Path) -> None:
    make("install-files", f"DESTDIR={tmp_path}")
    program = tmp_path / "opt/atelierd"
    kept = ["srv/atelier/Outbox/a.jpg", "var/lib/atelierd/journal.sqlite"]
    for name in ["opt/atelierd/pyvenv.cfg", "opt/atelierd/bin/atelierd", *kept]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    done = make("uninstall", f"DESTDIR={tmp_path}")
    assert not program.exists()
    assert files(tmp_path) == sorted([CONFIG, *kept])
    assert "Kept:" in done.stdout


@pytest.mark.parametrize("target", ["install-program", "uninstall"])
def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path: Path, target: str) -> None:
    other = tmp_path / "usr/local/bin/other"
    other.parent.mkdir(parents=True)
    other.touch()
    done = make(target, f"DESTDIR={tmp_path}", "PREFIX=/usr/local", check=False)
    assert files(tmp_path) == ["usr/local/bin/other"]
    if target == "install-program":
        assert done.returncode != 0
        assert "holds something else" in done.stderr


@pytest.mark.parametrize("target", ["install", "uninstall"])
def test_only_root_may_change_the_machine(tmp_path: Path, target: str) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    done = make(target, "PREFIX=/nowhere/atelierd", path=str(tmp_path), check=False)
    assert done.returncode != 0
    assert "This is for root" in done.stderr


@pytest.mark.parametrize("prefix", ["", "atelierd"])
def test_half_a_path_is_refused(tmp_path: Path, prefix: str) -> None:
    done = make("install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}", check=False)
    assert done.returncode != 0
    assert "whole path" in done.stderr
    assert files(tmp_path) == []


# The unit has ProtectHome and PrivateTmp: what lies there is not there for the service.
CLOSED = [
    *("/home/ann/atelierd", "/root", "/run/user/1/atelierd", "/opt/../home/ann"),
    *("/tmp/atelierd", "/var/tmp/atelierd"),  # noqa: S108 - refused
]


@pytest.mark.parametrize("prefix", CLOSED)
def test_a_place_that_is_closed_to_the_service_is_refused(tmp_path: Path, prefix: str) -> None:
    done = make("install-files", f"DESTDIR={tmp_path}", f"PREFIX={prefix}", check=False)
    assert done.returncode != 0
    assert f"The service may not look into {prefix}" in done.stderr
    assert files(tmp_path) == []


def test_a_link_into_a_home_is_no_way_round(tmp_path: Path) -> None:
    """On the machine itself alone: in a package's folder a link leads elsewhere."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    (tmp_path / "id").chmod(0o755)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        Path(folder, "opt").symlink_to("/home")
        for name, returncode in (("opt/atelierd", 2), ("atelierd", 0)):
            prefix = f"PREFIX={folder}/{name}"
            done = make("install-check", prefix, path=str(tmp_path), check=False)
            assert done.returncode == returncode, done.stderr
            assert ("may not look into" in done.stderr) == bool(returncode)


@pytest.mark.parametrize("sign", [" ", "|", "&", "%", "\\", "#", ";", "'", "\t", "ä"])
def test_a_name_that_cannot_stand_in_the_unit_is_refused(tmp_path: Path, sign: str) -> None:
    done = make("install-files", f"DESTDIR={tmp_path}", f"PREFIX=/opt/my{sign}place", check=False)
    assert done.returncode != 0
    assert "PREFIX may have no spaces in it" in done.stderr
    assert files(tmp_path) == []


@pytest.mark.parametrize("prefix", ["/home/ann/atelierd", "/opt/my place"])
def test_of_the_program_nothing_is_put_there_either(tmp_path: Path, prefix: str) -> None:
    done = make("install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}", check=False)
    assert done.returncode != 0
    assert "make install PREFIX=/opt/atelierd" in done.stderr
    assert files(tmp_path) == []


def test_what_an_older_version_put_into_a_home_can_be_taken_away(tmp_path: Path) -> None:
    program = tmp_path / "home/ann/my place"
    (program / "bin").mkdir(parents=True)
    for name in ("pyvenv.cfg", "bin/atelierd"):
        (program / name).touch()
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/home/ann/my place")
    assert not program.exists()


def test_the_user_is_made_on_the_machine_alone(tmp_path: Path) -> None:
    """What a package's own folder is made for is another machine."""
    steps = make("-n", "install", f"DESTDIR={tmp_path}").stdout
    for step in ("-m venv", "--require-hashes", "systemd-sysusers", "systemd-tmpfiles", "/doc/"):
        assert step in steps
    make("install-user", f"DESTDIR={tmp_path}")
    assert files(tmp_path) == sorted(FILES)
