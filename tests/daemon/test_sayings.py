"""What is known is found, however it is put together, and what is not stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sayings import Translator, sayings_of

ENGLISH = {
    "torn": "The file is torn. Copy it again.",
    "style": "The style {name} cannot be used. {why}",
    "tried": "It was tried {number} times.",
    "full": "{what} cannot be put there ({why}). Make room; nothing was lost.",
    "photo": "The photo",
    "space": "No space left",
    "stuck": "{number} are stuck: {why}",
}
OTHER = {
    "torn": "破。重来。",
    "style": "「{name}」不行。{why}",
    "tried": "试了{number}次。",
    "full": "{what}放不进（{why}）。腾地方；没丢。",
    "photo": "照片",
    "space": "满",
    "stuck": "{number}张卡住：{why}",
}
FULL = "The photo cannot be put there (No space left). Make room; nothing was lost"


@pytest.fixture(scope="module")
def subject() -> Translator:
    return Translator(sayings_of(ENGLISH), lambda key, **values: OTHER[key].format(**values))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The file is torn. Copy it again.", "破。重来。"),
        ("It was tried 3 times.", "试了3次。"),
        ("It was tried often times.", "It was tried often times."),
        ("The file is torn. Copy it again. It was tried 3 times.", "破。重来。试了3次。"),
        ("Oh. It was tried 3 times. Well. Yes.", "Oh. 试了3次。Well. Yes."),
        ("The file is torn.", "The file is torn."),
        ("The style a cannot be used. The file is torn. Copy it again.", "「a」不行。破。重来。"),
        ("The style The photo cannot be used. Oh.", "「The photo」不行。Oh."),
        ("The style a. B. c cannot be used. Oh.", "「a. B. c」不行。Oh."),
        (f"{FULL}.", "照片放不进（满）。腾地方；没丢。"),
        (FULL, "照片放不进（满）。腾地方；没丢"),
        (f"{FULL}; {FULL}", "照片放不进（满）。腾地方；没丢；照片放不进（满）。腾地方；没丢"),
        (
            f"2 are stuck: {FULL}; 3 are stuck: Oh",
            "2张卡住：照片放不进（满）。腾地方；没丢；3张卡住：Oh",
        ),
        (f"Oh; {FULL}", "Oh；照片放不进（满）。腾地方；没丢"),
        ("", ""),
        ("Oh", "Oh"),
    ],
)
def test_what_is_said(subject: Translator, text: str, told: str) -> None:
    assert subject.translated(text).text == told


@given(st.text(min_size=1))
def test_names_may_hold_anything(subject: Translator, name: str) -> None:
    text = f"The style {name} cannot be used. The file is torn. Copy it again."
    assert subject.translated(text).text == f"「{name}」不行。破。重来。"


@given(st.text(alphabet='aT. ;!?{}"()', max_size=400))
def test_any_text_comes_to_an_end_and_loses_nothing(subject: Translator, text: str) -> None:
    told = subject.translated(text).text.replace("；", "; ")
    assert "".join(told.split()) == "".join(text.split())


def test_a_text_in_a_text_is_told_to_some_depth() -> None:
    sayings = sayings_of({"in": "<{why}"})
    subject = Translator(sayings, lambda _key, why: f"({why})")
    assert subject.translated("<<<x").text == "(((x)))"
    deep = subject.translated("<" * 5000 + "x").text  # else it would be too deep for Python
    assert 4 <= deep.count("(") < 20
    assert deep.replace("(", "<").rstrip(")") == "<" * 5000 + "x"
