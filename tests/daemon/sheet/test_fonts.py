"""Names are written in what fonts there are, and it is known where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import ImageFont

from daemon.sheet.fonts import Fonts, found_in
from daemon.sheet.maker import FONTS

SIZE = 20


@pytest.fixture
def own() -> Fonts:
    """What is left on a machine without any font: Pillow's own."""
    return Fonts((), SIZE)


@pytest.mark.parametrize("text", ["Waves", "Great Wave 2", "Café 2", "a", "7"])
def test_latin_names_can_be_written_on_any_machine(own: Fonts, text: str) -> None:
    runs = own.runs(text)
    assert runs is not None
    assert "".join(part for part, _ in runs) in {text, text.replace("é", "e")}


@pytest.mark.parametrize("text", ["星月夜", "Waves 星", "한국", "१२"])
def test_it_is_known_when_a_letter_is_in_no_font(own: Fonts, text: str) -> None:
    assert own.runs(text) is None


@pytest.mark.parametrize(
    ("text", "left"), [("Sunset 🌅 two", "Sunset two"), ("A\u2603B", "AB"), ("a  b", "a b")]
)
def test_signs_that_are_in_no_font_are_left_out(own: Fonts, text: str, left: str) -> None:
    runs = own.runs(text)
    assert runs is not None
    assert "".join(part for part, _ in runs) == left


def test_a_name_of_signs_alone_cannot_be_written(own: Fonts) -> None:
    assert own.runs("🌅") is None
    assert own.runs("   ") is None


def test_broken_fonts_are_passed_over(tmp_path: Path) -> None:
    for name in ("DejaVuSans.ttf", "empty.otf", "none.ttc"):
        (tmp_path / name).write_bytes(b"no font" * (name != "empty.otf"))
    fonts = Fonts(found_in([tmp_path]), SIZE)
    assert fonts.runs("Waves") is not None
    assert fonts.runs("星") is None


def test_folders_that_are_not_there_hold_none(tmp_path: Path) -> None:
    assert found_in([tmp_path / "gone"]) == []


def test_plain_fonts_with_much_in_them_come_first(tmp_path: Path) -> None:
    names = ("Zapf.ttf", "wqy-microhei.ttc", "DejaVuSans-Bold.ttf", "DejaVuSans.ttf", "a.txt")
    for folder, name in enumerate(names):
        (tmp_path / str(folder)).mkdir()
        (tmp_path / str(folder) / name).touch()
    assert [path.name for path in found_in([tmp_path])] == [
        "DejaVuSans.ttf",
        "wqy-microhei.ttc",
        "Zapf.ttf",
        "DejaVuSans-Bold.ttf",
    ]


def test_a_name_that_no_font_has_all_of_is_written_in_several(tmp_path: Path) -> None:
    files = found_in(FONTS)
    greek = next((path for path in files if path.name == "DejaVuSans.ttf"), None)
    if greek is None:
        pytest.skip("this machine has no such font")
    shutil.copy(greek, tmp_path / "zz.ttf")
    # Pillow's own is the last one, so this one has to have everything.
    runs = Fonts(found_in([tmp_path]), SIZE).runs("Ἀθήνα Ночь")
    assert runs is not None
    assert len(runs) == 1
    assert isinstance(runs[0][1], ImageFont.FreeTypeFont)
