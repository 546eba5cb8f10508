"""The gallery: its page, and that nothing of it is missing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import PRESETS, Recipe
from scripts import make_gallery
from scripts.make_gallery import FOLDER, MOST_BYTES, PAGE, SHEETS, Cell, Sheet


def test_the_page_is_the_one_that_is_written() -> None:
    assert PAGE.read_text("utf-8") == make_gallery.page()


def test_each_sheet_is_there_and_small_and_no_other() -> None:
    shown = re.findall(r"\]\(gallery/([^)]+)\)", PAGE.read_text("utf-8"))
    assert shown == [f"{sheet.name}.jpg" for sheet in SHEETS]
    assert {path.name for path in FOLDER.iterdir()} == {*shown}
    for name in shown:
        assert (FOLDER / name).stat().st_size <= MOST_BYTES
        with Image.open(FOLDER / name) as sheet:
            sheet.load()


def test_every_preset_and_control_is_shown() -> None:
    cells = [cell for sheet in SHEETS for cell in sheet.cells]
    assert {cell.preset for cell in cells} == {*PRESETS}
    changed = {name for cell in cells for name in cell.changes}
    wanted = {"strength", "stroke_size", "colors", "style_loss", "tv_weight", "tv_norm",
              "init", "pooling", "normalization"}  # fmt: skip
    assert wanted <= changed
    assert any(len(cell.styles) > 1 for cell in cells)
    assert {"mask", "regions"} <= {cell.parts for cell in cells}


@pytest.mark.parametrize("cell", [cell for sheet in SHEETS for cell in sheet.cells], ids=str)
def test_each_is_a_recipe_of_the_size(cell: Cell) -> None:
    recipe = make_gallery.recipe_of(cell)
    assert recipe.size == 192
    for name, value in cell.changes.items():
        if name == "style_loss":
            assert sum(recipe.style_loss.values()) == pytest.approx(1)
            assert all(kind in value for kind in recipe.style_loss)
        else:
            assert getattr(recipe, name) == value


def test_what_is_on_a_sheet_is_there() -> None:
    names = {name for sheet in SHEETS for cell in sheet.cells for name, _ in cell.styles}
    names |= {style for sheet in SHEETS for _, style in sheet.rows if style}
    assert {path.stem for path in (make_gallery.STARTER / "styles").iterdir()} >= names
    for sheet in SHEETS:
        for cell in sheet.cells:
            assert all(style or cell.styles for _, style in sheet.rows)


def test_a_mask_and_regions_are_laid_over_the_photo() -> None:
    (sheet,) = (sheet for sheet in SHEETS if sheet.name == "parts")
    masked, divided = (make_gallery.sources_of(cell, *sheet.rows[0]) for cell in sheet.cells)
    masked.check(Recipe())
    divided.check(Recipe())
    assert masked.mask is not None
    assert divided.regions is not None
    assert (masked.mask[:, 0] == 0).all()
    assert (masked.mask[:, -1] == 255).all()
    colours = [{*map(tuple, each.regions.reshape(-1, 3))} for each in divided.styles]
    assert {*map(tuple, divided.regions.reshape(-1, 3))} == set.union(*colours)


def test_pictures_are_laid_out_row_by_row() -> None:
    pictures = [Image.new("RGB", (10, 6), colour) for colour in ("red", "lime", "blue")]
    sheet = make_gallery.laid_out(pictures, 2)
    assert sheet.size == (28, 20)
    at = {(0, 0): "red", (18, 0): "lime", (0, 14): "blue", (18, 14): "white"}
    assert all(sheet.getpixel(place) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))
               for place, colour in at.items())  # fmt: skip


def test_a_sheet_is_as_good_as_its_bytes_allow() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    sheet = Image.fromarray(noise)
    good, poor = make_gallery.small_enough(sheet, 40_000), make_gallery.small_enough(sheet, 7_000)
    assert len(poor) <= 7_000 < len(good) <= 40_000
    with pytest.raises(ValueError, match="does not fit"):
        make_gallery.small_enough(sheet, 1_000)


@pytest.mark.weights
def test_a_sheet_is_painted(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.painter import Painter  # noqa: PLC0415 - which loads MXNet

    quick = Recipe(size=48, scales=(1.0,), iterations=(1,))
    monkeypatch.setattr(make_gallery, "recipe_of", lambda *_: quick)
    cells = (Cell("a"), Cell("b", styles=(("Dots", 1.0), ("Woodcut", 2.0))))
    sheet = Sheet("x", "X", "", ((make_gallery.LAKE, "Waves"),), cells)
    one, other = make_gallery.paint(Painter(weights.parent, "cpu"), sheet, 48)
    assert one.size == other.size == (48, 32)
    assert one.tobytes() != other.tobytes()
