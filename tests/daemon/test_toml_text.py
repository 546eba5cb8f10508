"""What is read as TOML can be walked through and written out again; all else is refused."""

from __future__ import annotations

import pytest

from daemon.toml_text import read_toml


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
