"""What is said where systemd keeps the service, and when that is so."""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from daemon import by_systemd


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, True),
        ({"SYSTEMD_EXEC_PID": "7", "INVOCATION_ID": "abc"}, True),
        ({"SYSTEMD_EXEC_PID": "6", "INVOCATION_ID": "abc"}, False),  # a terminal's
        ({"NOTIFY_SOCKET": ""}, False),
        ({}, False),
    ],
)
def test_a_service_is_told_from_a_terminal_that_is_one(
    environ: dict[str, str], *, wanted: bool
) -> None:
    assert by_systemd.starts_us(environ, 7) is wanted


def test_the_command_can_be_typed_as_it_stands() -> None:
    told = by_systemd.how_to_make(Path("/srv/our atelier"), "/opt/atelierd/bin/atelierd")
    _, command, where = told.split("`")
    *words, inner = shlex.split(command)
    assert words == ["sudo", "-u", "atelierd", "sh", "-c"]
    umask, program = inner.split("; ")
    assert umask == "umask 0002"
    assert shlex.split(program) == ["/opt/atelierd/bin/atelierd", "init", "/srv/our atelier"]
    assert "step 4 of docs/install.md" in where
    assert "sudo -u painter " in by_systemd.how_to_make(Path("/srv"), "-m", "painter")


def test_the_page_about_installing_has_that_command_in_that_step() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "install.md"
    steps = page.read_text(encoding="utf-8").split("\n## ")
    (step,) = (one for one in steps if one.startswith("4. "))
    told = by_systemd.how_to_make(Path("/srv/atelier"), "/opt/atelierd/bin/atelierd")
    assert told.split("`")[1] in step


def test_a_user_has_a_name_or_none() -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert by_systemd.user_of(os.geteuid()) == me
    assert by_systemd.user_of(2**31 - 5) is None


def test_root_s_folders_are_closed_to_a_service_with_a_user_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots = Path("/usr")
    assert roots.stat().st_uid == 0
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
    assert not by_systemd.is_closed_to_service(roots)
    monkeypatch.setattr(pwd, "getpwnam", {"atelierd": SimpleNamespace(pw_uid=990)}.__getitem__)
    assert by_systemd.is_closed_to_service(roots)
    monkeypatch.setattr(pwd, "getpwnam", {"atelierd": SimpleNamespace(pw_uid=0)}.__getitem__)
    assert not by_systemd.is_closed_to_service(roots)
