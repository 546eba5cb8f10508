"""Finding the mount and the file system of a folder, also from what real kernels print."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from daemon.mounts import mount_of, silent_file_system
from tests.daemon.mounting import drive, mount

TABLE = r"""22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:40 / /srv/photos rw,relatime shared:2 - nfs4 server:/photos rw,vers=4.2
31 30 0:41 / /srv/photos/local rw - ext4 /dev/vdb1 rw
32 22 0:42 / /mnt/My\040Share rw - cifs //nas/share rw
33 22 0:43 / /mnt/sshfs rw shared:9 master:3 - fuse.sshfs me@there: rw
34 22 0:44 / /mnt/usb rw - fuseblk /dev/sdc1 rw
35 22 0:45 / /mnt/vm rw - vboxsf pictures rw
36 22 0:46 / /mnt/twice rw - ext4 /dev/vdd1 rw
37 36 0:47 / /mnt/twice rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ann/Inbox", None),
        ("/srv/photos", "nfs4"),
        ("/srv/photos/Inbox/deep", "nfs4"),
        ("/srv/photos/local/Inbox", None),
        ("/srv/photosynthesis", None),
        ("/mnt/My Share/Inbox", "cifs"),
        ("/mnt/sshfs/Inbox", "fuse.sshfs"),
        ("/mnt/usb/Inbox", None),
        ("/mnt/vm/Inbox", "vboxsf"),
        ("/mnt/twice/Inbox", "9p"),
    ],
)
def test_file_systems_are_told_apart(tmp_path: Path, folder: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(TABLE)
    assert silent_file_system(Path(folder), mounts) == kind


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert silent_file_system(tmp_path, tmp_path / "missing") is None


def test_links_are_followed(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 0:20 / / rw - ext4 a rw\n23 22 0:2 / {tmp_path}/far rw - nfs a rw\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    assert silent_file_system(tmp_path / "link" / "Inbox", mounts) == "nfs"


def test_this_machine_s_own_table_can_be_read() -> None:
    assert silent_file_system(Path("/proc")) is None


def test_one_device_that_is_mounted_twice_is_two_mounts(tmp_path: Path) -> None:
    with drive(tmp_path / "one") as one, drive(tmp_path / "other"):
        (one.folder / "deep").mkdir()
        assert mount_of(one.folder / "deep") == mount_of(one.folder)
        mount("--bind", str(one.folder), str(tmp_path / "other"))
        try:
            here, there = mount_of(one.folder), mount_of(tmp_path / "other")
        finally:
            subprocess.run(["umount", str(tmp_path / "other")], check=True)
        assert here[0] == there[0]
        assert here[1] != there[1]


@pytest.mark.parametrize("told", [None, b"pos:\t0\n", b"\xff"])
def test_where_the_kernel_does_not_tell_the_device_alone_counts(
    tmp_path: Path, told: bytes | None
) -> None:
    handles = tmp_path / "fdinfo"
    if told is not None:
        handles.mkdir()
        for number in range(256):
            (handles / str(number)).write_bytes(told)
    assert mount_of(tmp_path, handles) == (tmp_path.stat().st_dev, None)


def test_the_kernel_s_number_of_a_mount_is_read(tmp_path: Path) -> None:
    handles = tmp_path / "fdinfo"
    handles.mkdir()
    for number in range(256):
        (handles / str(number)).write_text("pos:\t0\nflags:\t012100000\nmnt_id:\t29\nino:\t2\n")
    assert mount_of(tmp_path, handles) == (tmp_path.stat().st_dev, 29)


def test_a_folder_that_is_not_there_is_on_no_mount(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mount_of(tmp_path / "missing")
