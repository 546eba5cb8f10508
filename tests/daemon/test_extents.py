"""What a disk answers about the extents of a file, and what of that counts as written."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from daemon import extents

LAST, UNKNOWN, DELAYED, COMPRESSED, INLINE, UNWRITTEN = 0x1, 0x2, 0x4, 0x8, 0x200, 0x800


def answer(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, int, int]) -> None:
    """Have the disk tell of these extents: where, how long, flags."""

    def ioctl(_handle: int, _ask: int, asked: bytearray) -> int:
        struct.pack_into("=L", asked, 20, len(found))
        for number, (where, length, flags) in enumerate(found):
            struct.pack_into("=QQQ16xL12x", asked, 32 + 56 * number, where, 0, length, flags)
        return 0

    monkeypatch.setattr(extents, "ioctl", ioctl)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([(0, 9000, LAST)], True),
        ([(0, 9000, LAST | COMPRESSED)], True),
        ([(0, 4096, 0), (4096, 8192, LAST)], True),
        ([(0, 4096, 0), (4097, 8192, LAST)], False),  # a hole between them
        ([(1001, 9000, LAST)], False),
        ([(0, 8999, LAST)], False),
        ([], False),
        *(([(0, 9000, LAST | flag)], False) for flag in (UNKNOWN, DELAYED, INLINE, UNWRITTEN)),
    ],
)
def test_what_counts_as_written(
    monkeypatch: pytest.MonkeyPatch, *, found: list[tuple[int, int, int]], told: bool
) -> None:
    answer(monkeypatch, *found)
    assert extents.is_written(0, 1000, 9000) is told


def test_of_a_disk_that_does_not_answer_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(extents, "ioctl", refuse)
    handle = os.open(tmp_path, os.O_RDONLY)
    assert not extents.is_written(handle, 0, 1)
    os.close(handle)
