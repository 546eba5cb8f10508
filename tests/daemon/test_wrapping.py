"""Lines end where a reader expects it, and no character is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.wrapping import pieces, width, wrapped

texts = st.text(alphabet="ab .,()「」。，（照片é\u0301", max_size=200)


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("", 10, []),
        ("   ", 10, []),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 100, ["one two three"]),
        ("unbreakable", 4, ["unbreakable"]),
        ("照片已经画好了", 6, ["照片已", "经画好", "了"]),
        ("照片画好了。", 10, ["照片画好", "了。"]),
        ("看看「照片」里", 6, ["看看", "「照", "片」里"]),
        ("把 photo.jpg 拖回", 9, ["把", "photo.jpg", "拖回"]),
    ],
)
def test_where_lines_end(text: str, columns: int, lines: list[str]) -> None:
    assert wrapped(text, columns) == lines


@given(texts, st.integers(1, 60))
def test_nothing_is_lost_but_spaces(text: str, columns: int) -> None:
    lines = wrapped(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(line and line == line.rstrip() for line in lines)


@given(texts, st.integers(1, 60))
def test_a_line_is_too_long_only_where_nothing_can_be_broken(text: str, columns: int) -> None:
    for line in wrapped(text, columns):
        assert width(line) <= columns or len(pieces(line)) == 1


def test_how_wide_characters_are() -> None:
    assert width("ab") == 2
    assert width("照片") == 4
    assert width("e\u0301") == 1
