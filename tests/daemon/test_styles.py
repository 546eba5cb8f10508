"""Styles: folders come and go with the pictures, and nobody's file goes with them."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import ShareError
from daemon.names import INBOX_NOTE
from daemon.note_texts import signatures
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.styles import MEMORY, find_regions, mirror_styles, see_styles, style_of


def make(root: Path) -> Share:
    share = open_share(ShareSettings(root=root))
    make_share(share)
    return share


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return make(tmp_path)


def add(share: Share, *names: str) -> None:
    for name in names:
        (share.styles / name).write_bytes(b"picture")


def folders(share: Share) -> list[str]:
    return sorted(path.name for path in share.inbox.iterdir())


def test_a_picture_makes_a_folder_of_its_name(share: Share) -> None:
    add(share, "Starry Night.jpg", "Great Wave.PNG")
    assert mirror_styles(share).styles == {
        "Great Wave": share.styles / "Great Wave.PNG",
        "Starry Night": share.styles / "Starry Night.jpg",
    }
    assert folders(share) == ["Great Wave", "Starry Night"]


def test_what_marks_regions_of_a_style_is_none_itself(share: Share) -> None:
    add(
        share, "Waves.jpg", "Waves.regions.png", "Waves.Regions.gif", "e\u0301.regions.png", "é.jpg"
    )
    add(share, "Alone.regions.png", "Text.regions.txt", "regions.png", "Mask.mask.png")
    seen = mirror_styles(share)
    styles = seen.styles
    assert list(styles) == ["Mask.mask", "Waves", "regions", "é"]
    assert folders(share) == ["Mask.mask", "Waves", "regions", "é"]
    assert {name: path.name for name, path in find_regions(share.styles).items()} == {
        "Alone": "Alone.regions.png", "Waves": "Waves.Regions.gif", "é": "e\u0301.regions.png",
    }  # fmt: skip
    assert seen.beside == {
        share.styles / "Waves.jpg": share.styles / "Waves.Regions.gif",
        share.styles / "é.jpg": share.styles / "e\u0301.regions.png",
    }
    assert [style_of(name) for name in ("Waves.jpg", "Waves. .regions.png")] == ["Waves", "Waves"]
    assert seen.lonely == [share.styles / "Alone.regions.png"]


def test_large_and_small_letters_do_not_matter_where_regions_can_be_of_one_style_alone(
    share: Share,
) -> None:
    add(share, "Waves.jpg", "waves.regions.png", "Dots.jpg", "dots.jpg", "DOTS.regions.png")
    add(share, "Dots.regions.png", "Night.jpg", "night.jpg", "night.regions.png")
    found = see_styles(share.styles).beside
    assert {style.name: path.name for style, path in found.items()} == {
        "Waves.jpg": "waves.regions.png", "Dots.jpg": "Dots.regions.png",
        "dots.jpg": "DOTS.regions.png", "night.jpg": "night.regions.png",
    }  # fmt: skip


def test_repeating_changes_nothing(share: Share) -> None:
    add(share, "Waves.jpg")
    first = mirror_styles(share)
    memory = (share.work / MEMORY).stat()
    assert mirror_styles(share) == first
    assert (share.work / MEMORY).stat().st_ino == memory.st_ino  # it was not even written again


def test_a_folder_that_somebody_removed_comes_back(share: Share) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.inbox / "Waves").rmdir()
    mirror_styles(share)
    assert folders(share) == ["Waves"]


def test_what_is_no_picture_makes_nothing(share: Share) -> None:
    add(share, "read me.txt", ".hidden.jpg", "._Waves.jpg", "Thumbs.db", "Waves.jpg.part", "noname")
    add(share, INBOX_NOTE, "a.jpg - why.txt", ".jpg")
    (share.styles / "More").mkdir()
    (share.styles / "More" / "Scream.jpg").write_bytes(b"picture")
    (share.styles / "folder.jpg").mkdir()
    (share.styles / "link.jpg").symlink_to("/etc/passwd")
    (share.styles / "nowhere.jpg").symlink_to("gone")
    os.mkfifo(share.styles / "pipe.jpg")
    assert mirror_styles(share).styles == {}
    assert folders(share) == []


@pytest.mark.parametrize("name", ["~$x.jpg", "Waves.part.jpg", "@eaDir.jpg", "x.tmp.png", " .jpg"])
def test_a_style_whose_folder_nobody_would_look_into_makes_none(share: Share, name: str) -> None:
    add(share, name)
    assert mirror_styles(share).styles == {}
    assert folders(share) == []


@pytest.mark.parametrize("name", ["Waves .jpg", "Waves. .jpg", " Waves.jpg", "Waves..jpg"])
def test_names_that_windows_cannot_open_are_mended(share: Share, name: str) -> None:
    add(share, name)
    assert mirror_styles(share).styles == {"Waves": share.styles / name}
    assert folders(share) == ["Waves"]


def test_of_two_pictures_with_one_stem_the_first_is_meant(share: Share) -> None:
    add(share, "Waves.png", "Waves.jpg", "Waves.webp")
    assert mirror_styles(share).styles == {"Waves": share.styles / "Waves.jpg"}
    (share.styles / "Waves.jpg").unlink()
    assert mirror_styles(share).styles == {"Waves": share.styles / "Waves.png"}
    assert folders(share) == ["Waves"]


def test_unicode_forms_are_one_style(share: Share) -> None:
    decomposed = unicodedata.normalize("NFD", "Café.jpg")
    add(share, "Café.jpg", decomposed)
    assert list(mirror_styles(share).styles) == ["Café"]
    assert folders(share) == ["Café"]


def test_a_folder_in_another_unicode_form_is_the_styles_folder(share: Share) -> None:
    add(share, "Café.jpg")
    decomposed = unicodedata.normalize("NFD", "Café")
    (share.inbox / decomposed).mkdir()
    mirror_styles(share)
    assert folders(share) == [decomposed]


def test_a_picture_that_is_being_copied_does_no_harm(share: Share) -> None:
    (share.styles / "Waves.jpg").touch()
    assert list(mirror_styles(share).styles) == ["Waves"]
    assert folders(share) == ["Waves"]


def test_an_empty_folder_goes_with_its_style(share: Share) -> None:
    add(share, "Waves.jpg", "Scream.jpg")
    mirror_styles(share)
    (share.styles / "Waves.jpg").unlink()
    assert list(mirror_styles(share).styles) == ["Scream"]
    assert folders(share) == ["Scream"]
    assert json.loads((share.work / MEMORY).read_text()) == ["Scream"]


def test_litter_and_our_notes_go_with_the_folder(share: Share) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.styles / "Waves.jpg").unlink()
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (share.inbox / "Waves" / name).write_bytes(b"litter")
    (share.inbox / "Waves" / INBOX_NOTE).write_text(signatures()[0])
    mirror_styles(share)
    assert folders(share) == []


@pytest.mark.parametrize(
    "name",
    [
        "photo.jpg",
        "photo.jpg.part",
        "sub/",
        ".hidden",
        "a.jpg - why.txt",
        "Thumbs.db/",
        "link.jpg@",
    ],
)
def test_a_folder_with_somebodys_file_stays_with_all_that_is_in_it(share: Share, name: str) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.styles / "Waves.jpg").unlink()
    path = share.inbox / "Waves" / name.rstrip("/@")
    if name.endswith("/"):
        path.mkdir()
    elif name.endswith("@"):
        path.symlink_to("nowhere")
    else:
        path.write_bytes(b"somebody's")
    (share.inbox / "Waves" / ".DS_Store").write_bytes(b"litter")
    assert mirror_styles(share).styles == {}
    assert os.path.lexists(path)
    assert (share.inbox / "Waves" / ".DS_Store").exists()


def test_the_folder_goes_later_once_it_is_empty(share: Share) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    photo = share.inbox / "Waves" / "photo.jpg"
    photo.write_bytes(b"photo")
    (share.styles / "Waves.jpg").unlink()
    mirror_styles(share)
    photo.unlink()
    mirror_styles(share)
    assert folders(share) == []


def test_only_folders_made_for_a_style_are_removed(share: Share) -> None:
    (share.inbox / "Mine").mkdir()
    (share.inbox / "Waves").mkdir()  # made by a person before the style came
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.styles / "Waves.jpg").unlink()
    mirror_styles(share)
    assert folders(share) == ["Mine", "Waves"]


@pytest.mark.parametrize(
    "memory", [b"", b"[", b"{}", b"3", b"[3, null]", b"\xff\xfe", b'["\\u0000"]']
)
def test_a_damaged_memory_removes_nothing(share: Share, memory: bytes) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.work / MEMORY).write_bytes(memory)
    (share.styles / "Waves.jpg").unlink()
    assert mirror_styles(share).styles == {}
    assert folders(share) == ["Waves"]


@pytest.mark.parametrize("name", ["../Outbox", "..", ".", "", "a/b", "/etc"])
def test_a_forged_memory_leads_nowhere_else(share: Share, name: str) -> None:
    (share.inbox / "a" / "b").mkdir(parents=True)
    (share.work / MEMORY).write_text(json.dumps([name]))
    mirror_styles(share)
    assert all(folder.is_dir() for _, folder in share.folders())
    assert (share.inbox / "a" / "b").is_dir()


def test_a_link_in_the_place_of_a_folder_is_not_followed(share: Share, tmp_path: Path) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    (share.inbox / "Waves").rmdir()
    target = tmp_path / "target"
    target.mkdir()
    (target / ".DS_Store").write_bytes(b"litter of somebody else")
    (share.inbox / "Waves").symlink_to(target)
    (share.styles / "Waves.jpg").unlink()
    mirror_styles(share)
    assert (target / ".DS_Store").exists()
    assert (share.inbox / "Waves").is_symlink()


def test_a_file_in_the_place_of_the_folder_holds_up_no_other(share: Share) -> None:
    (share.inbox / "Waves").write_bytes(b"a photo without a suffix")
    add(share, "Waves.jpg", "Zebra.jpg")
    assert list(mirror_styles(share).styles) == ["Waves", "Zebra"]
    assert (share.inbox / "Waves").read_bytes() == b"a photo without a suffix"
    assert folders(share) == ["Waves", "Zebra"]


def test_names_that_are_no_text_work(share: Share) -> None:
    name = os.fsdecode(b"caf\xe9")
    add(share, f"{name}.jpg")
    assert list(mirror_styles(share).styles) == [name]
    (share.styles / f"{name}.jpg").unlink()
    mirror_styles(share)
    assert folders(share) == []


@pytest.mark.parametrize("folder", ["inbox", "styles"])
def test_a_folder_that_is_gone_is_said_and_removes_nothing(share: Share, folder: str) -> None:
    add(share, "Waves.jpg")
    mirror_styles(share)
    path: Path = getattr(share, folder)
    path.rename(share.root / "away")
    with pytest.raises(ShareError, match=r"cannot be kept: No such file.*Check that the drive"):
        mirror_styles(share)
    (share.root / "away").rename(path)
    assert folders(share) == ["Waves"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "photo", "take"]), st.sampled_from("abc")),
    max_size=15,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_whatever_happens_no_photo_goes_and_every_style_has_its_folder(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    share = make(tmp_path_factory.mktemp("share"))
    present: set[str] = set()
    photos: set[str] = set()
    for what, name in steps:
        photo = share.inbox / name / "photo.jpg"
        if what == "add":
            add(share, f"{name}.jpg")
            present.add(name)
        elif what == "remove":
            (share.styles / f"{name}.jpg").unlink(missing_ok=True)
            present.discard(name)
        elif what == "photo" and photo.parent.exists():
            photo.write_bytes(b"photo")
            photos.add(name)
        elif what == "take":
            photo.unlink(missing_ok=True)
            photos.discard(name)
        assert set(mirror_styles(share).styles) == present
        assert set(folders(share)) == present | photos
        assert all((share.inbox / kept / "photo.jpg").exists() for kept in photos)
