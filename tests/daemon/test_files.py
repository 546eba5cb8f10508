"""Files appear whole or not at all, and never in another's place; on real file systems."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon import copying, files
from daemon.errors import ShareError
from daemon.folders import folder_below
from daemon.names import canonical, is_junk
from daemon.pulse import Tick

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size`: to the writer that is a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def unsupported(source: Path, _target: Path) -> None:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(source))


def make_deep(folder: Path) -> None:
    """Make a folder with all above it, of which there may be more than Python may call itself."""
    for one in (*reversed(folder.parents), folder):
        one.mkdir(exist_ok=True)


def listing(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def keep_names(
    monkeypatch: pytest.MonkeyPatch, *names: str, number: int = errno.EPERM, below: Path = Path("/")
) -> None:
    """Let nobody remove files of these names, as in a folder where each may remove only theirs."""
    unlink = Path.unlink

    def refuse(path: Path, **options: bool) -> None:
        if path.name in names and path.parent.resolve().is_relative_to(below):
            raise OSError(number, os.strerror(number), str(path))
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", refuse)


@pytest.fixture(params=["kernel", "link", "reservation"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """All of the module with only one way to rename left, as on lesser file systems."""
    name: str = request.param
    only = getattr(files, f"rename_by_{name}")
    others = (files.rename_by_reservation,) if name == "link" else ()
    monkeypatch.setattr(files, "RENAMES", (unsupported, only, *others))
    return name


class TestWriteAtomically:
    def test_replaces_by_default(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")
        files.write_atomically(path, b"new")
        assert path.read_bytes() == b"new"
        assert listing(tmp_path) == ["a"]

    def test_refuses_to_replace_when_told_so(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")
        with pytest.raises(FileExistsError):
            files.write_atomically(path, b"new", replace=False)
        assert path.read_bytes() == b"old"
        assert listing(tmp_path) == ["a"]

    def test_replaces_a_link_and_not_what_it_points_to(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_bytes(b"precious")
        (tmp_path / "a").symlink_to("precious")
        files.write_atomically(tmp_path / "a", b"new")
        assert (tmp_path / "precious").read_bytes() == b"precious"
        assert not (tmp_path / "a").is_symlink()

    @pytest.mark.parametrize("replace", [True, False])
    def test_leaves_all_as_it_was_when_the_disk_is_full(
        self, tmp_path: Path, *, replace: bool
    ) -> None:
        with room_for(1000), pytest.raises(OSError, match="File too large"):
            files.write_atomically(tmp_path / "a", bytes(2000), replace=replace)
        assert listing(tmp_path) == []


class TestPublishNew:
    @pytest.mark.usefixtures("way")
    def test_numbers_what_is_taken_and_overwrites_nothing(self, tmp_path: Path) -> None:
        made = [files.publish_new(tmp_path, "a.jpg", bytes([n])) for n in range(3)]
        assert [path.name for path in made] == ["a.jpg", "a (2).jpg", "a (3).jpg"]
        assert [path.read_bytes() for path in made] == [b"\0", b"\1", b"\2"]
        assert len(listing(tmp_path)) == 3

    @pytest.mark.parametrize(
        ("there", "wanted"),
        [("PHOTO.JPG", "photo.jpg"), (unicodedata.normalize("NFD", "Café.jpg"), "CAFÉ.jpg")],
    )
    def test_names_that_windows_or_macos_cannot_tell_apart_are_taken(
        self, tmp_path: Path, there: str, wanted: str
    ) -> None:
        (tmp_path / there).write_bytes(b"")
        made = files.publish_new(tmp_path, wanted, b"new")
        assert made.name == f"{PurePath(wanted).stem} (2).jpg"

    @pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
    def test_folders_and_dead_links_are_not_replaced(
        self, tmp_path: Path, make: Callable[[Path], None]
    ) -> None:
        make(tmp_path / "a.jpg")
        assert files.publish_new(tmp_path, "a.jpg", b"").name == "a (2).jpg"

    @pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
    def test_readable_as_any_new_file_of_the_process(
        self, tmp_path: Path, mask: int, mode: int
    ) -> None:
        with umask(mask):
            made = files.publish_new(tmp_path, "a", b"")
        assert stat.S_IMODE(made.stat().st_mode) == mode

    def test_nothing_is_left_when_the_disk_is_full(self, tmp_path: Path) -> None:
        with room_for(1000), pytest.raises(OSError, match="File too large"):
            files.publish_new(tmp_path, "a.jpg", bytes(2000))
        assert listing(tmp_path) == []

    @pytest.mark.usefixtures("way")
    def test_what_has_its_name_is_published_even_if_the_folder_cannot_be_synced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_folder: Path) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(files, "sync_folder", refuse)
        with capture_logs() as logs:
            assert files.publish_new(tmp_path, "a.jpg", b"a") == tmp_path / "a.jpg"
        assert listing(tmp_path) == ["a.jpg"]
        assert [line["event"] for line in logs] == ["file.not_synced"]

    @pytest.mark.usefixtures("way")
    def test_many_at_once_get_a_name_each(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            datas = [b"%d" % n for n in range(40)]
            made = list(pool.map(lambda data: files.publish_new(tmp_path, "a.jpg", data), datas))
        assert [path.read_bytes() for path in made] == datas
        assert len(set(made)) == len(listing(tmp_path)) == 40

    def test_a_killed_writer_leaves_whole_files_and_hidden_leftovers(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from daemon import files\n"
            "print(flush=True)\n"
            "while True: files.publish_new(Path(sys.argv[1]), 'a.jpg', bytes(300_000))"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not (tmp_path / "a (5).jpg").exists() and writer.poll() is None:
                pass
            writer.send_signal(signal.SIGKILL)
        seen = [path for path in tmp_path.iterdir() if not is_junk(path.name)]
        assert len(seen) >= 5
        assert {path.stat().st_size for path in seen} == {300_000}


class TestMoveNew:
    @pytest.mark.usefixtures("way")
    @pytest.mark.parametrize("kind", ["file", "folder"])
    def test_moves_without_overwriting(self, tmp_path: Path, kind: str) -> None:
        source, folder = tmp_path / "a", tmp_path / "to"
        folder.mkdir()
        (folder / "a").write_bytes(b"first")
        if kind == "file":
            source.write_bytes(b"second")
        else:
            source.mkdir()
            (source / "in").write_bytes(b"second")
        moved = files.move_new(source, folder, "a")
        assert moved == folder / "a (2)"
        inside = moved if kind == "file" else moved / "in"
        assert (folder / "a").read_bytes() == b"first"
        assert inside.read_bytes() == b"second"
        assert not source.exists()

    def test_a_link_is_moved_itself(self, tmp_path: Path) -> None:
        (tmp_path / "to").mkdir()
        (tmp_path / "precious").write_bytes(b"")
        (tmp_path / "a").symlink_to("../precious")
        moved = files.move_new(tmp_path / "a", tmp_path / "to", "a")
        assert moved.is_symlink()
        assert (tmp_path / "precious").exists()

    def test_across_devices_keeps_content_time_and_mode(
        self, tmp_path: Path, elsewhere: Path
    ) -> None:
        source = elsewhere / "a.jpg"
        source.write_bytes(b"photo")
        source.chmod(0o640)
        os.utime(source, ns=(1_000_000_001, 1_500_000_000_123_456_789))
        (tmp_path / "a.jpg").write_bytes(b"another")
        moved = files.move_new(source, tmp_path, "a.jpg")
        assert moved == tmp_path / "a (2).jpg"
        assert moved.read_bytes() == b"photo"
        assert moved.stat().st_mtime_ns == 1_500_000_000_123_456_789
        assert stat.S_IMODE(moved.stat().st_mode) == 0o640
        assert listing(elsewhere) == []
        assert listing(tmp_path) == ["a (2).jpg", "a.jpg"]

    def test_across_devices_takes_folders_whole(self, tmp_path: Path, elsewhere: Path) -> None:
        (elsewhere / "party" / "deep").mkdir(parents=True)
        (elsewhere / "party" / "deep" / "a").write_bytes(b"a")
        (elsewhere / "party" / "b").symlink_to("deep/a")
        moved = files.move_new(elsewhere / "party", tmp_path, "party")
        assert (moved / "deep" / "a").read_bytes() == b"a"
        assert os.readlink(moved / "b") == "deep/a"  # noqa: PTH115 - the text itself
        assert listing(elsewhere) == []

    def test_across_devices_a_full_disk_leaves_the_source(
        self, tmp_path: Path, elsewhere: Path
    ) -> None:
        (elsewhere / "a").write_bytes(bytes(2000))
        with room_for(1000), pytest.raises(OSError, match="File too large"):
            files.move_new(elsewhere / "a", tmp_path, "a")
        assert listing(tmp_path) == []
        assert (elsewhere / "a").stat().st_size == 2000

    def test_across_devices_a_pipe_is_refused_and_does_not_hang(
        self, tmp_path: Path, elsewhere: Path
    ) -> None:
        os.mkfifo(elsewhere / "a")
        with pytest.raises(OSError, match="neither a file nor a folder"):
            files.move_new(elsewhere / "a", tmp_path, "a")
        assert listing(tmp_path) == []

    @pytest.mark.parametrize("kind", ["file", "folder"])
    def test_across_devices_no_copy_is_left_of_what_may_not_be_removed(
        self, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        source = elsewhere / "a"
        if kind == "folder":
            source.mkdir()
        (source if kind == "file" else source / "kept").write_bytes(b"photo")
        keep_names(monkeypatch, "kept" if kind == "folder" else "a", below=elsewhere)
        with pytest.raises(PermissionError):
            files.move_new(source, tmp_path, "b")
        assert listing(elsewhere) == ["a"]
        assert listing(tmp_path) == []

    @pytest.mark.parametrize("fault", ["one of two", "vanished", "changed"])
    def test_across_devices_the_only_whole_copy_is_kept(
        self, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        (elsewhere / "a").mkdir()
        for name in ("first", "kept"):
            (elsewhere / "a" / name).write_bytes(name.encode())
        names = ["kept", *(["first"] if fault != "one of two" else [])]
        keep_names(monkeypatch, *names, below=elsewhere)
        copy = copying.copy_whole

        def copy_and_spoil(source: Path, target: Path, *, tick: Tick) -> list[copying.Copied]:
            copied = copy(source, target, tick=tick)
            if fault == "vanished":
                (source / "first").rename(elsewhere / "away")
            elif fault == "changed":
                (source / "first").write_bytes(b"another")
            return sorted(copied, key=lambda one: one.path.name == "a")

        monkeypatch.setattr(copying, "copy_whole", copy_and_spoil)
        with pytest.raises(PermissionError):
            files.move_new(elsewhere / "a", tmp_path, "a")
        assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == {
            "first": b"first", "kept": b"kept",
        }  # fmt: skip

    def test_across_devices_a_copy_that_cannot_be_synced_is_not_left_beside_the_source(
        self, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_folder: Path) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        (elsewhere / "a").write_bytes(b"a")
        monkeypatch.setattr(copying, "sync_folder", refuse)
        with pytest.raises(OSError, match="Input/output"):
            files.move_new(elsewhere / "a", tmp_path, "a")
        assert listing(elsewhere) == ["a"]
        assert listing(tmp_path) == []

    def test_across_devices_a_very_deep_folder_is_moved_whole(
        self, tmp_path: Path, elsewhere: Path
    ) -> None:
        deepest = elsewhere.joinpath("a", *["d"] * 600)
        make_deep(deepest)
        (deepest / "photo").write_bytes(b"photo")
        try:
            moved = files.move_new(elsewhere / "a", tmp_path, "a")
            assert moved.joinpath(*["d"] * 600, "photo").read_bytes() == b"photo"
            assert listing(elsewhere) == []
        finally:  # Python's own way to remove a tree calls itself
            subprocess.run(["rm", "-rf", tmp_path / "a", elsewhere / "a"], check=True)

    def test_what_is_gone_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            files.move_new(tmp_path / "a", tmp_path, "b")


class TestMoveExactly:
    def test_refuses_a_taken_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"a")
        (tmp_path / "B").write_bytes(b"b")
        with pytest.raises(FileExistsError):
            files.move_exactly(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == ["B", "a"]

    def test_moves(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"a")
        files.move_exactly(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == ["b"]


class TestWaysToRename:
    @pytest.mark.parametrize("rename", files.RENAMES)
    def test_each_refuses_a_taken_name(
        self, tmp_path: Path, rename: Callable[[Path, Path], None]
    ) -> None:
        (tmp_path / "a").write_bytes(b"a")
        (tmp_path / "b").write_bytes(b"b")
        with pytest.raises(FileExistsError):
            rename(tmp_path / "a", tmp_path / "b")
        assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"a", b"b"]

    @pytest.mark.parametrize("rename", files.RENAMES)
    def test_each_says_what_is_gone(
        self, tmp_path: Path, rename: Callable[[Path, Path], None]
    ) -> None:
        with pytest.raises(FileNotFoundError):
            rename(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == []

    def test_a_reservation_is_given_up_when_the_rename_fails(
        self, tmp_path: Path, elsewhere: Path
    ) -> None:
        (elsewhere / "a").write_bytes(b"a")
        (elsewhere / "folder").mkdir()
        for name in ("a", "folder"):
            with pytest.raises(OSError, match="cross-device") as caught:
                files.rename_by_reservation(elsewhere / name, tmp_path / name)
            assert caught.value.errno == errno.EXDEV
        assert listing(tmp_path) == []

    def test_a_reservation_that_became_the_file_is_not_given_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server may have renamed and not be heard to say so."""
        replace = Path.replace

        def replace_unheard(path: Path, target: Path) -> None:
            replace(path, target)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        (tmp_path / "a").write_bytes(b"a")
        monkeypatch.setattr(Path, "replace", replace_unheard)
        with pytest.raises(OSError, match="Input/output"):
            files.rename_by_reservation(tmp_path / "a", tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == b"a"

    @pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EBUSY])
    def test_what_may_not_lose_its_name_gets_no_second_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """In a folder where each may remove only theirs (sticky) links can be made all the same."""
        keep_names(monkeypatch, "a", number=number)
        monkeypatch.setattr(files, "RENAMES", (unsupported, *files.RENAMES[1:]))
        (tmp_path / "a").write_bytes(b"a")
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            files.move_new(tmp_path / "a", tmp_path, "b")
        assert listing(tmp_path) == ["a"]

    def test_a_link_whose_first_name_went_meanwhile_is_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that removed the name, was not heard, and is asked again finds nothing."""
        unlink = Path.unlink

        def unlink_twice(path: Path, **options: bool) -> None:
            unlink(path)
            unlink(path, **options)

        monkeypatch.setattr(Path, "unlink", unlink_twice)
        (tmp_path / "a").write_bytes(b"a")
        files.rename_by_link(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == ["b"]

    def test_a_link_that_a_server_made_and_denies_is_no_reason_for_another_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its answer got lost, it is asked once more, and then it finds the name taken."""
        link = os.link

        def link_twice(*args: Path, **options: bool) -> None:
            link(*args, **options)
            link(*args, **options)

        monkeypatch.setattr(os, "link", link_twice)
        monkeypatch.setattr(files, "RENAMES", (unsupported, *files.RENAMES[1:]))
        assert files.publish_new(tmp_path, "a", b"a") == tmp_path / "a"
        files.move_exactly(tmp_path / "a", tmp_path / "b")
        (tmp_path / "theirs").write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            files.rename_by_link(tmp_path / "b", tmp_path / "theirs")
        assert listing(tmp_path) == ["b", "theirs"]
        assert (tmp_path / "theirs").read_bytes() == b"theirs"

    def test_a_c_library_without_the_call_falls_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "_renameat2", lambda: None)
        (tmp_path / "a").write_bytes(b"a")
        files.rename_new(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == ["b"]

    def test_a_real_refusal_is_not_tried_again_in_other_ways(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(source: Path, _target: Path) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(source))

        monkeypatch.setattr(files, "RENAMES", (refuse, *files.RENAMES))
        (tmp_path / "a").write_bytes(b"a")
        with pytest.raises(OSError, match="Read-only"):
            files.rename_new(tmp_path / "a", tmp_path / "b")
        assert listing(tmp_path) == ["a"]


class TestFolderBelow:
    def test_makes_what_is_missing_and_takes_what_is_there(self, tmp_path: Path) -> None:
        for _ in range(2):
            assert folder_below(tmp_path, PurePath("a/b")) == tmp_path / "a/b"
        assert (tmp_path / "a/b").is_dir()

    def test_empty_is_the_base(self, tmp_path: Path) -> None:
        assert folder_below(tmp_path, PurePath()) == tmp_path

    def test_goes_around_files_and_links(self, tmp_path: Path) -> None:
        (tmp_path / "base").mkdir()
        (tmp_path / "outside").mkdir()
        (tmp_path / "base/a").symlink_to(tmp_path / "outside")
        (tmp_path / "base/a (2)").write_bytes(b"")
        made = folder_below(tmp_path / "base", PurePath("a/b"))
        assert made == tmp_path / "base/a (3)/b"
        assert listing(tmp_path / "outside") == []

    @pytest.mark.parametrize("parents", ["../a", "a/../../b", "/etc"])
    def test_never_leads_out(self, tmp_path: Path, parents: str) -> None:
        with pytest.raises(ShareError, match="leads out of the share"):
            folder_below(tmp_path, PurePath(parents))


def test_temporary_names_are_told_from_people_s(tmp_path: Path) -> None:
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", lambda path, _target: seen.append(path.name))
        files.write_atomically(tmp_path / "a", b"a")
    assert files.is_temporary(*seen)
    for name in (".atelierd", ".atelierd-0.tmp", ".atelierd-notes.tmp", f"{seen[0]}.tmp", "x.tmp"):
        assert not files.is_temporary(name)


@given(st.text(max_size=20))
def test_names_in_ascii_are_compared_as_all_others_are(name: str) -> None:
    assert files._folded(name) == canonical(canonical(name).casefold())


def test_one_look_answers_for_many_names(tmp_path: Path) -> None:
    (tmp_path / "Photo.jpg").touch()
    is_free = files.free_in(tmp_path)
    (tmp_path / "later.jpg").touch()
    assert [is_free(name) for name in ("photo.JPG", "photo (2).jpg", "later.jpg")] == [
        False,
        True,
        True,
    ]
