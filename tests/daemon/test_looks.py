"""What folders ask for by their names: read as people write them, and never more than a style."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.looks import Book, Looks, of_one, wished_for
from daemon.mixture import LONGEST
from daemon.names import canonical
from daemon.overrides import make_recipe
from daemon.runners.request import MOST_STYLES
from daemon.settings import PaintSettings

NAMES = (
    "Starry Night", "Great Wave", "Café", "A + B", "A", "B", "Route", "Route 66", "星空", "大浪",
    "Dusk, own colours", "Dusk",
)  # fmt: skip
STYLES = {name: Path("/share/Styles", f"{name}.jpg") for name in NAMES}
OWN = {"colors": "luminance"}
PHOTO = {"preset": "photo", "photo": True}


def read(folder: str) -> Looks | None:
    return Book(STYLES).looks(folder)


def shares(looks: Looks) -> dict[str, float]:
    return {part.path.stem: round(part.share, 6) for part in looks.parts}


@pytest.mark.parametrize(
    ("folder", "said", "parts"),
    [
        ("Starry Night", "Starry Night", {"Starry Night": 1}),
        ("starry night", "Starry Night", {"Starry Night": 1}),
        ("Starry Night + Great Wave", "Starry Night + Great Wave",
         {"Starry Night": 0.5, "Great Wave": 0.5}),
        ("STARRY NIGHT 70 + great wave 30", "Starry Night 70 + Great Wave 30",
         {"Starry Night": 0.7, "Great Wave": 0.3}),
        ("Great Wave 25% + Starry Night", "Great Wave 25 + Starry Night 75",
         {"Great Wave": 0.25, "Starry Night": 0.75}),
        ("A + B", "A + B", {"A + B": 1}),
        ("B + A", "B + A", {"B": 0.5, "A": 0.5}),
        ("A + B 30 + Route 66", "A + B 30 + Route 66 70", {"A + B": 0.3, "Route 66": 0.7}),
        ("Route 66", "Route 66", {"Route 66": 1}),
        ("星空 + 大浪", "星空 + 大浪", {"星空": 0.5, "大浪": 0.5}),
        ("星空\uff0b大浪", "星空 + 大浪", {"星空": 0.5, "大浪": 0.5}),
    ],
)  # fmt: skip
def test_a_folder_asks_for_styles(folder: str, said: str, parts: dict[str, float]) -> None:
    looks = read(folder)
    assert looks is not None
    assert (looks.name, shares(looks), looks.wishes) == (said, parts, {})
    assert list(shares(looks)) == list(parts)
    assert looks.blend == (looks.parts if len(parts) > 1 else ())


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("of_style", ["NFC", "NFD"])
def test_forms_of_unicode_are_the_same(form: str, of_style: str) -> None:
    name = unicodedata.normalize(of_style, "Café")
    book = Book({name: Path("/s/c.jpg"), "A": Path("/s/a.jpg")})
    looks = book.looks(unicodedata.normalize(form, "café 20 + A, own colours"))
    assert looks is not None
    assert [part.path.name for part in looks.parts] == ["c.jpg", "a.jpg"]
    assert book.looks(unicodedata.normalize(form, "Café")) == of_one(name, Path("/s/c.jpg"))


@pytest.mark.parametrize(
    ("folder", "style", "wishes"),
    [
        ("Starry Night, own colours", "Starry Night", OWN),
        ("Starry Night, Own Colors", "Starry Night", OWN),
        ("starry night ,  original   colours ", "Starry Night", OWN),
        ("Starry Night, as photo", "Starry Night", PHOTO),
        ("Starry Night, as a photo, own colours", "Starry Night", {**OWN, **PHOTO}),
        ("Starry Night, own colours, as photo", "Starry Night", {**OWN, **PHOTO}),
        ("Starry Night 70 + Great Wave, own colours", "Starry Night 70 + Great Wave 30", OWN),
        ("星空\uff0c原色", "星空", OWN),
        ("星空\u3001原色\uff0c照片效果", "星空", {**OWN, **PHOTO}),
        ("Starry Night\uff0c原色", "Starry Night", OWN),
        # The name of a style means that style.
        ("Dusk, own colours", "Dusk, own colours", {}),
        ("Dusk, own colors", "Dusk", OWN),
        ("A + Dusk, own colours", "A + Dusk, own colours", {}),
        ("Dusk, own colours, own colours", "Dusk, own colours", OWN),
        ("Dusk, own colours, as photo", "Dusk, own colours", PHOTO),
    ],
)
def test_the_end_of_a_name_may_be_a_wish(
    folder: str, style: str, wishes: dict[str, object]
) -> None:
    looks = read(folder)
    assert looks is not None
    assert (looks.name, looks.wishes) == (style, wishes)
    make_recipe(PaintSettings(), looks.wishes)
    assert bool(wished_for(folder, style)) == bool(wishes)


@pytest.mark.parametrize(
    ("folder", "style", "wishes"),
    [
        ("Waves, own colours", "Waves", ", own colours"),
        ("Dusk, own colours", "Dusk, own colours", ""),
        ("Dusk, own colours, as photo", "Dusk, own colours", ", as photo"),
        ("Waves 70 + Dots, as photo", "Waves 70 + Dots 30", ", as photo"),
        ("星空，照片效果", "星空", "，照片效果"),
        ("Inbox", "Waves", ""),
        ("Holiday, own colours", "Waves", ""),
    ],
)
def test_wishes_are_told_as_they_were_written(folder: str, style: str, wishes: str) -> None:
    assert wished_for(folder, style) == wishes


@pytest.mark.parametrize(
    "folder",
    [
        "", " ", "+", ",", ", own colours", "own colours", "Holiday", "Waves 2", "Route 2",
        "Starry Night 70", "Starry Night + Gone", "Gone, own colours", "Starry Night, in oil",
        "Starry Night own colours", "Starry Night, own colours, own colors",
        "Starry Night, own colours, as photo, as a photo", "Starry Night,", "Starry Night, ",
        "Starry Night + own colours", "Starry Night 100 + Great Wave", "A + A", "../A", "A/../B",
        "/share/Styles/A.jpg", "A.jpg", "A\0", "Starry Night + \udcff", "A" * LONGEST,
        "A" + ", as photo" * 60, "A" + " + A" * 70,
    ],
)  # fmt: skip
def test_any_other_name_asks_for_nothing(folder: str) -> None:
    assert read(folder) is None


@pytest.mark.parametrize(("number", "is_read"), [(MOST_STYLES, True), (MOST_STYLES + 1, False)])
def test_a_blend_has_no_more_styles_than_a_painting_may(number: int, *, is_read: bool) -> None:
    names = [f"S{one}" for one in range(number)]
    book = Book({name: Path("/s", name) for name in names})
    assert (book.looks(" + ".join(names)) is not None) is is_read


NAMELIKE = st.text(st.one_of(st.sampled_from("aAbé+, %1070"), st.characters()), max_size=12)


@st.composite
def folders(draw: st.DrawFn) -> tuple[list[str], str]:
    """Names of styles, whatever they are, and that of a folder that may well be made of them."""
    names = draw(st.lists(NAMELIKE, max_size=5))
    words = st.sampled_from([
        " + ", "+", " ", ", ", ",", " 70", " 30 %", ", own colours", ", as photo", "\uff0c原色",
        "\uff0b", "..", "/", "\0", "\udcff", *names,
    ])  # fmt: skip
    return names, "".join(draw(st.lists(st.one_of(words, NAMELIKE), max_size=10)))


@given(folders())
def test_whatever_a_folder_is_called_it_asks_for_styles_or_for_nothing(
    drawn: tuple[list[str], str],
) -> None:
    names, folder = drawn
    styles = {name: Path("/share/Styles", f"{number}.jpg") for number, name in enumerate(names)}
    book = Book(styles)
    looks = book.looks(folder)
    assert book.looks(folder) is looks
    if canonical(folder) in map(canonical, styles):
        assert looks is not None
        assert not looks.wishes
    if looks is not None:
        paths = [part.path for part in looks.parts]
        assert set(paths) <= set(styles.values())
        assert len(set(paths)) == len(paths)
        assert sum(part.share for part in looks.parts) == pytest.approx(1)
        assert all(part.share > 0 for part in looks.parts)
        assert looks.wishes in ({}, OWN, PHOTO, {**OWN, **PHOTO})
