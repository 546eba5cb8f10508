"""Finding the file system of a folder, from tables as real kernels print them."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.mounts import silent_file_system

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
