"""Paint the gallery: contact sheets of every preset and control, and the page that shows them.

Run by `make gallery`, or by hand for some of them::

    python -m scripts.make_gallery --only presets --only strength

Photos and styles are those that the program comes with, which `scripts/draw_samples.py` draws. The
page is written anew either way; what is not painted stays as it was.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from PIL import Image

from daemon import mixture
from daemon.settings import STYLE_LOSSES
from engine import PRESETS, Painting, Recipe, at_size
from scripts.contact_sheet import GAP

if TYPE_CHECKING:
    from engine.painter import Painter
    from engine.sources import Sources

ROOT: Final = Path(__file__).resolve().parent.parent
STARTER: Final = ROOT / "daemon" / "starter"
PAGE: Final = ROOT / "docs" / "gallery.md"
FOLDER: Final = ROOT / "docs" / "gallery"
MOST_BYTES: Final = 150_000
"""Of a sheet."""

Parts = Literal["", "mask", "regions"]

_SIZE: Final = 192
_COLOURS: Final = ((0, 0, 255), (0, 255, 0))
_HORIZON: Final = 0.55
"""Share of the photo's height that the upper region has."""
_QUALITIES: Final = (88, 84, 80, 75, 70, 60)


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        name: what stands below it on the page.
        changes: fields of the recipe that differ from the sheet's.
        preset: that it begins with.
        styles: styles and their weights, in place of the row's.
        parts: what is told apart in the photo: nothing, a `mask` that leaves the left side as it
            is, or `regions`, one above the other, each after the style at its place.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    preset: str = "draft"
    styles: tuple[tuple[str, float], ...] = ()
    parts: Parts = ""


@dataclass(frozen=True)
class Sheet:
    """One contact sheet.

    Attributes:
        name: of its file.
        title: on the page.
        text: on the page, below the title.
        rows: photo and style of each row.
        cells: of each row, from left to right.
    """

    name: str
    title: str
    text: str
    rows: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]


LAKE, FRUIT = "photo", "photo-2"
_BOTH: Final = ((LAKE, "Waves"), (FRUIT, "Brush Strokes"))


def _of(name: str, *values: Any) -> tuple[Cell, ...]:
    return tuple(Cell(f"`{name} = {_toml(value)}`", {name: value}) for value in values)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


SHEETS: Final = (
    Sheet(
        "presets",
        "Presets",
        "Each preset's weights and steps, here at 192 pixels. What larger sizes add are finer "
        "strokes, not other ones. [presets.md](presets.md) says how they were chosen.",
        _BOTH,
        tuple(Cell(f"`{name}`", preset=name) for name in PRESETS),
    ),
    Sheet(
        "styles",
        "Styles",
        "The five styles that the program comes with, by `draft`.",
        ((LAKE, ""),),
        tuple(
            Cell(name, styles=((name, 1.0),))
            for name in ("Brush Strokes", "Dots", "Mosaic", "Waves", "Woodcut")
        ),
    ),
    Sheet(
        "strength",
        "Strength",
        "How strong the style is against the photo; 1 is what every preset has.",
        _BOTH,
        _of("strength", 0.1, 0.5, 1, 3, 10),
    ),
    Sheet(
        "stroke-size",
        "Stroke size",
        "How large strokes and shapes are.",
        ((FRUIT, "Brush Strokes"),),
        _of("stroke_size", 0.5, 1, 2, 3),
    ),
    Sheet(
        "colors",
        "Colours",
        "Whose colours the painting has: the style's, the style's strokes in the photo's palette, "
        "or the photo's own under what was painted in light and dark.",
        _BOTH,
        _of("colors", "style", "match", "luminance"),
    ),
    Sheet(
        "blend",
        "Several styles",
        "Waves and Woodcut, then Brush Strokes and Mosaic, in shares.",
        ((LAKE, ""),),
        tuple(
            Cell(f"{name} : {other} = {share} : {100 - share}",
                 styles=((name, share), (other, 100 - share)))
            for name, other in (("Waves", "Woodcut"), ("Brush Strokes", "Mosaic"))
            for share in (70, 30)
        ),
    ),
    Sheet(
        "style-loss",
        "What of the style is compared",
        "Which shapes and colours come together, how they spread, or how much there is of each.",
        ((LAKE, "Waves"),),
        _of("style_loss", "gram", "wasserstein", "histogram", "gram 50 + histogram 50"),
    ),
    Sheet(
        "smoothness",
        "Smoothness",
        "Total variation: the more it weighs, the smoother; 4 is what every preset has.",
        ((FRUIT, "Brush Strokes"),),
        (*_of("tv_weight", 0, 4, 20),
         Cell('`tv_weight = 20`, `tv_norm = "l2"`', {"tv_weight": 20, "tv_norm": "l2"})),
    ),
    Sheet(
        "parts",
        "Parts of a photo",
        "A mask that is black on the left and white on the right, and two regions: what is above "
        "after Waves, what is below after Mosaic.",
        ((LAKE, ""),),
        (Cell("mask", styles=(("Waves", 1.0),), parts="mask"),
         Cell("regions", styles=(("Waves", 1.0), ("Mosaic", 1.0)), parts="regions")),
    ),
    Sheet(
        "start",
        "Where painting starts",
        "From the photo, from a blend of it with dots, or from dots alone.",
        ((LAKE, "Waves"),),
        _of("init", "content", "blend", "noise"),
    ),
    Sheet(
        "network",
        "How the network sees",
        "What it does from one size to the next, and losses counted as they are, with the weights "
        "that neural-style gives them.",
        ((FRUIT, "Brush Strokes"),),
        (*_of("pooling", "avg", "max"),
         Cell('`normalization = "classic"`, `content_weight = 5`, `style_weight = 100`',
              {"normalization": "classic", "content_weight": 5, "style_weight": 100})),
    ),
    Sheet(
        "photo",
        "A photograph with the style's colours",
        "The preset `photo`, and with the photo's own colours the style's light alone.",
        _BOTH,
        (Cell('`preset = "photo"`', preset="photo"),
         Cell('`preset = "photo"`, `colors = "luminance"`', {"colors": "luminance"}, "photo")),
    ),
)  # fmt: skip


def page(sheets: Iterable[Sheet] = SHEETS) -> str:
    """The page, in Markdown."""
    head = (
        "# Gallery\n\n"
        "What the presets and controls do, on pictures that the program comes with. Written and "
        "painted by\n`make gallery`; [controls.md](controls.md) explains each control. Where "
        "nothing else is said, 192 pixels\nby `draft`.\n"
    )
    return head + "".join(f"\n{_part(sheet)}" for sheet in sheets)


def _part(sheet: Sheet) -> str:
    names = ", ".join(cell.name for cell in sheet.cells)
    rows = "; ".join(
        f"{_photo(photo)}{f' in {style}' if style else ''}" for photo, style in sheet.rows
    )
    return (
        f"## {sheet.title}\n\n{sheet.text}\n\n"
        f"![{sheet.title}](gallery/{sheet.name}.jpg)\n\n"
        f"From left to right: {names}. From top to bottom: {rows}.\n"
    )


def _photo(name: str) -> str:
    return {LAKE: "the lake", FRUIT: "the still life"}[name]


def recipe_of(cell: Cell, size: int = _SIZE) -> Recipe:
    """How a picture of a sheet is painted."""
    preset = at_size(PRESETS[cell.preset], size)
    changes = dict(cell.changes)
    if "style_loss" in changes:
        changes["style_loss"] = mixture.parse(changes["style_loss"], STYLE_LOSSES)
    return Recipe.model_validate({**preset.model_dump(), **changes})


def paint(painter: Painter, sheet: Sheet, size: int = _SIZE) -> Iterator[Image.Image]:
    """Paint a sheet's pictures, row by row.

    Args:
        painter: who paints.
        sheet: what is wanted.
        size: long side of each, pixels.
    """
    for photo, style in sheet.rows:
        for cell in sheet.cells:
            *_, last = painter.paint(sources_of(cell, photo, style), recipe_of(cell, size))
            assert isinstance(last, Painting)  # noqa: S101 - it comes last
            yield Image.fromarray(last.picture.round().clip(0, 255).astype(np.uint8))


def sources_of(cell: Cell, photo: str, style: str) -> Sources:
    """What a picture of a sheet is painted of, in a row's photo and style."""
    from engine.sources import Sources, Style  # noqa: PLC0415 - not for who writes the page

    content = _read(STARTER / f"{photo}.jpg")
    named = cell.styles or ((style, 1.0),)
    pictures = [(_read(STARTER / "styles" / f"{name}.jpg"), weight) for name, weight in named]
    if cell.parts == "regions":
        marked = zip(pictures, _COLOURS, strict=True)
        styles = [Style(each, weight, _plain(each, colour)) for (each, weight), colour in marked]
        return Sources(content, styles, regions=_two(content))
    mask = _fading(content) if cell.parts == "mask" else None
    return Sources(content, [Style(*each) for each in pictures], mask=mask)


def _plain(picture: Any, colour: tuple[int, int, int]) -> Any:
    return np.full_like(picture, colour)


def _two(photo: Any) -> Any:
    above, below = _COLOURS
    regions = _plain(photo, below)
    regions[: round(_HORIZON * len(photo))] = above
    return regions


def _fading(photo: Any) -> Any:
    """Black on the left, white on the right, and grey in between."""
    ramp = np.clip(np.linspace(-1.5, 2.5, photo.shape[1]), 0, 1) * 255
    return np.broadcast_to(ramp.astype(np.uint8), photo.shape[:2]).copy()


def laid_out(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Lay pictures of one size in rows, on white."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    paper = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), "white")
    for number, picture in enumerate(pictures):
        down, across = divmod(number, columns)
        fitted = picture if picture.size == (width, height) else picture.resize((width, height))
        paper.paste(fitted, (across * (width + GAP), down * (height + GAP)))
    return paper


def small_enough(sheet: Image.Image, most: int = MOST_BYTES) -> bytes:
    """A sheet as JPEG, as good as so many bytes allow.

    Raises:
        ValueError: they allow none.
    """
    for quality in _QUALITIES:
        file = io.BytesIO()
        sheet.save(file, "jpeg", quality=quality, optimize=True)
        if file.tell() <= most:
            return file.getvalue()
    raise ValueError(f"a sheet of {sheet.width}x{sheet.height} does not fit into {most} bytes")


def _read(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def main(arguments: list[str] | None = None) -> None:
    """Paint what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [sheet.name for sheet in SHEETS]
    parser.add_argument("--only", action="append", choices=names, help="may be given repeatedly")
    parser.add_argument("--weights", type=Path, default=ROOT / "data" / "param")
    said = parser.parse_args(arguments)
    from engine.painter import Painter  # noqa: PLC0415 - which loads MXNet

    painter = Painter(said.weights, "auto")
    FOLDER.mkdir(exist_ok=True)
    for sheet in SHEETS:
        if said.only is None or sheet.name in said.only:
            file = FOLDER / f"{sheet.name}.jpg"
            file.write_bytes(small_enough(laid_out(list(paint(painter, sheet)), len(sheet.cells))))
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB", flush=True)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
