"""Names: any that a file system can hold, and what people's systems leave behind."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import names

# Any name that a Linux file system can hold: bytes without slash and NUL.
FILE_NAMES = (
    st.one_of(
        st.binary(min_size=1, max_size=255),
        st.text(min_size=1, max_size=80).map(lambda text: text.encode("utf-8", "replace")[:255]),
        st.sampled_from(["é" * 127, "日" * 85, "a." + "b" * 250, ".jpg", "x.jpg"]).map(str.encode),
    )
    .map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))
    .map(os.fsdecode)
)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Thumbs.db",
            "THUMBS.DB",
            "desktop.ini",
            ".DS_Store",
            "._photo.jpg",
            ".hidden",
            "~$x.jpg",
        ),
        *("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX"),
        *(
            "photo.jpg.part",
            "photo.jpg.filepart",
            "photo.crdownload",
            "photo.jpg.tmp",
            "photo.jpg~",
        ),
        *(".nfs000000001", ".photo.jpg.Xy12", "~syncthing~photo.jpg.tmp", "Icon\r", ""),
    ],
)
def test_junk_is_known(name: str) -> None:
    assert names.is_junk(name)


@pytest.mark.parametrize(
    "name",
    [
        *("photo.jpg", "Starry Night", "part.jpg", "tmp", "my ~$ photo.jpg", "Thumbs.db.jpg"),
        *("photo", "~photo.jpg", "# 1.jpg", "@home.png", "desktop.ini.png", "job.toml"),
    ],
)
def test_photos_are_no_junk(name: str) -> None:
    assert not names.is_junk(name)


@given(FILE_NAMES)
def test_litter_is_junk_and_an_unfinished_file_is_no_litter(name: str) -> None:
    assert names.is_junk(name) or not names.is_litter(name)
    assert not names.is_litter(f"{name}.part")


@given(FILE_NAMES)
def test_hidden_names_are_junk(name: str) -> None:
    assert names.is_junk(f".{name}")


@pytest.mark.parametrize(
    "name",
    [
        names.INBOX_NOTE,
        "Why photos wait - read me (2).txt",
        "photo.jpg - why.txt",
        "photo.jpg - why (13).txt",
        "a\nb.jpg - why.txt",
    ],
)
def test_notes_are_known(name: str) -> None:
    assert names.is_note(name)


@pytest.mark.parametrize(
    "name", ["why.txt", " - why.txt", "photo - why.jpg", "read me.txt", "photo - why.txt.jpg"]
)
def test_what_only_looks_like_a_note_is_none(name: str) -> None:
    assert not names.is_note(name)


@given(FILE_NAMES, st.integers(2, 10**6))
def test_a_numbered_note_is_a_note(name: str, n: int) -> None:
    assert names.is_note(names.numbered(name[:50] + names.WHY_SUFFIX, n))


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [
        ("photo.jpg", 1, "photo.jpg"),
        ("photo.jpg", 2, "photo (2).jpg"),
        ("photo (2).jpg", 3, "photo (2) (3).jpg"),
        ("photo", 2, "photo (2)"),
        (".jpg", 2, ".jpg (2)"),
        ("Mr. Smith at sea", 2, "Mr. Smith at sea (2)"),
        ("a" * 251 + ".jpg", 2, "a" * 247 + " (2).jpg"),
        ("é" * 125 + ".jpeg", 12, "é" * 122 + " (12).jpeg"),
    ],
)
def test_numbers_stand_before_the_suffix(name: str, n: int, expected: str) -> None:
    assert names.numbered(name, n) == expected


@given(FILE_NAMES, st.integers(0, 10**9))
def test_a_numbered_name_fits_into_a_file_system(name: str, n: int) -> None:
    made = names.numbered(name, n)
    assert 0 < len(os.fsencode(made)) <= names.MAX_NAME_BYTES
    assert "/" not in made
    assert names.split(made)[1] == names.split(name)[1]


@given(FILE_NAMES, st.integers(2, 10**6), st.integers(2, 10**6))
def test_different_numbers_give_different_names(name: str, n: int, m: int) -> None:
    assert (names.numbered(name, n) == names.numbered(name, m)) == (n == m)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), st.integers(2))
def test_a_cut_name_holds_only_whole_characters(name: str, n: int) -> None:
    names.numbered(name * 50, n).encode("utf-8")  # half a character would be a surrogate


@given(FILE_NAMES)
def test_stem_and_suffix_make_up_the_name(name: str) -> None:
    stem, suffix = names.split(name)
    assert stem + suffix == name
    assert stem


@given(st.one_of(FILE_NAMES, st.text()))
def test_what_is_printable_moves_no_cursor_and_stays(name: str) -> None:
    shown = names.printable(name)
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not bad & {unicodedata.category(character) for character in shown}
    assert names.printable(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Grüße aus 東京 😀.jpg", "Grüße aus 東京 😀.jpg"),
        ("Screenshot 9.41\u202fAM.png", "Screenshot 9.41\u202fAM.png"),
        ("a\x1b[2Jb\n.jpg", r"a\x1b[2Jb\x0a.jpg"),
        ("gpj.\u202ephoto", r"gpj.\u202ephoto"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
        ("\U000e0041", r"\U000e0041"),
        (PurePath("a/b\x07"), r"a/b\x07"),
    ],
)
def test_dangerous_characters_are_escaped(name: str | PurePath, shown: str) -> None:
    assert names.printable(name) == shown


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "x.y.Png", "p.heic", "p.dng", "p.PEF"])
def test_pictures_are_known_by_their_suffix(name: str) -> None:
    assert names.is_picture(name)


@pytest.mark.parametrize("name", ["jpg", ".jpg", "a.jpg.txt", "a.", "job.toml", "a.jpg "])
def test_other_suffixes_are_no_pictures(name: str) -> None:
    assert not names.is_picture(name)


def test_unicode_forms_are_one_name() -> None:
    assert names.canonical("Café") == names.canonical(unicodedata.normalize("NFD", "Café"))
