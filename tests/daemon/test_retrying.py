"""Failed photos go back into the inbox: what belongs together, over nothing, through no link."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest

from daemon import files
from daemon.errors import PublishError
from daemon.notes import write_why
from daemon.retrying import Parcel, find_failed, send_back
from daemon.share import Share


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def failed(share: Share, *names: str) -> list[Parcel]:
    put(share.failed, *names)
    return find_failed(share)


def tree(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(str(path.relative_to(folder)) for path in paths)


def test_what_lies_there_is_found_with_what_belongs_to_it(share: Share) -> None:
    put(share.styles, "Waves.jpg")
    write_why(share.failed, ["bare.jpg"], "It is torn.", PurePath("Inbox"))
    parcels = failed(
        share,
        "bare.jpg", "Waves/a.jpg", "Waves/a (2).jpg", "Waves/a (2).style.jpg", "Waves/text.doc",
        "Waves/Party/content.jpg", "Waves/Party/style.png", "Waves/Party/job.toml",
        "Half/content.jpg", "Waves/content.jpg", ".hidden.jpg", "Thumbs.db",
    )  # fmt: skip
    assert [(str(one.place), one.names) for one in parcels] == [
        ("Half/content.jpg", ("content.jpg",)),
        ("Waves/Party", ("Party",)),
        ("Waves/a (2).jpg", ("a (2).style.jpg", "a (2).jpg")),
        ("Waves/a.jpg", ("a.jpg",)),
        ("Waves/content.jpg", ("content.jpg",)),
        ("Waves/text.doc", ("text.doc",)),
        ("bare.jpg", ("bare.jpg",)),
    ]
    styles = [share.failed / "Waves/Party/style.png", share.failed / "Waves/a (2).style.jpg"]
    of_folder = share.styles / "Waves.jpg"
    known = [*styles, *[of_folder] * 3]
    assert [one.styles for one in parcels] == [(), *((one,) for one in known), ()]
    wishes = [one.overrides for one in parcels if one.overrides is not None]
    assert wishes == [PurePath("Waves/Party/job.toml")]


def test_a_default_style_is_that_of_what_nothing_else_says_one_for(share: Share) -> None:
    put(share.styles, "Waves.jpg", "Dots.jpg")
    put(share.failed, "bare.jpg", "Waves/a.jpg", "alone.style.jpg", "Half/content.jpg")
    styles = {str(one.place): one.styles for one in find_failed(share, "Dots")}
    assert styles == {
        "bare.jpg": (share.styles / "Dots.jpg",),
        "Waves/a.jpg": (share.styles / "Waves.jpg",),
        "alone.style.jpg": (),
        "Half/content.jpg": (),
    }


def test_what_the_name_of_its_folder_asks_for_goes_with_a_photo(share: Share) -> None:
    put(share.styles, "Waves.jpg", "Dots.jpg")
    put(share.failed, "Waves + Dots, own colours/a.jpg")
    (parcel,) = find_failed(share)
    assert parcel.styles == (share.styles / "Waves.jpg", share.styles / "Dots.jpg")
    assert parcel.wishes == {"colors": "luminance"}
    assert send_back(share, parcel) == share.inbox / "Waves + Dots, own colours/a.jpg"


def test_nothing_lies_there(share: Share) -> None:
    assert find_failed(share) == []


def test_a_photo_goes_back_and_the_note_goes(share: Share) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    write_why(share.failed / "Waves", ["a.jpg"], "It is torn.", PurePath("Inbox/Waves"))
    assert send_back(share, parcel) == share.inbox / "Waves/a.jpg"
    assert tree(share.inbox) == ["Waves/a.jpg"]
    assert tree(share.failed) == []


def test_a_note_of_somebody_else_stays(share: Share) -> None:
    parcels = failed(share, "Waves/a.jpg", "Waves/a.jpg - why.txt")
    (photo,) = (one for one in parcels if one.place.name == "a.jpg")
    send_back(share, photo)
    assert tree(share.failed) == ["Waves/a.jpg - why.txt"]


def test_pairs_and_folders_go_as_a_whole(share: Share) -> None:
    for parcel in failed(
        share,
        "Waves/a.jpg",
        "Waves/a.style.jpg",
        "Party/content.jpg",
        "Party/style.jpg",
        "Party/x.txt",
    ):
        send_back(share, parcel)
    assert tree(share.inbox) == [
        "Party/content.jpg", "Party/style.jpg", "Party/x.txt", "Waves/a.jpg", "Waves/a.style.jpg",
    ]  # fmt: skip
    assert tree(share.failed) == []


@pytest.mark.parametrize("taken", ["Waves/a.jpg", "Waves/A.JPG", "Waves/a.style.jpg"])
def test_nothing_is_moved_over_anything(share: Share, taken: str) -> None:
    (parcel,) = failed(share, "Waves/a.jpg", "Waves/a.style.jpg")
    put(share.inbox, taken)
    (share.inbox / taken).write_bytes(b"another one")
    with pytest.raises(PublishError, match="cannot be brought back"):
        send_back(share, parcel)
    assert tree(share.inbox) == [taken]
    assert tree(share.failed) == ["Waves/a.jpg", "Waves/a.style.jpg"]


def test_what_cannot_be_moved_whole_stays_whole(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parcel,) = failed(share, "Waves/a.jpg", "Waves/a.style.jpg")
    real = files.move_exactly

    def move(source: Path, target: Path) -> None:
        if source.name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(files, "move_exactly", move)
    with pytest.raises(PublishError, match="Permission denied"):
        send_back(share, parcel)
    assert tree(share.inbox) == []
    assert tree(share.failed) == ["Waves/a.jpg", "Waves/a.style.jpg"]


@pytest.mark.parametrize("unsynced", ["a.jpg", "a.style.jpg"])
def test_what_has_moved_though_its_folder_was_not_synced_stays_together(
    share: Share, monkeypatch: pytest.MonkeyPatch, unsynced: str
) -> None:
    (parcel,) = failed(share, "Waves/a.jpg", "Waves/a.style.jpg")
    real = files.move_exactly

    def move(source: Path, target: Path) -> None:
        real(source, target)
        if source.name == unsynced:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "move_exactly", move)
    send_back(share, parcel)
    assert tree(share.inbox) == ["Waves/a.jpg", "Waves/a.style.jpg"]
    assert tree(share.failed) == []


def test_a_file_in_the_place_of_its_folder_is_said(share: Share) -> None:
    (parcel,) = failed(share, "Waves/deep/a.jpg")
    put(share.inbox, "Waves")
    with pytest.raises(PublishError, match="Waves is no folder"):
        send_back(share, parcel)
    assert tree(share.inbox) == ["Waves"]


@pytest.mark.parametrize("where", ["inbox", "failed"])
def test_no_link_is_followed(share: Share, tmp_path: Path, where: str) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    put(tmp_path / "elsewhere", "a.jpg")
    folder = getattr(share, where) / "Waves"
    if where == "failed":  # swapped since it was looked at
        (folder / "a.jpg").unlink()
        folder.rmdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PublishError):
        send_back(share, parcel)
    assert tree(tmp_path / "elsewhere") == ["a.jpg"]
    assert [name for name in tree(share.inbox) if name != "Waves"] == []


def test_a_link_in_failed_is_no_photo(share: Share, tmp_path: Path) -> None:
    put(tmp_path, "secret.jpg")
    (share.failed / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(share.failed / "b.jpg")
    assert find_failed(share) == []


def test_what_has_gone_is_said(share: Share) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    (share.failed / "Waves/a.jpg").unlink()
    with pytest.raises(PublishError, match="could not be moved back"):
        send_back(share, parcel)


def test_to_another_device_it_is_copied(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    real = files.rename_new

    def rename(source: Path, target: Path) -> None:
        if source.name == "a.jpg":
            raise OSError(18, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(files, "rename_new", rename)
    send_back(share, parcel)
    assert (share.inbox / "Waves/a.jpg").read_bytes() == b"Waves/a.jpg"
    assert tree(share.failed) == []


def test_names_that_are_no_utf_8(share: Share) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (share.failed / name).write_bytes(b"x")
    (parcel,) = find_failed(share)
    send_back(share, parcel)
    assert (share.inbox / name).read_bytes() == b"x"


@pytest.mark.parametrize(
    "moved", [["a.style.jpg"], ["a.style.jpg", "a.jpg"], ["a.jpg"]], ids=lambda names: names[-1]
)
def test_what_a_kill_has_left_in_both_folders_is_settled(share: Share, moved: list[str]) -> None:
    (parcel,) = failed(share, "Waves/a.jpg", "Waves/a.style.jpg")
    put(share.inbox, *(f"Waves/{name}" for name in moved))
    assert send_back(share, parcel) == share.inbox / "Waves/a.jpg"
    assert tree(share.inbox) == ["Waves/a.jpg", "Waves/a.style.jpg"]
    assert tree(share.failed) == []


def test_a_folder_that_a_kill_has_left_in_both_is_settled(share: Share) -> None:
    (parcel,) = failed(share, "Party/content.jpg", "Party/style.jpg")
    put(share.inbox, "Party/content.jpg", "Party/style.jpg", "Party/more.jpg")
    send_back(share, parcel)
    assert tree(share.inbox) == ["Party/content.jpg", "Party/more.jpg", "Party/style.jpg"]
    assert tree(share.failed) == []


@pytest.mark.parametrize("other", ["Party/content.jpg", "Party/style.jpg"])
def test_a_folder_of_which_something_is_another_one_in_the_inbox_stays(
    share: Share, other: str
) -> None:
    (parcel,) = failed(share, "Party/content.jpg", "Party/style.jpg")
    put(share.inbox, "Party/content.jpg", "Party/style.jpg")
    (share.inbox / other).write_bytes(b"another one")
    with pytest.raises(PublishError, match="there is a Party in"):
        send_back(share, parcel)
    assert tree(share.failed) == ["Party/content.jpg", "Party/style.jpg"]


def test_what_somebody_still_writes_to_in_failed_stays(share: Share) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    put(share.inbox, "Waves/a.jpg")
    with (
        (share.failed / "Waves/a.jpg").open("ab"),
        pytest.raises(PublishError, match="still writing"),
    ):
        send_back(share, parcel)
    assert tree(share.failed) == tree(share.inbox) == ["Waves/a.jpg"]


def test_what_lies_in_both_is_on_the_disk_before_one_of_them_goes(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parcel,) = failed(share, "Waves/a.jpg")
    put(share.inbox, "Waves/a.jpg")
    sync, unlink, order = os.fsync, Path.unlink, list[str]()

    def sync_and_note(handle: int) -> None:
        order.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    def unlink_and_note(path: Path, **options: bool) -> None:
        order.append("removed")
        unlink(path, **options)

    monkeypatch.setattr(os, "fsync", sync_and_note)
    monkeypatch.setattr(Path, "unlink", unlink_and_note)
    send_back(share, parcel)
    folder = share.inbox / "Waves"
    assert order[: order.index("removed")] == [str(folder / "a.jpg"), str(folder)]


def test_a_style_whose_photo_has_no_place_is_not_removed(share: Share) -> None:
    (parcel,) = failed(share, "Waves/a.jpg", "Waves/a.style.jpg")
    put(share.inbox, "Waves/a.jpg", "Waves/a.style.jpg")
    (share.inbox / "Waves/a.jpg").write_bytes(b"another one")
    with pytest.raises(PublishError, match=r"there is a a\.jpg in"):
        send_back(share, parcel)
    assert tree(share.failed) == ["Waves/a.jpg", "Waves/a.style.jpg"]
