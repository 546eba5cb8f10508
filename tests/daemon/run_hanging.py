"""As `run_with_stand_in`, with what may hang forever, in a process that nobody can end.

Two things hang while a file of their name lies in the folder that the variable ``HANGING`` names;
they say so by a file ``... hangs`` there.

- ``painting``: the engine, which says nothing more then, and cannot be killed, as a process that
  waits for a disk cannot;
- ``look``: the loop, when it looks into the inbox.

A painting may be silent for three seconds here. The first argument is `hanging_worker`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from daemon import condition
from daemon.runners.local import LocalRunner
from tests.daemon import run_with_stand_in
from tests.daemon.child_stand_ins import hang

SILENCE: Final = 3.0


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "os.scandir" and os.path.realpath(arguments[0]).endswith("/Inbox"):
        hang("look")


def main() -> int:
    condition.longest_silence = lambda size: SILENCE  # type: ignore[assignment] # noqa: ARG005
    LocalRunner.kill = lambda *_: None  # type: ignore[assignment,method-assign]
    sys.addaudithook(_hear)
    return run_with_stand_in.exit_code_of(run_with_stand_in.command, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
