"""The whole program on a share of its own, for tests of what hostile files do to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.configuration import load
from daemon.share import make_share, open_share
from tests.daemon.test_run import Program

__all__ = ["Program", "program_in"]

_CONFIG = """
state_dir = "state"
[share]
root = "share"
[watch]
settle_seconds = 0.1
settle_scans = 2
poll_seconds = 0.1
patience_seconds = 0.3
scan_seconds = 1
[paint]
preset = "draft"
size = 64
iterations = 2
[engine]
weights = "weights"
"""


@contextmanager
def program_in(folder: Path) -> Iterator[Program]:
    """A share with its settings in a folder; nothing runs yet, and nothing does afterwards."""
    (folder / "config.toml").write_text(_CONFIG)
    make_share(open_share(load(folder / "config.toml", {}, {}).settings.share))
    program = Program(folder)
    try:
        yield program
    finally:
        for process in program.processes:
            process.kill()
            process.wait()
