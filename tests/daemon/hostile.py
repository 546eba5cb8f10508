"""The whole program on a share of its own, for tests of what hostile files do to it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.daemon.test_run import Program, prepared

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


def program_in(folder: Path) -> AbstractContextManager[Program]:
    """A share with its settings in a folder; nothing runs yet, and nothing does afterwards."""
    return prepared(folder, _CONFIG)
