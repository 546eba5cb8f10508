"""One look: real files, links, pipes, closed folders, and what vanishes meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import scanner
from daemon.errors import ShareError
from daemon.scanner import Sighting, look


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_are_seen_as_they_are(tmp_path: Path) -> None:
    path = put(tmp_path / "Starry Night" / "photo.jpg", b"12345")
    os.utime(path, ns=(1, 123456789))
    seen = look(tmp_path)
    assert seen.root == tmp_path
    assert seen.files == (Sighting(path, 5, 123456789, path.stat().st_ino),)
    assert seen.folders == (tmp_path / "Starry Night",)
    assert seen.unreadable == ()


def test_everything_is_sorted_at_every_depth(tmp_path: Path) -> None:
    paths = [
        put(tmp_path / name) for name in ("b.jpg", "a/z.jpg", "a b/y.jpg", "a/b/c.jpg", "a.jpg")
    ]
    seen = look(tmp_path)
    assert [s.path for s in seen.files] == sorted(paths)
    assert list(seen.folders) == sorted({tmp_path / "a", tmp_path / "a b", tmp_path / "a/b"})


def test_junk_is_left_out_with_all_that_is_in_it(tmp_path: Path) -> None:
    for name in ("Thumbs.db", ".hidden/photo.jpg", "@eaDir/photo.jpg/thumb.jpg", "x.jpg.part"):
        put(tmp_path / name)
    assert look(tmp_path) == scanner.Look(tmp_path, (), ())


def test_only_regular_files_count_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / "secret.jpg")
    inbox = tmp_path / "inbox"
    photo = put(inbox / "photo.jpg")
    (inbox / "link.jpg").symlink_to(outside)
    (inbox / "folder").symlink_to(outside.parent)
    (inbox / "nowhere.jpg").symlink_to(inbox / "gone")
    (inbox / "circle").symlink_to(inbox)
    os.mkfifo(inbox / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(inbox)  # the path of a socket has to be short
        server.bind("socket.jpg")
        os.chdir(here)
        seen = look(inbox)
    assert [s.path for s in seen.files] == [photo]
    assert seen.folders == ()
    assert seen.unreadable == ()


def test_names_that_are_no_text_are_seen(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    put(path)
    assert [s.path for s in look(tmp_path).files] == [path]


def test_a_missing_root_is_said_not_taken_for_empty(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match=r"cannot be read.*No such file.*connected"):
        look(tmp_path / "gone")


def test_a_root_that_is_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match="cannot be read"):
        look(put(tmp_path / "file"))


def test_what_vanishes_during_the_look_was_never_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "stays" / "photo.jpg")
    put(tmp_path / "goes.jpg")
    (tmp_path / "folder").mkdir()
    (tmp_path / "turns").mkdir()
    scandir = os.scandir

    @contextmanager
    def scandir_then_remove(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            seen = list(entries)
        if folder.samefile(tmp_path):  # between the listing and the questions about what it lists
            (tmp_path / "goes.jpg").unlink()
            (tmp_path / "folder").rmdir()
            (tmp_path / "turns").rmdir()
            (tmp_path / "turns").write_bytes(b"now a file")
        yield seen

    monkeypatch.setattr(os, "scandir", scandir_then_remove)
    seen = look(tmp_path)
    assert [s.path for s in seen.files] == [tmp_path / "stays" / "photo.jpg"]
    assert seen.folders == (tmp_path / "stays",)
    assert seen.unreadable == ()


def test_a_folder_that_is_swapped_for_a_link_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = tmp_path / "inbox"
    put(inbox / "album" / "photo.jpg")
    put(tmp_path / "outside" / "secret.jpg")
    scandir = os.scandir

    @contextmanager
    def scandir_and_swap(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            seen = list(entries)
        if folder.samefile(inbox):
            [entry.is_dir(follow_symlinks=False) for entry in seen]
            (inbox / "album").rename(tmp_path / "away")
            (inbox / "album").symlink_to(tmp_path / "outside")
        yield seen

    monkeypatch.setattr(os, "scandir", scandir_and_swap)
    assert look(inbox) == scanner.Look(inbox, (), ())


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from daemon.scanner import look
os.chdir(sys.argv[1])  # before the change of user: the folders above are closed to others
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
seen = look(Path("inbox"))
print([s.path.as_posix() for s in seen.files], [p.as_posix() for p in seen.unreadable])
"""


def test_a_closed_folder_is_named_and_hides_no_other(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    put(inbox / "open" / "a.jpg")
    put(inbox / "shut" / "b.jpg").parent.chmod(0)
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    (inbox / "shut").chmod(0o755)
    assert done.stdout.strip() == "['inbox/open/a.jpg'] ['inbox/shut']", done.stderr


def test_ten_thousand_files_are_all_seen(tmp_path: Path) -> None:
    for style in range(10):
        folder = tmp_path / f"style {style}"
        folder.mkdir()
        for number in range(1000):
            (folder / f"photo {number}.jpg").touch()
    assert len(look(tmp_path).files) == 10_000


def test_what_is_as_it_was_is_the_same_object(tmp_path: Path) -> None:
    names = ("same.jpg", "longer.jpg", "later.jpg", "another.jpg", "gone.jpg")
    paths = {name: put(tmp_path / "Waves" / name) for name in names}
    before = look(tmp_path)
    put(paths["longer.jpg"], b"xyz")
    os.utime(paths["later.jpg"], ns=(1, 1))
    status = paths["another.jpg"].stat()
    paths["another.jpg"].rename(tmp_path / "elsewhere")
    os.utime(put(paths["another.jpg"]), ns=(status.st_atime_ns, status.st_mtime_ns))
    paths["gone.jpg"].unlink()
    seen = look(tmp_path, before)
    assert seen == look(tmp_path)
    known = {id(sighting) for sighting in before.files}
    assert [s.path.name for s in seen.files if id(s) in known] == ["same.jpg"]
