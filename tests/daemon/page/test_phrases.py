from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.page import phrases
from daemon.page.phrases import Phrases
from daemon.words import LANGUAGES, Language, words


def text(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.fixture
def said() -> Phrases:
    return Phrases(words("en"))


def test_a_text_knows_its_key_and_its_places(said: Phrases) -> None:
    assert said.say("now.left", time="<b>") == (
        '<span data-say="now.left">about <span data-slot="time">&lt;b&gt;</span> left</span>'
    )


def test_a_text_that_is_not_there_or_lacks_a_value_is_a_fault(said: Phrases) -> None:
    with pytest.raises(KeyError):
        said.say("now.nothing")
    with pytest.raises(KeyError):
        said.say("now.left")


def test_one_and_many_are_told_apart(said: Phrases) -> None:
    assert text(said.count("queue.unlisted", 1)) == "and 1 more photo after these"
    assert text(said.count("queue.unlisted", 2)) == "and 2 more photos after these"


@pytest.mark.parametrize(
    ("seconds", "exact", "about"),
    [
        (0.2, "0 s", "1 min"),
        (59.4, "59 s", "1 min"),
        (60, "1 min", "1 min"),
        (156, "2 min 36 s", "3 min"),
        (599, "9 min 59 s", "10 min"),
        (3599, "1 h", "1 h"),
        (5000, "1 h 23 min", "1 h 23 min"),
        (360000, "100 h", "100 h"),
    ],
)
def test_times_are_as_exact_as_people_want_them(
    said: Phrases, seconds: float, exact: str, about: str
) -> None:
    assert text(said.lasting(seconds)) == exact
    assert text(said.about(seconds)) == about


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_said_in_the_language(language: Language) -> None:
    expected = {"en": "2 min 36 s", "zh": "2 分 36 秒"}
    assert text(Phrases(words(language)).lasting(156)) == expected[language]


def test_a_moment_is_plain_without_scripts() -> None:
    assert phrases.moment(0) == (
        '<time datetime="1970-01-01T00:00:00+00:00" data-moment="0">1970-01-01 00:00 UTC</time>'
    )
    assert "9999-12-31" in phrases.moment(1e30)
    assert "1970-01-01" in phrases.moment(-1e30)


def test_a_long_name_lacks_its_middle_and_is_whole_in_its_title() -> None:
    name = "a" * 200 + ".jpeg"
    markup = phrases.named(name)
    assert f'title="{name}"' in markup
    assert len(text(markup)) == phrases.LONGEST_NAME
    assert text(markup).startswith("aaaa")
    assert text(markup).endswith("a.jpeg")


@given(some.text(some.characters(), max_size=300))  # surrogates too
def test_names_are_escaped_and_set_apart(name: str) -> None:
    markup = phrases.named(name)
    assert re.fullmatch(r'<bdi(?: title="[^"<>]*")?>[^<>"]*</bdi>', markup)
    markup.encode()
    shown = text(markup)
    assert len(shown) <= phrases.LONGEST_NAME
    assert not set(shown) & set("\n\r\t\x00\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2069")


def test_sentences_keep_their_lines_and_nothing_that_hides() -> None:
    assert phrases.lines("One.\r\nTwo\u202e.\n\x1b") == "One.\nTwo\\u202e.\n\\x1b"
