"""What is left under two names by each of the ways in which a move can be cut off."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import copying, halfway
from daemon.copying import Copied
from daemon.errors import StoppedError
from daemon.pulse import Tick
from tests.daemon.modes import shut


def tree(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def make(folder: Path, **content: bytes) -> None:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_a_link_that_was_made_and_whose_first_name_stayed(tmp_path: Path) -> None:
    make(tmp_path, a=b"photo")
    os.link(tmp_path / "a", tmp_path / "b")
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"b": b"photo"}


@pytest.mark.parametrize("data", [b"photo", b""])
def test_a_link_that_was_made_goes_on_also_while_somebody_writes(
    tmp_path: Path, data: bytes
) -> None:
    make(tmp_path, a=data)
    os.link(tmp_path / "a", tmp_path / "b")
    with (tmp_path / "a").open("ab") as writer:
        halfway.settle(tmp_path / "a", tmp_path / "b")
        writer.write(b", the rest")
    assert tree(tmp_path) == {"b": data + b", the rest"}


def test_two_names_of_one_link_become_one(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")
    os.link(tmp_path / "a", tmp_path / "b", follow_symlinks=False)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_is_no_second_name_of_itself(tmp_path: Path) -> None:
    make(tmp_path, **{"a/photo": b"photo"})
    assert not halfway._is_linked(tmp_path / "a", tmp_path / "a")


def test_a_name_that_was_only_reserved_is_free_again(tmp_path: Path) -> None:
    make(tmp_path, a=b"photo", b=b"")
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"a": b"photo"}


def test_a_folder_that_was_only_reserved_is_free_again(tmp_path: Path) -> None:
    make(tmp_path, **{"a/photo": b"photo"})
    (tmp_path / "b").mkdir()
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_copy_whose_source_was_not_yet_removed(tmp_path: Path) -> None:
    make(tmp_path, a=b"photo", b=b"photo")
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"b": b"photo"}


def test_a_copied_folder_of_which_a_part_was_removed(tmp_path: Path) -> None:
    whole = {"photo": b"photo", "more/one": b"1", "more/two": b"2"}
    make(tmp_path / "b", **whole)
    make(tmp_path / "a", **{"more/two": b"2"})
    (tmp_path / "b/link").symlink_to("nowhere")
    (tmp_path / "a/link").symlink_to("nowhere")
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert tree(tmp_path / "b") == whole


def refuse_links(*_args: object, **_more: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_copied_folder_out_of_which_something_could_not_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_removed: bool
) -> None:
    whole = {"photo": b"photo", "more/one": b"1"}
    make(tmp_path / "a", **({} if is_removed else whole))
    make(tmp_path / "b", **whole)
    (tmp_path / "a").mkdir(exist_ok=True)
    (tmp_path / "a/link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a/pipe")
    monkeypatch.setattr(os, "symlink", refuse_links)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert tree(tmp_path / "b") == whole


@pytest.mark.parametrize("number", [0, errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_link_that_could_have_been_copied_and_was_not_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    make(tmp_path / "a", photo=b"photo")
    make(tmp_path / "b", photo=b"photo")
    (tmp_path / "a/link").symlink_to("nowhere")
    if number:
        monkeypatch.setattr(os, "symlink", refuse)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a/link").is_symlink()
    assert tree(tmp_path) == {"a/photo": b"photo", "b/photo": b"photo"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("late", ["link", "more/link", "file", "folder", "changed", "swapped"])
def test_what_comes_between_the_comparison_and_the_removal_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    whole = {"photo": b"photo", "more/one": b"1"}
    for name in "ab":
        make(tmp_path / name, **whole)
        (tmp_path / name / "way").symlink_to("nowhere")
    remove = copying.remove_copied

    def meddle_and_remove(source: Path, copied: Sequence[Copied], tick: Tick) -> None:
        if late == "file":
            (source / late).write_bytes(b"new")
        elif late == "folder":
            (source / late).mkdir()
        elif late == "changed":
            (source / "photo").write_bytes(b"another")
        elif late == "swapped":
            status = (source / "way").lstat()
            (source / "way").unlink()
            (source / "way").symlink_to("another")
            times = (status.st_atime_ns, status.st_mtime_ns)
            os.utime(source / "way", ns=times, follow_symlinks=False)
        else:
            (source / late).symlink_to("new")
        remove(source, copied, tick)

    monkeypatch.setattr(copying, "remove_copied", meddle_and_remove)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    left = sorted(str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*"))
    expected = {"changed": ["photo"], "swapped": ["way"], "more/link": ["more", "more/link"]}
    assert left == expected.get(late, [late])
    assert tree(tmp_path / "b") == whole


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("moment", ["more", "deep", "one"])
def test_a_folder_that_is_swapped_for_a_link_while_they_are_compared_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str, moment: str
) -> None:
    """Right after this folder, or before this file, was looked at itself."""
    outside, top = tmp_path / "outside", tmp_path / "top"
    for folder in (top / "a/more", top / "b/more", outside):
        make(folder, **{"deep/one": b"1"})
    is_alike, has_same_bytes = halfway._is_alike, halfway._has_same_bytes
    seen, read = list[str](), list[Path]()

    def swap() -> None:
        (top / side / "more").rename(top / side / "away")
        (top / side / "more").symlink_to(outside)

    def compare_and_swap(here: Path, there: Path, tick: Tick) -> bool:
        seen.append(here.name)
        if here.name == moment == "one":
            swap()
        answer = is_alike(here, there, tick)
        if here.name == moment != "one":
            swap()
        return answer

    def note_and_read(here: Path, there: Path, tick: Tick) -> bool:
        read.extend(path.resolve() for path in (here, there))
        return has_same_bytes(here, there, tick)

    monkeypatch.setattr(halfway, "_is_alike", compare_and_swap)
    monkeypatch.setattr(halfway, "_has_same_bytes", note_and_read)
    with contextlib.suppress(OSError):
        halfway.settle(top / "a", top / "b")
    assert moment in seen
    assert not [path for path in read if path.is_relative_to(outside)]
    assert tree(outside) == {"deep/one": b"1"}
    assert "1" in {data.decode() for data in tree(top).values()}
    if moment != "one":  # what is read then is held already
        assert read == []


def test_a_folder_that_becomes_a_link_is_not_looked_into_to_see_whether_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, **{"outside/one": b"1", "a": b"photo"})
    (tmp_path / "b").mkdir()
    lists = copying.names_in

    def swap_and_list(folder: Path) -> list[str]:
        (tmp_path / "b").rmdir()
        (tmp_path / "b").symlink_to("outside")
        return lists(folder)

    monkeypatch.setattr(copying, "names_in", swap_and_list)
    with pytest.raises(NotADirectoryError):
        halfway.settle(tmp_path / "a", tmp_path / "b")


def test_what_comes_into_a_folder_that_reserved_a_name_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, **{"a/photo": b"photo"})
    (tmp_path / "b").mkdir()
    remove = halfway._remove_empty

    def meddle_and_remove(path: Path) -> None:
        (path / "link").symlink_to("new")
        remove(path)

    monkeypatch.setattr(halfway, "_remove_empty", meddle_and_remove)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b/link").is_symlink()
    assert (tmp_path / "a/photo").read_bytes() == b"photo"


def test_a_copied_folder_with_one_that_is_closed_to_writers_goes(tmp_path: Path) -> None:
    for name in "ab":
        make(tmp_path / name, **{"more/one": b"1"})
    with shut(tmp_path / "a/more"):
        halfway.settle(tmp_path / "a", tmp_path / "b")
        assert not (tmp_path / "a").exists()
        (tmp_path / "a/more").mkdir(parents=True)


def test_a_folder_without_files_does_not_go_for_a_reserved_name(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    (tmp_path / "a/link").symlink_to("nowhere")
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a/link").is_symlink()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("theirs", [b"other", b"longer than ours"])
def test_a_file_of_somebody_else_stays_and_so_does_ours(tmp_path: Path, theirs: bytes) -> None:
    make(tmp_path, a=b"photo", b=theirs)
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"a": b"photo", "b": theirs}


def test_a_link_or_a_folder_of_somebody_else_stays(tmp_path: Path) -> None:
    make(tmp_path, **{"a": b"photo", "c/photo": b"photo"})
    (tmp_path / "b").symlink_to("a")
    for other in ("b", "c"):
        halfway.settle(tmp_path / "a", tmp_path / other)
    assert (tmp_path / "b").is_symlink()
    assert tree(tmp_path)["c/photo"] == tree(tmp_path)["a"] == b"photo"


@pytest.mark.parametrize("there", ["a", "b", ""])
def test_where_one_of_them_is_missing_there_is_nothing_to_do(tmp_path: Path, there: str) -> None:
    if there:
        make(tmp_path, **{there: b""})
    halfway.settle(tmp_path / "a", tmp_path / "b")
    assert list(tree(tmp_path)) == [there] * bool(there)


@given(
    one=st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3)),
    other=st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3)),
)
def test_no_bytes_are_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    top = tmp_path_factory.mktemp("halfway")
    for name, content in (("source", one), ("target", other)):
        (top / name).mkdir()
        make(top / name, **content)
    halfway.settle(top / "source", top / "target")
    left = set(tree(top / "source").items()) | set(tree(top / "target").items())
    assert left == set(one.items()) | set(other.items())


def test_a_copy_has_its_name_on_the_disk_before_its_source_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was killed may not have come to it, and then the power may fail."""
    make(tmp_path, **{"here/a": b"photo", "there/b": b"photo"})
    order = list[str]()
    sync, unlink = copying.sync_folder, Path.unlink

    def sync_and_note(folder: Path) -> None:
        order.append(f"synced {folder.resolve().name}")
        sync(folder)

    def unlink_and_note(path: Path, **options: bool) -> None:
        order.append(f"removed {path.name}")
        unlink(path, **options)

    monkeypatch.setattr(copying, "sync_folder", sync_and_note)
    monkeypatch.setattr(halfway, "sync_folder", sync_and_note)
    monkeypatch.setattr(Path, "unlink", unlink_and_note)
    halfway.settle(tmp_path / "here" / "a", tmp_path / "there" / "b")
    assert order == ["synced there", "removed a", "synced here"]


def test_a_stop_while_it_is_compared_leaves_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halfway, "_BLOCK", 1)
    make(tmp_path, a=b"photo", b=b"photo")
    left = iter(range(4))

    def tick() -> None:
        if next(left, None) is None:
            raise StoppedError

    with pytest.raises(StoppedError):
        halfway.settle(tmp_path / "a", tmp_path / "b", tick)
    assert tree(tmp_path) == {"a": b"photo", "b": b"photo"}
