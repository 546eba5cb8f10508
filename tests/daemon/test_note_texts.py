"""What stands in the notes, in each language."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import pytest

from daemon.note_texts import (
    how_to_text,
    inbox_text,
    signatures,
    style_text,
    why_text,
)
from daemon.page.keeping import NAME as PAGE
from daemon.reasons import ALL_CANCELLED, CANCELLED, NO_PICTURE, NOT_READ
from daemon.settings import ShareSettings
from daemon.share import Share, open_share
from daemon.sheet.keeping import SHEET
from daemon.words import LANGUAGES, Language, words
from daemon.wrapping import width
from tests.daemon.test_words import to_say

OF_THE_MACHINE = re.compile(r"`|\bengine\.\w|\batelierd ")


def test_the_why_note_says_what_where_and_how() -> None:
    text = why_text(["a.jpg"], "It is\ttorn.\nScan it again.", PurePath("Inbox/Waves"))
    for said in (
        '"a.jpg" could not',
        "It is torn. Scan it again.",
        "do that first",
        "drag the photo back",
        "Inbox > Waves",
    ):
        assert said in text


def test_nobody_is_asked_to_drag_back_what_is_no_picture() -> None:
    text = why_text(["letter.txt"], NO_PICTURE, PurePath("Inbox/Waves"))
    assert "This is not a picture. Pictures are files of these kinds: JPEG, PNG," in text
    assert "Take it away: delete it, or move it" in text
    assert "drop the JPEG into the folder\r\n    Inbox > Waves\r\n" in text
    assert "try again" not in text


def test_nor_what_is_only_called_a_picture() -> None:
    text = why_text(["a.jpg"], NOT_READ, PurePath("Inbox/Waves"))
    assert "Take it away" in text
    assert "try again" not in text
    # Of several files or a whole folder nobody can tell here which one it is.
    for names in (["a.jpg", "a.style.jpg"], ["Party"]):
        assert "to try again, drag" in why_text(names, NOT_READ, PurePath("Inbox"))


@pytest.mark.parametrize("reason", ALL_CANCELLED)
@pytest.mark.parametrize(
    ("names", "what"),
    [(["a.jpg"], "the photo"), (["a.jpg", "a.style.jpg"], "both pictures together")],
)
def test_of_one_that_was_cancelled_nothing_is_to_be_put_right(
    names: list[str], what: str, reason: str
) -> None:
    text = why_text(names, reason, PurePath("Inbox/Waves"))
    assert f"To have it painted after all, drag {what} back into the folder  Inbox > Waves" in text
    assert "put right" not in text


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["a.jpg", "a.style.jpg"], "both pictures together"),
        (["Party"], '"Party"'),
        (["letter.docx"], '"letter.docx"'),
    ],
)
def test_the_why_note_asks_for_all_that_belongs_together(names: list[str], what: str) -> None:
    text = why_text(names, "It blew up.", PurePath("Inbox"))
    assert f"to try again, drag {what} back into the folder  Inbox\r\n" in text


def test_lines_end_as_on_windows_and_the_signature_comes_last() -> None:
    text = why_text(["a.jpg"], "torn", PurePath("Inbox"))
    assert text.count("\n") == text.count("\r\n") == len(text.splitlines())
    assert text.splitlines()[-1] == signatures()[0]


def share_in(language: Language) -> Share:
    return open_share(ShareSettings(root=Path("/srv/share"), language=language))


def all_texts(language: Language) -> list[str]:
    share, torn = share_in(language), "The file is empty. Copy it again from where it came from."
    back_to, photo = PurePath("Inbox/Waves"), [PurePath("a.jpg")]
    return [
        why_text(["a.jpg"], torn, back_to, language),
        why_text(["a.jpg", "a.style.jpg"], torn, back_to, language),
        why_text(["letter.txt"], NO_PICTURE, back_to, language),
        why_text(["a.jpg"], CANCELLED, back_to, language),
        why_text(["a.jpg", "a.style.jpg"], CANCELLED, back_to, language),
        why_text(["a.jpg", "a.style.jpg", "a.mask.png"], torn, back_to, language),
        style_text("Waves.jpg", torn, back_to, language),
        style_text("Waves.regions.jpg", torn, back_to, language),
        inbox_text(share, ["Waves"], photo, [PurePath("Party/content.jpg")], photo, photo, photo),
        inbox_text(share, [], photo * 30),
        how_to_text(share),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_longer_than_a_window_is_wide(language: Language) -> None:
    for text in all_texts(language):
        assert all(width(line) <= 100 for line in text.splitlines()), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_end_alike_in_each_language(language: Language) -> None:
    for text in all_texts(language):
        assert text.count("\n") == text.count("\r\n") == len(text.splitlines())


def test_in_chinese_nothing_is_left_in_english() -> None:
    for text in all_texts("zh"):
        for word in (" the ", "What ", "photo ", "folder", "cannot", "Put "):
            assert word not in text


def test_in_chinese_reasons_are_too() -> None:
    text = why_text(["a.jpg"], "The file is empty. Copy it again from where it came from. Oh.",
                    PurePath("Inbox/星夜"), "zh")  # fmt: skip
    assert "    文件是空的。请从原来的地方重新复制一份。Oh.\r\n" in text
    assert "就把照片拖回文件夹「Inbox > 星夜」。" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", to_say())
def test_no_setting_nor_command_of_the_machine_is_named(text: str, language: Language) -> None:
    reason = "7".join(text.split("{}")).strip()
    for note in (
        why_text(["a.jpg"], reason, PurePath("Inbox"), language),
        style_text("a.jpg", reason, PurePath("Inbox"), language),
    ):
        *told, signature = note.splitlines()
        assert signature in signatures()
        assert not OF_THE_MACHINE.search("\n".join(told))


@pytest.mark.parametrize(
    ("language", "asked"), [("en", "ask whoever"), ("zh", "让管理这台机器的人")]
)
def test_what_only_the_keeper_can_do_is_to_be_asked_for(language: Language, asked: str) -> None:
    values = {"width": 900, "height": 600, "room": 300, "what": "Close other programs"}
    for key in ("said.paint.too_large", "said.paint.card_memory"):
        reason = words("en").say(key, **values)
        assert "engine." in reason
        note = why_text(["a.jpg"], reason, PurePath("Inbox"), language)
        assert asked.replace(" ", "") in "".join(note.split()), "lines may end anywhere"
        assert "engine." not in note


def test_folders_are_called_as_they_are_called_in_each_language() -> None:
    for language in LANGUAGES:
        settings = ShareSettings(
            root=Path("/srv/share"), inbox=Path("Drop"), failed=Path("/srv/torn"), language=language
        )
        text = how_to_text(open_share(settings))
        for name in ("Drop", "Outbox", "Styles", "Originals", "/srv/torn"):
            assert name in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_text_names_what_lies_beside_it(language: Language) -> None:
    text = how_to_text(share_in(language))
    for name in (PAGE, SHEET, "HEIC"):
        assert name in text


def test_a_long_reason_is_broken_into_lines() -> None:
    text = why_text(["a.jpg"], "word " * 100, PurePath("Inbox"))
    lines = [line for line in text.splitlines() if "word" in line]
    assert len(lines) > 4
    assert all(line.startswith("    word") for line in lines)
