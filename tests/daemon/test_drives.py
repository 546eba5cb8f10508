"""Drives that the machine's own tables name, and that are there or not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon import drives
from daemon.drives import Tables, expect_drives
from daemon.errors import ShareAwayError
from daemon.marks import MARK
from daemon.settings import ShareSettings
from daemon.share import Share, open_share
from tests.daemon.mounting import drive, mount


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    (tmp_path / "units").mkdir()
    return Tables(tmp_path / "fstab", tmp_path / "units")


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """One that is not made yet, in a folder with a blank in its name."""
    return open_share(ShareSettings(root=tmp_path / "my disk" / "share"))


def name_in(tables: Tables, point: Path, table: str = "fstab") -> None:
    if table == "fstab":
        escaped = str(point).replace(" ", "\\040")
        tables.fstab.write_text(
            "# <file system> <mount point> <type>\n\nUUID=1 / ext4 defaults 0 1\n"
            f"UUID=2 none swap sw 0 0\nUUID=3\nUUID=4\t{escaped}  ext4 nofail,noauto 0 2\n"
        )
    else:
        unit = f"[Unit]\nDescription=A disk\n[Mount]\nWhat=/dev/sdb1\nWhere={point}\n"
        (tables.units / "my-disk.mount").write_text(unit)


@pytest.mark.parametrize("table", ["fstab", "units"])
@pytest.mark.parametrize("is_made", [False, True])
def test_a_drive_that_is_away_is_missed(
    share: Share, tables: Tables, table: str, *, is_made: bool
) -> None:
    point = share.root.parent
    name_in(tables, point, table)
    if is_made:
        share.inbox.mkdir(parents=True)
    with pytest.raises(ShareAwayError, match=r"my disk/share belongs on a drive .* Connect it"):
        expect_drives(share, tables)
    assert is_made or not point.exists()


@pytest.mark.parametrize("table", ["fstab", "units"])
def test_a_drive_that_is_there_is_not(share: Share, tables: Tables, table: str) -> None:
    name_in(tables, share.root.parent, table)
    with drive(share.root.parent) as disk:
        expect_drives(share, tables)
        disk.disconnect()
        with pytest.raises(ShareAwayError):
            expect_drives(share, tables)


@pytest.mark.parametrize("number", [None, 29])
def test_where_the_kernel_does_not_tell_mounts_the_device_counts(
    share: Share, tables: Tables, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    point = share.root.parent
    name_in(tables, point)
    monkeypatch.setattr(drives, "mount_of", lambda folder: (1 + (folder == point), number))
    if number is None:
        expect_drives(share, tables)
    else:  # a part of a file system
        with pytest.raises(ShareAwayError):
            expect_drives(share, tables)


def test_a_folder_that_a_sandbox_mounts_onto_itself_is_no_drive(
    share: Share, tables: Tables
) -> None:
    """As systemd does with those that a unit may write to."""
    point = share.root.parent
    name_in(tables, point)
    with drive(point) as disk:
        for connected in (True, False):
            if not connected:
                disk.disconnect()
            for _ in range(2):  # twice, if two settings name it
                mount("--bind", str(point), str(point))
            try:
                if connected:
                    expect_drives(share, tables)
                else:
                    with pytest.raises(ShareAwayError):
                        expect_drives(share, tables)
            finally:
                subprocess.run(["umount", str(point)], check=True)
                subprocess.run(["umount", str(point)], check=True)


HERE, DEEP = "8:1 / /", "8:1 /parts /"
"""The mount above: a whole file system, or a part of one."""


@pytest.mark.parametrize(
    "rows",
    [
        (HERE, "8:1 {point} {point}", False),
        (DEEP, "8:1 /parts{point} {point}", False),
        (HERE, "8:17 / {point}", True),
        (HERE, "8:17 {point} {point}", True),
        (HERE, "8:1 /elsewhere {point}", True),
        (DEEP, "8:1 {point} {point}", True),
        ("8:1 / /elsewhere", "8:1 {point} {point}", True),
        (HERE, "", True),
    ],
)
@pytest.mark.parametrize("device", [1, 2])
def test_what_is_mounted_is_told_from_the_table_of_mounts(
    share: Share,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    rows: tuple[str, str, bool],
    device: int,
) -> None:
    above, mine, is_drive = rows
    point = share.root.parent
    name_in(tables, point)
    escaped = mine.format(point=str(point).replace(" ", "\\040"))
    told = [f"29 1 {above} rw shared:1 - ext4 /dev/sda1 rw"]
    told += [f"30 29 {escaped} rw - ext4 /dev/sda1 rw"] if mine else []
    tables = replace(tables, mounts=tables.units / "mountinfo")
    tables.mounts.write_text("\n".join(told))
    there = {point: (device, 30), point.parent: (1, 29)}
    monkeypatch.setattr(drives, "mount_of", there.__getitem__)
    # A part of a file system that is a device of its own is no plain folder, however it came there.
    if is_drive or device != 1:
        expect_drives(share, tables)
    else:
        with pytest.raises(ShareAwayError):
            expect_drives(share, tables)


def test_a_folder_elsewhere_has_a_drive_of_its_own(
    share: Share, tables: Tables, tmp_path: Path
) -> None:
    share = replace(share, outbox=tmp_path / "other" / "Out")
    name_in(tables, tmp_path / "other")
    with pytest.raises(ShareAwayError, match="other/Out belongs on a drive"):
        expect_drives(share, tables)


def test_a_drive_in_the_share_is_known_as_its_folder_is(share: Share, tables: Tables) -> None:
    name_in(tables, share.outbox)
    share.outbox.mkdir(parents=True)
    (share.root / MARK).touch()  # says nothing of what is mounted in it
    with pytest.raises(ShareAwayError, match="Outbox belongs on a drive"):
        expect_drives(share, tables)


def test_a_mark_is_believed_more(share: Share, tables: Tables) -> None:
    name_in(tables, share.root.parent)
    share.root.mkdir(parents=True)
    (share.root / MARK).touch()
    expect_drives(share, tables)


def test_tables_that_say_nothing_of_the_share_are_no_matter(
    share: Share, tables: Tables, tmp_path: Path
) -> None:
    expect_drives(share, tables)
    name_in(tables, tmp_path / "my disk too")
    expect_drives(share, tables)
    tables.fstab.write_bytes(b"\xff\0 \xff/\0 \0\n")
    (tables.units / "odd.mount").mkdir()
    expect_drives(share, tables)


def test_a_closed_drive_is_for_whoever_goes_on(
    share: Share, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    name_in(tables, share.root.parent)
    monkeypatch.setattr(drives, "mount_of", refuse)
    expect_drives(share, tables)


@contextmanager
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """What is looked at by its name meanwhile."""
    seen = set[str]()

    def noting(call: Any) -> Any:
        def note(path: Any, *args: Any, **more: Any) -> Any:
            seen.add(os.fspath(path))
            return call(path, *args, **more)

        return note

    with monkeypatch.context() as patch:
        for name in ("lstat", "stat", "readlink", "open", "scandir", "listdir"):
            patch.setattr(os, name, noting(getattr(os, name)))
        yield seen


def test_no_other_drive_is_looked_at_for_its_server_may_not_answer(
    share: Share, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = tmp_path / "nas"
    # The second has a name of the share's folders, and lies on the first.
    points = [nas, nas / "share", nas / "deep" / "share", tmp_path / "other" / "share"]
    tables.fstab.write_text("".join(f"nas:/x {point} nfs hard 0 0\n" for point in points))
    for point in points:
        point.mkdir(parents=True, exist_ok=True)
    with looks(monkeypatch) as seen:
        os.lstat(tmp_path)
        expect_drives(share, tables)
    assert str(tmp_path) in seen
    assert not [path for path in seen if Path(path).is_relative_to(nas) or Path(path) in points]


@pytest.mark.parametrize(
    "odd", ["{above}/link/my disk", "/{above}//./my disk/", "{above}/x/../my disk"]
)
@pytest.mark.parametrize("table", ["fstab", "units"])
def test_a_drive_is_known_by_another_spelling_of_its_place(
    share: Share, tables: Tables, tmp_path: Path, odd: str, table: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    spelled = odd.format(above=tmp_path)
    escaped = spelled.replace(" ", "\\040")
    if table == "fstab":
        tables.fstab.write_text(f"UUID=4 {escaped} ext4 defaults 0 2\n")
    else:
        (tables.units / "a.mount").write_text(f"[Mount]\n  Where = {spelled} \n")
    with pytest.raises(ShareAwayError, match="my disk/share belongs on a drive"):
        expect_drives(share, tables)


@pytest.mark.parametrize("folder", ["root", "outbox"])
def test_the_mark_that_the_message_names_is_a_way_out(
    share: Share, tables: Tables, folder: str
) -> None:
    place = getattr(share, folder)
    name_in(tables, place)
    with pytest.raises(ShareAwayError) as caught:
        expect_drives(share, tables)
    (path,) = re.findall(r"make an empty file (\S.*) by hand", str(caught.value))
    assert Path(path).parent == place
    place.mkdir(parents=True)
    Path(path).touch()
    expect_drives(share, tables)
