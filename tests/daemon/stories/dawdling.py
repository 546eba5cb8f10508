"""As `run_with_stand_in`, but the daemon dawdles at random before each change to a disk.

So whoever does something at the same time, or kills it, meets it in the middle of things. The
variable ``DAWDLING`` says for how long at most, in milliseconds, and which of the ways to rename
are left, as `daemon.files` lists them: ``20 1`` leaves out the first one. And it meets the faults
that are told by the link which ``FAULTS`` names (`faulty.follow`).
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon import files
from tests.daemon import faulty, run_with_stand_in
from tests.daemon.run_and_die import CHANGES, _makes

LOOKS = {"os.scandir", "os.listdir"}
SELDOM = 0.25


def dawdle(longest: float) -> None:
    if threading.current_thread() is threading.main_thread() and random.random() < SELDOM:  # noqa: S311 - no secret
        time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret


def at_changes(longest: float) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or event in LOOKS or (event == "open" and _makes(*arguments)):
            dawdle(longest)

    return hear


def main() -> int:
    longest, left_out = (int(word) for word in os.environ["DAWDLING"].split())
    by_kernel, *others = files.RENAMES
    faults = Path(os.environ["FAULTS"])

    def slowly(source: Path, target: Path) -> None:
        dawdle(longest / 1000)  # what goes past Python has no audit event
        faulty.refuse_rename(faults, source, target)
        by_kernel(source, target)

    files.RENAMES = (slowly, *others)[left_out:]
    faulty.follow(faults)
    if longest:
        sys.addaudithook(at_changes(longest / 1000))
    return run_with_stand_in.exit_code_of(run_with_stand_in.command, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
