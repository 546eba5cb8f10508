"""What the service may do beyond other programs, its children may not."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import privileges

LEASE = 1 << 28  # linux/capability.h: CAP_LEASE

# As systemd starts the service: with this one alone, given on to whatever it starts.
AS_SERVICE = (
    "setpriv",
    "--securebits=+noroot,+noroot_locked",
    "--bounding-set=-all,+lease",
    "--inh-caps=-all,+lease",
    "--ambient-caps=+lease",
    "--no-new-privs",
)

LOOK = """
import re, subprocess, sys
from pathlib import Path

def may():
    return re.search(r"CapEff:\\s*(\\w+)", Path("/proc/self/status").read_text())[1]
"""

TELL = LOOK + "print(may())"

OF_A_CHILD = f"""{LOOK}
def told(*_args, **_more):
    print(may(), flush=True)
    subprocess.run([sys.executable, "-c", {TELL!r}], check=True)
"""

BEFORE = OF_A_CHILD + "told()"

KEEPING = f"""{OF_A_CHILD}
from daemon.cli import run
from daemon.settings import Settings
run._keep = told
run.keep(Settings(), once=True)
"""


def as_service(code: str) -> list[int]:
    """What a program may do that systemd starts with the capability, and what its child may."""
    command = [*AS_SERVICE, sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [int(line, 16) for line in ran.stdout.split()]


def test_the_service_keeps_its_capability_and_its_children_have_none() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to start a program as systemd does")
    if subprocess.run([*AS_SERVICE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("the superuser here has no CAP_LEASE to give away")
    assert as_service(BEFORE) == [LEASE, LEASE]
    assert as_service(KEEPING) == [LEASE, 0]


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_where_there_is_no_such_thing_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(_name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    privileges.keep_from_children()
