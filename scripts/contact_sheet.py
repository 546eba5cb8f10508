"""Lay painted pictures side by side: `python scripts/contact_sheet.py SHEET PICTURE...`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

HEIGHT = 320
GAP = 8
COLUMNS = 3


def sheet(pictures: list[Image.Image]) -> Image.Image:
    """Lay pictures in rows of `COLUMNS`, all equally high, on white."""
    scaled = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT)) for p in pictures]
    rows = [scaled[start : start + COLUMNS] for start in range(0, len(scaled), COLUMNS)]
    width = max(sum(p.width + GAP for p in row) for row in rows) - GAP
    paper = Image.new("RGB", (width, len(rows) * (HEIGHT + GAP) - GAP), "white")
    for number, row in enumerate(rows):
        left = 0
        for picture in row:
            paper.paste(picture, (left, number * (HEIGHT + GAP)))
            left += picture.width + GAP
    return paper


def main() -> None:
    """Make the sheet that the command line asks for."""
    target, *sources = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    pictures = [Image.open(source).convert("RGB") for source in sources]
    sheet(pictures).save(target, quality=82, optimize=True)
    print(f"{target}: {len(pictures)} pictures")


if __name__ == "__main__":
    main()
