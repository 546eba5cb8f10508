"""Whose files a command makes: those of root would be closed to the service."""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path

from daemon.errors import UsageError
from daemon.names import printable


def expect_owner(folder: Path, command: str) -> None:
    """See that root does not do what the user of a folder is to do.

    Args:
        folder: whose owner is meant.
        command: the command's name, to say how it is typed.

    Raises:
        UsageError: root would leave files behind that the service could not touch.
    """
    try:
        owner = folder.stat().st_uid
    except OSError:  # whoever uses it says so
        return
    if os.geteuid() == 0 != owner:
        name = str(owner)
        with contextlib.suppress(KeyError):
            name = pwd.getpwuid(owner).pw_name
        raise UsageError(
            f"As root this would leave files behind that the service may not touch. Type "
            f"`sudo -u {printable(name)} atelierd {command}` instead, with the rest as it is."
        )
