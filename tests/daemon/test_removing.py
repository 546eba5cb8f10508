"""What is ours is removed as a whole, and nothing else; what somebody is still writing stays."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon import files, publishing, removing
from daemon.errors import StoppedError
from daemon.pulse import Tick
from daemon.share import Share

LEFTOVER = ".atelierd-0123456789abcdef.tmp"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "a").write_bytes(b"a")
    (tree / "deep" / "b").write_bytes(b"b")
    return tree


@pytest.mark.parametrize("kind", ["file", "folder", "link", "nothing"])
def test_remove_tree_takes_anything(tmp_path: Path, kind: str) -> None:
    path, kept = tmp_path / "path", tmp_path / "kept"
    kept.mkdir()
    (kept / "a").write_bytes(b"")
    if kind == "file":
        path.write_bytes(b"")
    elif kind == "folder":
        (path / "deep").mkdir(parents=True)
    elif kind == "link":
        path.symlink_to(kept)
    removing.remove_tree(path)
    assert not os.path.lexists(path)
    assert (kept / "a").exists()


def test_remove_tree_follows_no_link_that_is_swapped_in(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a").touch()
    remove = removing._remove_files

    def remove_and_swap(folder: int, tick: Tick) -> list[str]:
        names = remove(folder, tick)
        (tree / "deep").rename(tmp_path / "away")
        (tree / "deep").symlink_to(kept)
        return names

    monkeypatch.setattr(removing, "_remove_files", remove_and_swap)
    with pytest.raises(NotADirectoryError):
        removing.remove_tree(tree)
    assert (kept / "a").exists()
    assert (tmp_path / "away" / "b").exists()


def test_remove_tree_is_not_led_away_by_a_folder_that_is_moved(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    for folder in (tree, elsewhere):
        (folder / "other").mkdir(parents=True)
        (folder / "other" / "a").touch()
    remove = removing._remove_files

    def remove_and_move(folder: int, tick: Tick) -> list[str]:
        names = sorted(remove(folder, tick), reverse=True)
        if not names and (tree / "deep").exists():
            (tree / "deep").rename(elsewhere / "deep")
        return names

    monkeypatch.setattr(removing, "_remove_files", remove_and_move)
    with pytest.raises(OSError, match="moved while it was removed"):
        removing.remove_tree(tree)
    assert sorted(path.name for path in elsewhere.rglob("*")) == ["a", "deep", "other"]


def test_remove_tree_opens_what_is_closed_to_writers(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is for whoever is not the superuser."""
    unlink = os.unlink

    def unlink_where_open(name: str, *, dir_fd: int) -> None:
        if not os.fstat(dir_fd).st_mode & stat.S_IWUSR:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        unlink(name, dir_fd=dir_fd)

    for folder in (tree / "deep", tree):
        folder.chmod(0o555)
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink_where_open)
        removing.remove_tree(tree)
    assert not tree.exists()


def test_a_tick_can_end_it_and_the_next_one_goes_on(tree: Path) -> None:
    for name in "cde":
        (tree / name).touch()
    left = iter(range(2))

    def tick() -> None:
        if next(left, None) is None:
            raise StoppedError

    with pytest.raises(StoppedError):
        removing.remove_tree(tree, tick)
    assert len(list(tree.iterdir())) in {3, 4}  # the folder among them is looked into last
    removing.remove_tree(tree)
    assert not tree.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "nothing"])
def test_what_was_abandoned_goes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / LEFTOVER
    if kind == "file":
        path.touch()
    elif kind == "folder":
        (path / "deep").mkdir(parents=True)
    elif kind == "link":
        path.symlink_to(tmp_path)
    removing.remove_abandoned(path)
    assert not os.path.lexists(path)
    assert tmp_path.is_dir()


def test_a_folder_that_is_being_filled_stays_until_it_is_abandoned(tree: Path) -> None:
    with removing.guarded(tree):
        with pytest.raises(OSError, match="in hand") as caught:
            removing.remove_abandoned(tree)
        assert caught.value.errno == errno.EBUSY
        assert (tree / "deep" / "b").exists()
    removing.remove_abandoned(tree)
    assert not tree.exists()


def test_a_folder_that_is_being_removed_is_not_filled(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, refused = removing._remove_files, list[int | None]()

    def remove_and_fill(folder: int, tick: Tick) -> list[str]:
        with pytest.raises(OSError, match="in hand") as caught, removing.guarded(tree):
            pass
        refused.append(caught.value.errno)
        return remove(folder, tick)

    monkeypatch.setattr(removing, "_remove_files", remove_and_fill)
    removing.remove_abandoned(tree)
    assert refused == [errno.EBUSY] * 2


def test_a_folder_that_got_its_name_meanwhile_is_not_removed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever filled it has named it, and let go of it, since it was opened to be removed."""
    lock = removing._lock

    def name_and_lock(folder: int, kind: int, path: Path) -> None:
        tree.rename(tree.with_name("Party"))
        tree.mkdir()
        lock(folder, kind, path)

    monkeypatch.setattr(removing, "_lock", name_and_lock)
    removing.remove_abandoned(tree)
    assert (tree.with_name("Party") / "deep" / "b").exists()


def test_where_there_are_no_locks_it_goes_all_the_same(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(removing.fcntl, "flock", refuse)
    with removing.guarded(tree):
        removing.remove_abandoned(tree)
    assert not tree.exists()


def test_a_sweep_does_not_take_what_somebody_is_moving(
    share: Share, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a service starts while `atelierd retry` copies.

    It opens the copy; that gets its name then, and the source is removed.
    """
    (elsewhere / "Party").mkdir()
    (elsewhere / "Party" / "content.jpg").write_bytes(b"photo")
    rename, remove = files.rename_new, removing._remove_files
    opened, moved = threading.Event(), threading.Event()

    def remove_late(folder: int, tick: Tick) -> list[str]:
        opened.set()
        moved.wait(60)
        return remove(folder, tick)

    def sweep() -> None:
        publishing.sweep_leftovers(share)
        opened.set()

    def rename_late(source: Path, target: Path) -> None:
        if files.is_temporary(source.name):
            sweeper.start()
            assert opened.wait(60)
        rename(source, target)

    sweeper = threading.Thread(target=sweep)
    monkeypatch.setattr(removing, "_remove_files", remove_late)
    monkeypatch.setattr(files, "rename_new", rename_late)
    with capture_logs() as logs:
        files.move_exactly(elsewhere / "Party", share.inbox / "Party")
        moved.set()
        sweeper.join()
    assert (share.inbox / "Party" / "content.jpg").read_bytes() == b"photo"
    assert list(elsewhere.iterdir()) == []
    assert [line["event"] for line in logs] == ["leftover.stays"]
