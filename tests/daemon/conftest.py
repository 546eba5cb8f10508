"""What many of the daemon's tests begin with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.workplace import JOBS


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A share with nothing in it, in which a running service would find its work folder as usual.

    A module that wants more in it has a fixture of the same name, which is given this one.
    """
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    (share.work / JOBS).mkdir(mode=0o700)
    return share


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another device than `tmp_path`."""
    memory = Path("/dev/shm")  # noqa: S108 - wanted for being another device
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs /dev/shm on another device than the temporary folder")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)
