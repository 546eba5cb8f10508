"""What is read as TOML can be walked through and written out again; all else is refused."""

from __future__ import annotations

import pytest

from daemon.toml_text import read_toml, unquoted


def test_what_people_write_is_read() -> None:
    assert read_toml("a = 1\n[b]\nc = [1, {d = -2.5}]\n") == {"a": 1, "b": {"c": [1, {"d": -2.5}]}}


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_a_whole_number_may_have_64_bits(number: int) -> None:
    assert read_toml(f"a = {number}") == {"a": number}


@pytest.mark.parametrize(
    "text",
    [
        f"a = {2**63}",
        f"a = -{2**63 + 1}",
        "a = 0x" + "f" * 3600,  # can be read, and not written out again
        "a = " + "9" * 5000,  # cannot be read
        "[[b]]\nc = [{d = 0x" + "f" * 3600 + "}]",
        "a = " + "[" * 30_000,
        "a = " + "[" * 40 + "]" * 40,
        "a" + ".a" * 3000 + " = 1",
        "a = ",
    ],
    ids=lambda text: text[:8],
)
def test_what_nobody_can_work_with_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"64 bits|deep|Invalid|limit"):
        read_toml(text)


def found_in(text: str) -> tuple[int, str] | None:
    with pytest.raises(ValueError, match=r"line|end") as caught:
        read_toml(text)
    return unquoted(text, caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "fine", "fine  # the best", "\u201cfine\u201d", "\u201efine\u201c", "\u2018fine\u2019",
        'fine"', '"fine',
    ],
)  # fmt: skip
def test_words_without_quotation_marks_are_seen(value: str) -> None:
    assert found_in(f"size = 1\r\n preset = {value}\r\nseed = 1") == (2, 'preset = "fine"')


@pytest.mark.parametrize(
    "text",
    [
        "size = ",
        "size 300",
        "size = 3,5",
        "= fine",
        ". = fine",
        "a = [x",
        "a = b = c",
        "size = [1,\n2",
    ],
)
def test_nothing_else_is_taken_for_them(text: str) -> None:
    assert found_in(text) is None


def test_several_words_are_put_between_them() -> None:
    assert found_in("style_loss = gram 70 + histogram 30") == (
        1, 'style_loss = "gram 70 + histogram 30"',
    )  # fmt: skip
