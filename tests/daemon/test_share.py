"""The share's folders: where they are, apart from one another, made and writable."""

from __future__ import annotations

import errno
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import files
from daemon.errors import ShareError
from daemon.settings import ShareSettings
from daemon.share import Share, expect_share, is_there, make_share, open_share


def settings(root: Path, **folders: Path | str) -> ShareSettings:
    return ShareSettings.model_validate({"root": root, **folders})


def test_relative_folders_lie_below_the_root(tmp_path: Path) -> None:
    share = open_share(settings(tmp_path, inbox="In/Here"))
    assert share == Share(
        root=tmp_path,
        inbox=tmp_path / "In/Here",
        outbox=tmp_path / "Outbox",
        styles=tmp_path / "Styles",
        originals=tmp_path / "Originals",
        failed=tmp_path / "Failed",
        work=tmp_path / ".atelierd",
    )


def test_a_relative_root_lies_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_share(ShareSettings()).inbox == tmp_path / "share" / "Inbox"


def test_the_home_folder_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    share = open_share(settings(Path("~/share"), outbox="~/Painted"))
    assert (share.root, share.outbox) == (tmp_path / "share", tmp_path / "Painted")


def test_an_unknown_home_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match=r"share\.outbox .*Set another path"):
        open_share(settings(tmp_path, outbox="~nobody-of-this-name/Painted"))


def test_absolute_folders_may_lie_elsewhere(tmp_path: Path) -> None:
    share = open_share(settings(tmp_path / "a", styles=tmp_path / "b"))
    assert share.styles == tmp_path / "b"
    share = open_share(settings(tmp_path / "a", styles=tmp_path / "a" / ".." / "c"))
    assert share.styles == tmp_path / "c"


def test_opening_makes_nothing(tmp_path: Path) -> None:
    open_share(settings(tmp_path / "share"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("inner", "outer", "folders"),
    [
        ("outbox", "inbox", {"outbox": "Inbox/Done"}),
        ("inbox", "styles", {"inbox": "Styles/a/b/c"}),
        ("work", "failed", {"work": "Failed/.work"}),
        ("outbox", "inbox", {"inbox": "."}),
    ],
)
def test_folders_in_one_another_are_refused_with_both_named(
    tmp_path: Path, inner: str, outer: str, folders: dict[str, str]
) -> None:
    with pytest.raises(ShareError, match=rf"share\.{inner} .*inside share\.{outer} "):
        open_share(settings(tmp_path, **folders))


def test_the_same_folder_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match=r"share\.outbox and share\.failed are the same folder"):
        open_share(settings(tmp_path, failed="./Outbox/"))


def test_a_longer_name_is_not_inside(tmp_path: Path) -> None:
    assert open_share(settings(tmp_path, outbox="Inbox 2")).outbox == tmp_path / "Inbox 2"


def test_nesting_is_seen_through_links(tmp_path: Path) -> None:
    (tmp_path / "Inbox").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "Inbox")
    with pytest.raises(ShareError, match=r"share\.outbox .*inside share\.inbox "):
        open_share(settings(tmp_path, outbox="elsewhere/Outbox"))
    with pytest.raises(ShareError, match="are the same folder"):
        open_share(settings(tmp_path, outbox=tmp_path / "elsewhere"))


def test_a_folder_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "Outbox").symlink_to(tmp_path / "disk")
    share = open_share(settings(tmp_path / "share"))
    make_share(share)
    assert share.outbox == tmp_path / "disk"


@pytest.mark.parametrize("outbox", ["../Outbox", "a/../../Outbox", ".."])
def test_a_relative_folder_does_not_lead_out_of_the_root(tmp_path: Path, outbox: str) -> None:
    with pytest.raises(ShareError, match=r"share\.outbox .*leads out of the share's folder"):
        open_share(settings(tmp_path / "share", outbox=outbox))


@pytest.mark.parametrize("bad", ["In\0box", "circle/Inbox"])
def test_a_path_that_cannot_be_one_is_said(tmp_path: Path, bad: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(ShareError, match=r"share\.inbox"):
        make_share(open_share(settings(tmp_path, inbox=bad)))


@given(st.lists(st.sampled_from(["a", "b", "a/b", "b/a/c", "a/b/c", "c"]), min_size=6, max_size=6))
def test_what_is_opened_is_apart(folders: list[str]) -> None:
    names = ["inbox", "outbox", "styles", "originals", "failed", "work"]
    apart = all(
        one == other or not Path(folders[one]).is_relative_to(folders[other])
        for one in range(6)
        for other in range(6)
    )
    try:
        open_share(settings(Path("/nowhere"), **dict(zip(names, folders, strict=True))))
    except ShareError:
        assert not apart
    else:
        assert apart


def test_making_makes_what_is_missing_and_leaves_nothing_else(tmp_path: Path) -> None:
    share = open_share(settings(tmp_path / "some" / "share"))
    make_share(share)
    made = {path.name for path in share.root.iterdir()}
    assert made == {"Inbox", "Outbox", "Styles", "Originals", "Failed", ".atelierd"}
    assert all(list(folder.iterdir()) == [] for _, folder in share.folders())


def test_making_again_changes_nothing(tmp_path: Path) -> None:
    share = open_share(settings(tmp_path))
    make_share(share)
    (share.inbox / "photo.jpg").write_bytes(b"photo")
    make_share(share)
    assert (share.inbox / "photo.jpg").read_bytes() == b"photo"


@pytest.mark.parametrize("inbox", ["file", "file/Inbox"])
def test_a_file_in_the_place_of_a_folder_is_said(tmp_path: Path, inbox: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ShareError, match=rf"{inbox} cannot .*a file is in its place"):
        make_share(open_share(settings(tmp_path, inbox=inbox)))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match=r"/proc/atelierd/Styles cannot .*as share\.styles"):
        make_share(open_share(settings(tmp_path, styles="/proc/atelierd/Styles")))


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ShareError, match=r"/proc/\d+/fdinfo cannot .*Let the user who runs atelierd write"
    ):
        make_share(open_share(settings(tmp_path, outbox="/proc/self/fdinfo")))


def test_one_folder_under_two_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands in for a file system that does not tell small letters from capitals.
    samefile = Path.samefile
    monkeypatch.setattr(
        Path,
        "samefile",
        lambda one, other: samefile(one, other) or one.name.lower() == other.name.lower(),
    )
    with pytest.raises(ShareError, match=r"share\.inbox and share\.failed are the same folder"):
        make_share(open_share(settings(tmp_path, failed="INBOX")))


class TestWorkFolder:
    def test_it_is_made_for_this_user_alone(self, tmp_path: Path) -> None:
        share = open_share(settings(tmp_path))
        assert make_share(share) == ()
        assert share.work.stat().st_mode & 0o777 == 0o700
        assert share.inbox.stat().st_mode & 0o700 == 0o700

    def test_it_is_closed_when_it_is_open(self, tmp_path: Path) -> None:
        share = open_share(settings(tmp_path))
        share.work.mkdir()
        share.work.chmod(0o2775)
        assert make_share(share) == ()
        assert share.work.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("mode", [0o775, 0o757])
    def test_that_it_cannot_be_closed_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
    ) -> None:
        share = open_share(settings(tmp_path))
        share.work.mkdir()
        share.work.chmod(mode)

        def refuse(_path: Path, _mode: int) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "chmod", refuse)
        (why,) = make_share(share)
        assert str(share.work) in why
        assert "chmod 700" in why

    def test_others_who_can_only_read_are_no_danger(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        share = open_share(settings(tmp_path))
        share.work.mkdir()
        share.work.chmod(0o755)
        monkeypatch.setattr(Path, "chmod", lambda *_arguments: None)  # vfat, CIFS: in silence
        assert make_share(share) == ()


def test_whether_there_is_a_share_is_told_by_its_inbox(tmp_path: Path) -> None:
    share = open_share(settings(tmp_path / "my share"))
    with pytest.raises(ShareError, match=r"no share in .*`atelierd init '.*my share'`"):
        expect_share(share)
    with pytest.raises(ShareError, match=r"Make a share with `sudo x`, name another"):
        expect_share(share, "`sudo x`")
    assert not share.root.exists()
    make_share(share)
    expect_share(share)
    assert is_there(share)


def test_a_share_below_a_file_or_a_closed_folder_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    assert not is_there(open_share(settings(tmp_path / "file")))
    share = open_share(settings(tmp_path))

    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert not is_there(share)


def test_nothing_is_made_in_the_place_of_a_root_that_goes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = open_share(settings(tmp_path / "share"))
    share.inbox.mkdir(parents=True)
    real = files.temporary_file

    def goes(folder: Path) -> AbstractContextManager[int]:
        if not (tmp_path / "away").exists():
            share.root.rename(tmp_path / "away")
            share.root.mkdir()  # as the folder below a mount point comes to light
        return real(folder)

    monkeypatch.setattr(files, "temporary_file", goes)
    with pytest.raises(ShareError, match="Check the drives"):
        make_share(share)
    assert list(share.root.iterdir()) == []


def test_the_root_is_apart_where_no_folder_holds_it(tmp_path: Path) -> None:
    assert open_share(settings(tmp_path / "share")).root_is_apart
    beside = {name: tmp_path / name for name in ("outbox", "styles", "originals", "failed", "work")}
    for inbox in (tmp_path / "a" / "share", tmp_path / "a"):
        share = open_share(ShareSettings(root=tmp_path / "a" / "share", inbox=inbox, **beside))
        assert not share.root_is_apart
