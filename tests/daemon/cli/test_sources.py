"""The pictures of a command line: which is which, and of what weight."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli.sources import (
    MOST_WEIGHT,
    Guides,
    Named,
    Weighted,
    expect_partners,
    expect_start,
    styles_named,
    weighted,
)
from daemon.errors import UsageError
from daemon.runners.request import MOST_STYLES


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [
        ("a.jpg", "a.jpg", None),
        ("a.jpg:70", "a.jpg", 70),
        ("a.jpg:0.5", "a.jpg", 0.5),
        ("a.jpg:.5", "a.jpg", 0.5),
        ("a.jpg:5.", "a.jpg", 5),
        ("a.jpg:+5", "a.jpg", 5),
        ("C:/styles/a.jpg", "C:/styles/a.jpg", None),
        ("C:/styles/a.jpg:30", "C:/styles/a.jpg", 30),
        ("10:30.jpg", "10:30.jpg", None),
        ("10:30", "10", 30),
        ("a:b:3", "a:b", 3),
        ("a.jpg:", "a.jpg:", None),
        ("a.jpg:much", "a.jpg:much", None),
        ("a.jpg:1e3", "a.jpg:1e3", None),
        ("a.jpg:nan", "a.jpg:nan", None),
        (":5", ":5", None),
    ],
)
def test_the_last_number_is_the_weight(text: str, name: str, weight: float | None) -> None:
    assert weighted(text) == Weighted(Path(name), weight)


def test_unless_there_is_such_a_file() -> None:
    Path("10:30").touch()
    Path("link:5").symlink_to("nowhere")
    assert weighted("10:30") == Weighted(Path("10:30"))
    assert weighted("link:5") == Weighted(Path("link:5"))
    assert weighted("10:30:2") == Weighted(Path("10:30"), 2)


@pytest.mark.parametrize("weight", ["0", "-3", "0.0", "1000000.5", "9" * 400])
def test_a_weight_out_of_its_range_is_refused(weight: str) -> None:
    with pytest.raises(UsageError, match=f"greater than 0 and at most {MOST_WEIGHT}, not "):
        weighted(f"a.jpg:{weight}")


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_any_text_is_a_picture_or_is_refused(text: str) -> None:
    try:
        found = weighted(text)
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017 - few texts are refused
    else:
        assert text.startswith(str(found.path)) or found.path == Path(text)


def test_the_one_in_its_place_comes_first() -> None:
    found = styles_named("a:2", ["b", "c:3"])
    assert found == (Weighted(Path("a"), 2), Weighted(Path("b")), Weighted(Path("c"), 3))
    assert styles_named(None, ["b"]) == (Weighted(Path("b")),)
    assert styles_named(None, []) == ()
    assert len(styles_named("a", ["b"] * (MOST_STYLES - 1))) == MOST_STYLES
    with pytest.raises(UsageError, match=f"{MOST_STYLES + 1} styles are too many"):
        styles_named("a", ["b"] * MOST_STYLES)


def test_all_files_are_known() -> None:
    content, styles = Path("p"), (Weighted(Path("a"), 2), Weighted(Path("b")))
    assert Named(content, styles).paths == (Path("p"), Path("a"), Path("b"))
    assert Named(content, styles, Path("s")).paths == (Path("p"), Path("a"), Path("b"), Path("s"))


def test_a_start_that_is_not_there_is_more_likely_a_misspelt_word() -> None:
    Path("there.png").touch()
    expect_start(Path("there.png"))
    with pytest.raises(UsageError, match=r"content, noise or blend, .* there is no file nois\."):
        expect_start(Path("nois"))


MASK, PHOTO, ONE, TWO = map(Path, ("m", "p-regions", "a-regions", "b-regions"))


def test_so_are_those_that_guide() -> None:
    found = Named(Path("p"), (Weighted(Path("a")),), None, Guides(MASK, PHOTO, (ONE, TWO)))
    assert found.paths == (Path("p"), Path("a"), MASK, PHOTO, ONE, TWO)


def test_regions_have_partners() -> None:
    for guides in (
        Guides(),
        Guides(MASK),
        Guides(None, PHOTO, (ONE,)),
        Guides(None, PHOTO, (ONE, TWO)),
    ):
        expect_partners(guides, 2)
    for guides, words in (
        (Guides(None, PHOTO), "--content-regions goes with --style-regions"),
        (Guides(None, None, (ONE,)), "--style-regions goes with --content-regions"),
        (Guides(None, PHOTO, (ONE, TWO, ONE)), "is there 3 times, and the styles are 2"),
    ):
        with pytest.raises(UsageError, match=words):
            expect_partners(guides, 2)
