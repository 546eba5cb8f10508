"""Mixtures are read as people write them, against names that may hold anything."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon.mixture import LONGEST, parse

KINDS = ("gram", "wasserstein", "histogram")
STYLES = ("Starry Night", "Great Wave", "Route", "Route 66", "C++", "A + B", "A", "B", "50 + 50")


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("gram", {"gram": 1}),
        ("gram 70", {"gram": 1}),
        ("  Gram ", {"gram": 1}),
        ("gram + histogram", {"gram": 0.5, "histogram": 0.5}),
        ("gram+histogram", {"gram": 0.5, "histogram": 0.5}),
        ("gram 70 + histogram 30", {"gram": 0.7, "histogram": 0.3}),
        ("gram 70% + histogram 30 %", {"gram": 0.7, "histogram": 0.3}),
        ("histogram 30+gram 70", {"histogram": 0.3, "gram": 0.7}),
        ("gram 2 + histogram 1 + wasserstein 1",
         {"gram": 0.5, "histogram": 0.25, "wasserstein": 0.25}),
        ("gram 70 + histogram", {"gram": 0.7, "histogram": 0.3}),
        ("gram + histogram 50 + wasserstein",
         {"gram": 0.25, "histogram": 0.5, "wasserstein": 0.25}),
        ("gram 62,5 + histogram 37.5", {"gram": 0.625, "histogram": 0.375}),
    ],
)  # fmt: skip
def test_shares_are_percents_or_proportions(text: str, shares: dict[str, float]) -> None:
    found = parse(text, KINDS)
    assert found == pytest.approx(shares)
    assert list(found or ()) == list(shares)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("Starry Night + Great Wave", {"Starry Night": 0.5, "Great Wave": 0.5}),
        ("starry night 70 + GREAT WAVE 30", {"Starry Night": 0.7, "Great Wave": 0.3}),
        ("Route 66 + A", {"Route 66": 0.5, "A": 0.5}),
        ("Route 66 60 + A 40", {"Route 66": 0.6, "A": 0.4}),
        ("Route 60 + A 40", {"Route": 0.6, "A": 0.4}),
        ("C++ + A", {"C++": 0.5, "A": 0.5}),
        ("C+++A", {"C++": 0.5, "A": 0.5}),
        ("A + B", {"A + B": 1}),
        ("A + B 30 + C++", {"A + B": 0.3, "C++": 0.7}),
        ("A + Route", {"A": 0.5, "Route": 0.5}),
        ("B + A", {"B": 0.5, "A": 0.5}),
        ("50 + 50", {"50 + 50": 1}),
    ],
)
def test_names_may_hold_digits_and_pluses(text: str, shares: dict[str, float]) -> None:
    assert parse(text, STYLES) == pytest.approx(shares)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "+", "gram +", "+ gram", "gram ++ histogram", "oil", "gram + oil", "gram70",
        "gram 0 + histogram 100", "gram -1 + histogram", "gram nan + histogram", "gram 1e3",
        "gram 100 + histogram", "gram 60 + histogram 50 + wasserstein", "gram + gram",
        "gram 70 histogram 30", "70 gram + 30 histogram", "gram ٧٠ + histogram ٣٠", "gram 70 %%",
        "gram 7000000", "gram, histogram", "gram" + " " * LONGEST,
    ],
)  # fmt: skip
def test_what_is_no_mixture_is_none(text: str) -> None:
    assert parse(text, KINDS) is None


def test_the_form_of_a_name_does_not_matter_and_the_exact_one_wins() -> None:
    composed = unicodedata.normalize("NFC", "Café")
    assert parse(unicodedata.normalize("NFD", "café + A"), [composed, "A"]) == {
        composed: 0.5,
        "A": 0.5,
    }
    assert parse("waves + WAVES", ["Waves", "waves", "WAVES"]) == {"waves": 0.5, "WAVES": 0.5}
    assert parse("wAVES", ["Waves", "waves"]) == {"Waves": 1.0}
    assert parse("A", ["", " ", "A"]) == {"A": 1.0}


PLAIN = st.text("abcü ", min_size=1, max_size=6).map(str.strip).filter(bool)
SHARES = st.integers(1, 100)


@given(st.lists(st.tuples(PLAIN, SHARES), min_size=1, max_size=6, unique_by=lambda one: one[0]))
def test_what_is_written_is_read(terms: list[tuple[str, int]]) -> None:
    text = " + ".join(f"{name} {share}" for name, share in terms)
    whole = sum(share for _, share in terms)
    wanted = {name: share / whole for name, share in terms}
    assert parse(text, [name for name, _ in terms]) == pytest.approx(wanted)


NASTY = st.text("a1 +%", min_size=1, max_size=5).map(str.strip).filter(bool)


@given(st.lists(NASTY, min_size=1, max_size=6, unique=True), st.data())
def test_whatever_names_there_are_a_text_of_them_is_read_longest_first(
    known: list[str], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    text = " + ".join(chosen)
    assume(len(text) <= LONGEST)
    names = _longest_first(text, frozenset(known))
    assert names is not None  # as it was written is one way to read it
    found = parse(text, known)
    if len(set(names)) < len(names):
        assert found is None
    elif found is not None:  # else a number in a name has taken all that there is
        assert list(found) == names
        assert sum(found.values()) == pytest.approx(1)


def _longest_first(text: str, known: frozenset[str]) -> list[str] | None:
    """The names in a text, found by trying: at each place the longest that leaves what is read."""
    ends = [place for place, letter in enumerate(text) if letter == "+"]
    for end in reversed([*ends, len(text)]):
        name = _name(text[:end].strip(), known)
        if name is None:
            continue
        rest = [] if end == len(text) else _longest_first(text[end + 1 :], known)
        if rest is not None:
            return [name, *rest]
    return None


def _name(term: str, known: frozenset[str]) -> str | None:
    if term in known:
        return term
    before, _, number = term.removesuffix("%").strip().rpartition(" ")
    is_share = number.isdigit() and int(number) > 0
    return before.strip() if is_share and before.strip() in known else None


@given(st.text(max_size=40))
def test_any_text_is_read_or_is_not(text: str) -> None:
    found = parse(text, KINDS)
    assert found is None or sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["+" * LONGEST, "a+" * (LONGEST // 2), "a 1 + " * (LONGEST // 6)])
def test_hostile_texts_take_no_time_to_speak_of(text: str) -> None:
    began = time.process_time()
    parse(text, ["a", "+", "a+a"])
    assert time.process_time() - began < 2.0
