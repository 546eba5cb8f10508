"""What stands in the way, written where it can be changed without room on the disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from daemon import bulletin
from daemon.bulletin import FILE, Bulletin
from daemon.names import printable


def test_the_last_line_counts(tmp_path: Path) -> None:
    assert bulletin.read(tmp_path) == ""
    told = Bulletin(tmp_path)
    for line in ("The disk is full.", "Überall läuft's.", "", "again\nand \x1b[2J again " * 200):
        told.say(line)
        assert bulletin.read(tmp_path)[:15] == printable(" ".join(line.split()))[:15]
    assert "\x1b" not in bulletin.read(tmp_path)
    assert "\n" not in bulletin.read(tmp_path)


def test_it_keeps_its_place_on_the_disk(tmp_path: Path) -> None:
    told = Bulletin(tmp_path)
    told.say("")
    before = (tmp_path / FILE).stat()
    told.say("The disk is full.")
    after = (tmp_path / FILE).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


def test_what_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    told = Bulletin(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", refuse)
        told.say("The disk is full.")
    assert bulletin.read(tmp_path) == ""
    told.say("The disk is full.")
    assert bulletin.read(tmp_path) == "The disk is full."


def test_nobody_need_be_told() -> None:
    Bulletin(None).say("The disk is full.")
