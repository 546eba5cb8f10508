"""What is different where systemd keeps the service: it has a user of its own.

A share that root makes by hand belongs to root, and that user cannot write to it. docs/install.md
tells the same step by step.
"""

from __future__ import annotations

import pwd
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from daemon.names import printable

USER: Final = "atelierd"
"""The user that `systemd/atelierd.sysusers.conf` makes."""

START: Final = "sudo systemctl enable --now atelierd"
"""How the service is started, now and with the machine."""

_PAGE: Final = "step 4 of docs/install.md"


def starts_us(environ: Mapping[str, str], pid: int) -> bool:
    """Whether it is systemd that started this process, as a service.

    ``INVOCATION_ID`` alone does not tell: a terminal on a desktop hands that of its own service on.

    Args:
        environ: the environment.
        pid: of this process.
    """
    return bool(environ.get("NOTIFY_SOCKET")) or environ.get("SYSTEMD_EXEC_PID") == str(pid)


def how_to_make(root: Path, program: str, user: str | None = None) -> str:
    """How a person makes the share that a service of systemd keeps, to go on in a sentence.

    Args:
        root: of the share.
        program: how this one was called.
        user: of the service; without one, its usual one.
    """
    name = program if Path(program).is_absolute() else "atelierd"
    inner = f"umask 0002; {shlex.join([name, 'init', str(root)])}"
    command = shlex.join(["sudo", "-u", user or USER, "sh", "-c", inner])
    return f"`{printable(command)}` ({_PAGE})"


def user_of(uid: int) -> str | None:
    """The name of a user; None for one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def is_closed_to_service(folder: Path) -> bool:
    """Whether a folder is root's, on a machine where the service has a user of its own.

    Args:
        folder: it is there.
    """
    try:
        service = pwd.getpwnam(USER).pw_uid
    except KeyError:
        return False
    return folder.stat().st_uid == 0 != service
