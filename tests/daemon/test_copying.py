"""Copies between folders: whole, and removed at the source only where nothing changed since."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import copying, hindrances
from daemon.handles import opened
from tests.daemon.modes import bound_by_modes


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "a").write_bytes(b"a" * 3_000_000)
    (tree / "deep" / "b").write_bytes(b"b")
    os.utime(tree / "deep", ns=(1, 1_400_000_000_000_000_000))
    return tree


def test_the_copy_is_the_same_and_the_source_can_be_removed(tree: Path, tmp_path: Path) -> None:
    copied = copying.copy_whole(tree, tmp_path / "copy")
    assert (tmp_path / "copy" / "a").read_bytes() == b"a" * 3_000_000
    assert (tmp_path / "copy" / "deep").stat().st_mtime_ns == 1_400_000_000_000_000_000
    copying.remove_copied(tree, copied)
    assert not tree.exists()


def test_what_came_or_changed_after_the_copy_stays(tree: Path, tmp_path: Path) -> None:
    copied = copying.copy_whole(tree, tmp_path / "copy")
    (tree / "late").write_bytes(b"late")
    (tree / "deep" / "b").write_bytes(b"changed")
    copying.remove_copied(tree, copied)
    left = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    assert left == ["deep", "deep/b", "late"]


def test_a_link_that_becomes_another_one_while_it_is_copied_stays(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, make = tree / "link", os.symlink
    link.symlink_to("aaaa")
    os.utime(link, ns=(1, 1), follow_symlinks=False)

    def swap_and_make(leads_to: str, *args: Any, **more: Any) -> None:
        link.unlink()
        make("bbbb", link)
        os.utime(link, ns=(1, 1), follow_symlinks=False)
        make(leads_to, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "symlink", swap_and_make)
        copied = copying.copy_whole(tree, tmp_path / "copy")
    assert (tmp_path / "copy/link").readlink() == Path("aaaa")
    assert not copying.is_whole(copied)
    copying.remove_copied(tree, copied)
    assert listing(tree) == ["link"]
    assert link.readlink() == Path("bbbb")


def test_folders_that_may_not_be_removed_stay_empty(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    copied = copying.copy_whole(tree, tmp_path / "copy")
    monkeypatch.setattr(Path, "rmdir", refuse)
    copying.remove_copied(tree, copied)
    assert list(tree.rglob("*")) == [tree / "deep"]


@pytest.mark.parametrize("change", ["nothing", "grown", "gone", "new", "swapped"])
def test_what_was_copied_is_whole_only_if_all_of_it_is_as_it_was(
    tree: Path, tmp_path: Path, change: str
) -> None:
    copied = copying.copy_whole(tree, tmp_path / "copy")
    if change == "grown":
        (tree / "deep" / "b").write_bytes(b"more")
    elif change in {"gone", "swapped"}:
        (tree / "a").unlink()
    if change == "swapped":
        (tree / "a").mkdir()
    elif change == "new":
        (tree / "c").touch()
    assert copying.is_whole(copied) is (change in {"nothing", "new"})


def refusing(number: int) -> Callable[..., None]:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_what_cannot_be_copied_out_of_a_folder_is_left_out_and_said_once(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    os.mkfifo(tree / "pipe")
    with closing(socket.socket(socket.AF_UNIX)) as ours, opened(tree / "deep") as deep:
        ours.bind(f"/proc/self/fd/{deep}/socket")  # a socket's path may not be long
    (tree / "link").symlink_to("a")
    monkeypatch.setattr(os, "symlink", refusing(number))
    with capture_logs() as logs:
        copied = copying.copy_whole(tree, tmp_path / "copy")
        copying.say_left_out(tree, copied)
    (line,) = logs
    assert (line["event"], sorted(line["files"])) == (
        "copy.left_out",
        ["deep/socket", "link", "pipe"],
    )
    assert listing(tmp_path / "copy") == ["a", "deep", "deep/b"]
    assert copying.is_whole(copied)
    copying.remove_copied(tree, copied)
    assert not tree.exists()


def test_a_link_that_a_full_disk_refuses_is_not_left_out(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "link").symlink_to("a")
    monkeypatch.setattr(os, "symlink", refusing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        copying.copy_whole(tree, tmp_path / "copy")


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_modes_and_times_takes_copies(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchmod", refusing(number))
        patch.setattr(os, "utime", refusing(number))
        copying.copy_whole(tree, tmp_path / "copy")
    assert listing(tmp_path / "copy") == ["a", "deep", "deep/b"]


def test_a_file_that_may_not_be_read_is_found_and_left_out_if_that_is_wanted(
    tree: Path, tmp_path: Path
) -> None:
    assert hindrances.unreadable_in(tree) is None
    (tree / "deep" / "b").chmod(0)
    with bound_by_modes():
        assert hindrances.unreadable_in(tree) == tree / "deep" / "b"
        with pytest.raises(PermissionError):
            copying.copy_whole(tree, tmp_path / "refused")
        copying.copy_whole(tree, tmp_path / "copy", unread=True)
    assert listing(tmp_path / "copy") == ["a", "deep"]


@pytest.mark.parametrize("mode", [0, 0o444, 0o111])
def test_a_folder_that_is_closed_is_found_and_left_out_if_that_is_wanted(
    tree: Path, tmp_path: Path, mode: int
) -> None:
    (tree / "deep").chmod(mode)
    with bound_by_modes():
        assert hindrances.unreadable_in(tree) == tree / "deep"
        with pytest.raises(PermissionError):
            copying.copy_whole(tree, tmp_path / "refused")
        copied = copying.copy_whole(tree, tmp_path / "copy", unread=True)
        assert copying.is_whole(copied)
    assert [one.path for one in copied if one.is_left_out] == [tree / "deep"]
    assert listing(tmp_path / "copy") == ["a"]
    (tree / "deep").chmod(0o700)


def test_the_folder_itself_is_not_left_out(tree: Path, tmp_path: Path) -> None:
    tree.chmod(0)
    with bound_by_modes(), pytest.raises(PermissionError):
        copying.copy_whole(tree, tmp_path / "copy", unread=True)
    tree.chmod(0o700)


def test_what_vanished_after_the_copy_is_no_error(tree: Path, tmp_path: Path) -> None:
    copied = copying.copy_whole(tree, tmp_path / "copy")
    (tree / "a").unlink()
    copying.remove_copied(tree, copied)
    assert not tree.exists()


def test_a_file_that_grows_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"half")
    copy = copying.copy_bytes

    def copy_slowly(*arguments: Any) -> None:
        copy(*arguments)
        with source.open("ab") as file:
            file.write(b"the other half")

    monkeypatch.setattr(copying, "copy_bytes", copy_slowly)
    with pytest.raises(OSError, match="changed while it was copied"):
        copying.copy_whole(source, tmp_path / "copy")
    assert source.read_bytes() == b"halfthe other half"


def test_a_link_in_the_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a").symlink_to("secret")
    copying.copy_whole(tmp_path / "a", tmp_path / "copy")
    assert (tmp_path / "copy").is_symlink()


def outside(tmp_path: Path, tree: Path) -> Path:
    """A folder with a file that looks like the one in the tree."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "b").write_bytes(b"s")
    times = (tree / "deep" / "b").stat()
    os.utime(folder / "b", ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / "b").chmod(0o600)
    return folder


def test_a_folder_that_is_swapped_for_a_link_meanwhile_is_not_copied(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, names = outside(tmp_path, tree), copying.names_in

    def look_and_swap(folder: Path) -> list[str]:
        found = names(folder)
        if folder.name == "deep":
            (tree / "deep").rename(tmp_path / "away")
            (tree / "deep").symlink_to(secret)
        return found

    monkeypatch.setattr(copying, "names_in", look_and_swap)
    with pytest.raises(NotADirectoryError):
        copying.copy_whole(tree, tmp_path / "copy")
    assert not (tmp_path / "copy" / "deep" / "b").exists()


def test_nothing_is_removed_through_a_link_that_was_swapped_in(tree: Path, tmp_path: Path) -> None:
    copied, secret = copying.copy_whole(tree, tmp_path / "copy"), outside(tmp_path, tree)
    (tree / "deep").rename(tmp_path / "away")
    (tree / "deep").symlink_to(secret)
    copying.remove_copied(tree, copied)
    assert (secret / "b").read_bytes() == b"s"
    assert (tree / "deep").is_symlink()


def test_a_link_in_the_place_of_the_copy_lends_nobody_its_rights(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, copy = outside(tmp_path, tree) / "b", copying.copy_bytes
    before = secret.stat()

    def copy_and_swap(*arguments: Any) -> None:
        copy(*arguments)
        (tmp_path / "copy").unlink()
        (tmp_path / "copy").symlink_to(secret)

    (tree / "a").chmod(0o777)
    monkeypatch.setattr(copying, "copy_bytes", copy_and_swap)
    copying.copy_whole(tree / "a", tmp_path / "copy")
    after = secret.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_sync_folder_takes_any_folder_that_is_there(tmp_path: Path) -> None:
    copying.sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        copying.sync_folder(tmp_path / "gone")
