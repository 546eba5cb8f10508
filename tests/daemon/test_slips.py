"""Folders that nearly ask for styles: which word is wrong, and that people are told of it."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import scanner
from daemon.cli import lines
from daemon.inbox_note import InboxNote
from daemon.looks import Book
from daemon.names import INBOX_NOTE
from daemon.not_taken import look
from daemon.pairing import pair
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.slips import Slip, Slips, why_unread
from daemon.styles import find_styles
from daemon.words import Language

NAMES = ("Waves", "Dots", "Sun + Mon", "Dusk, evening", "Starry Night", "星空")
STYLES = {name: Path("/share/Styles", f"{name}.jpg") for name in NAMES}
BOOK = Book(STYLES)
WAVS = 'There is no style "Wavs". Did you mean "Waves"?'
DTOS = 'There is no style "Dtos". Did you mean "Dots"?'
FOTO = 'A folder cannot ask for "as foto". Did you mean "as photo"?'
MISSING = "Something is missing before or after a plus or a comma."


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("Wavs", WAVS),
        ("Wavs + Dots", WAVS),
        ("Wavs 70 + Dtos 30%", f"{WAVS} {DTOS}"),
        ("Waves\uff0bDtos", DTOS),
        ("Waves + Party", 'There is no style "Party".'),
        ("Waves, as foto", FOTO),
        ("Wavs, as foto", f"{WAVS} {FOTO}"),
        ("Waves, as foto, own colours", FOTO),
        ("Wavs, own colours", WAVS),
        ("Waves, Rome", 'A folder cannot ask for "Rome".'),
        ("星空\uff0c照片原", 'A folder cannot ask for "照片原". Did you mean "照片原色"?'),
        ("Waves 2", 'There is no style "Waves 2". Did you mean "Waves"?'),
        ("Waves 0 + Dots", 'There is no style "Waves 0". Did you mean "Waves"?'),
        ("Sun + Mun", 'There is no style "Sun + Mun". Did you mean "Sun + Mon"?'),
        ("Sun + Mon + Party", 'There is no style "Party".'),
        ("Dusk, evenin", 'There is no style "Dusk, evenin". Did you mean "Dusk, evening"?'),
        ("Waves,", MISSING),
        ("Waves +", MISSING),
    ],
)
def test_the_word_that_is_wrong_is_named_and_what_is_near(folder: str, why: str) -> None:
    assert why_unread(folder, BOOK) == why


@pytest.mark.parametrize(
    "folder",
    ["Holiday", "Anna + Ben", "Holiday, Rome", "Holiday, as foto", "+", ",", "Waves + Dots",
     "Waves, as photo", "Waves" + " + Dtos" * 30, "Waves" + ", as foto" * 300],
)  # fmt: skip
def test_folders_of_ones_own_have_no_slip_nor_what_can_be_read(folder: str) -> None:
    assert not why_unread(folder, BOOK)


@given(st.lists(st.sampled_from([*NAMES, "Wavs", "x", "70", "own colours", "foto", "+", ",", " "])))
def test_whatever_can_be_read_has_no_slip(parts: list[str]) -> None:
    folder = "".join(parts)
    why = why_unread(folder, BOOK)
    assert not (why and BOOK.looks(folder))


@given(st.text())
def test_any_name_is_told_in_one_line_or_not_at_all(folder: str) -> None:
    assert why_unread(folder, BOOK).isprintable()


def test_each_folder_is_told_once_and_anew_when_the_styles_change() -> None:
    slips = Slips()
    photos = [PurePath("a.jpg"), *(PurePath("Wavs", "deep", f"{n}.jpg") for n in range(9))]
    for _ in range(2):
        assert slips.of(photos, STYLES) == (Slip("Wavs", WAVS),)
    assert slips.of(photos, {"Dots": Path("/s/Dots.jpg")}) == ()


def a_share(root: Path, language: Language) -> Share:
    share = open_share(ShareSettings(root=root, language=language))
    make_share(share)
    for name in ("Inbox/Wavs + Dots/a.jpg", "Inbox/Holiday/b.jpg"):
        (root / name).parent.mkdir()
        (root / name).write_bytes(b"x")
    for name in ("Waves", "Dots"):
        (share.styles / f"{name}.jpg").write_bytes(b"x")
    return share


def noted(share: Share) -> str:
    seen, styles = scanner.look(share.inbox), find_styles(share.styles)
    notice = InboxNote(share, 0.0, lambda: 0.0)
    notice.update(pair(seen, styles, None).homeless, [], ["Dots"], named=styles)
    path = share.inbox / INBOX_NOTE
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", f"    - Wavs + Dots: {WAVS}"),
        ("zh", "    - 「Wavs + Dots」：没有名为「Wavs」的风格。是不是想写「Waves」？"),
    ],
)
def test_the_note_in_the_inbox_says_so(tmp_path: Path, language: Language, said: str) -> None:
    share = a_share(tmp_path, language)
    assert said in noted(share).splitlines()
    # Right by now, though its style cannot be painted in just now.
    (share.inbox / "Wavs + Dots").rename(share.inbox / "Waves + Dots")
    assert "Waves" not in noted(share)


def test_status_says_so_before_the_photos(tmp_path: Path) -> None:
    found = look(a_share(tmp_path, "en"), None)
    assert found is not None
    assert found.slips == (Slip("Wavs + Dots", WAVS),)
    first, *rest = lines.lying(found, running=True)
    assert first == f"The folder Wavs + Dots: {WAVS}"
    assert len(rest) == 2
