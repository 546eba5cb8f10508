"""Draw example pages to look at: `python scripts/draw_page.py FOLDER`.

Their photos and styles are the starter ones. What stands for a painting is a photo in the colours
of a style, made in a moment: it shows where pictures hang, and not how the program paints.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import math
import time
from functools import cache
from pathlib import Path

from PIL import Image, ImageFilter

from daemon.note_texts import NO_PICTURE
from daemon.obstacles import Obstacle
from daemon.page.board import (
    MOST_ASKED,
    MOST_WAITING,
    Asking,
    BadStyle,
    Board,
    Failure,
    FailureKind,
    Now,
    Places,
    Point,
    Result,
    Waiting,
)
from daemon.page.drawing import draw
from daemon.runners.base import GLIMPSE_SIDE
from daemon.words import LANGUAGES, Language

STARTER = Path(__file__).resolve().parent.parent / "daemon" / "starter"
STYLES = ("Brush Strokes", "Dots", "Mosaic", "Waves", "Woodcut")
PLACES = Places("Inbox", "Outbox", "Styles", "Originals", "Failed")
NAMES = (
    "Evening by the lake.png", "IMG_4711.png", "Grandmother's garden.png", "DSC00042.png",
    "海边的早晨.png",
    "A very long name that somebody gave to a photo of their cat on a sofa (2).png",
    "בוקר בחוף.png", "Summer house.png", "Boat.png", "P1000337.png", "Hills.png", "Window.png",
)  # fmt: skip
CROPS = {"wide": (0.0, 0.0, 1.0, 1.0), "tall": (0.3, 0.0, 0.75, 1.0), "low": (0.0, 0.35, 1.0, 0.9)}
MINUTE, HOUR, DAY = 60, 3600, 86400


@cache
def photo(number: int, crop: str) -> Image.Image:
    """One of the starter photos, or a part of it, as small as on the page."""
    name = ("photo.jpg", "photo-2.jpg")[number % 2]
    with Image.open(STARTER / name) as whole:
        left, top, right, bottom = CROPS[crop]
        box = (left * whole.width, top * whole.height, right * whole.width, bottom * whole.height)
        part = whole.convert("RGB").crop(tuple(map(round, box)))
    part.thumbnail((GLIMPSE_SIDE, GLIMPSE_SIDE))
    return part


@cache
def painting(number: int, crop: str, style: str) -> Image.Image:
    """The same in a style's colours and in large dabs."""
    with Image.open(STARTER / "styles" / f"{style}.jpg") as whole:
        colours = whole.convert("RGB").resize((64, 64)).quantize(14)
    dabbed = photo(number, crop).filter(ImageFilter.ModeFilter(9))
    toned = dabbed.quantize(palette=colours, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
    return Image.blend(toned.filter(ImageFilter.ModeFilter(5)), dabbed, 0.25)


def jpeg(picture: Image.Image) -> bytes:
    """Its bytes, as the page has them."""
    into = io.BytesIO()
    picture.save(into, "JPEG", quality=80)
    return into.getvalue()


def results(now: float, many: int) -> tuple[Result, ...]:
    """The last paintings, of all proportions; one has lost its pictures, and one its file."""
    made = []
    for n in range(many):
        crop, style = ("wide", "tall", "wide", "low")[n % 4], STYLES[n % 5]
        size = photo(n // 4 + n, crop).size
        lost = n == 7
        link = None if n == 9 else f"Outbox/{style.replace(' ', '%20')}/{n}.png"
        made.append(
            Result(
                f"r{n}", NAMES[n], style, link, f"Originals/{n}.jpg", *size,
                153.0 + 40 * n, now - 240 - 5 * HOUR * n * n,
                None if lost else jpeg(photo(n // 4 + n, crop)),
                None if lost else jpeg(painting(n // 4 + n, crop, style)),
            )
        )  # fmt: skip
    return tuple(made)


def points(until: int) -> tuple[Point, ...]:
    """Losses as they fall on three scales."""
    ends = (30, 62, 92)
    made = []
    for step in range(1, until + 1):
        scale = next(n for n, end in enumerate(ends) if step <= end)
        since = step - (0, *ends)[scale]
        made.append(Point(step, (9e5, 3e5, 2e5)[scale] * math.exp(-1.1 * since**0.35), scale + 1))
    return tuple(made)


def painting_now() -> Now:
    """A photo that is half done."""
    return Now(
        "n1", "Harbour at dawn.jpg", "Waves", 54, 92, 2, 3, 384, 256, 1, 171.0,
        jpeg(painting(1, "wide", "Waves")), jpeg(photo(1, "wide")), points(54),
    )  # fmt: skip


def waiting(now: float, many: int) -> tuple[Waiting, ...]:
    """The first photos in the queue."""
    return tuple(
        Waiting(NAMES[n % 12].replace("png", "jpg"), STYLES[n % 5], n + 1, now - 200 - 97 * n)
        for n in range(min(many, MOST_WAITING))
    )


def failures(now: float) -> tuple[Failure, ...]:
    """One of each kind, each for another reason."""
    broken = "The file is incomplete: its end is missing. Copy it again from where it came from."
    failed: tuple[tuple[str, FailureKind, str], ...] = (
        ("Invoice 2026-11.pdf", "no_picture", NO_PICTURE),
        ("IMG_0815.jpg", "photo", broken),
        ("Harbour.jpg", "pair", broken),
        ("Wedding of Anna and Tom, the whole album in one folder", "folder", broken),
        ("letter.docx", "file", "The file is empty. Copy it again from where it came from."),
    )
    return tuple(
        Failure(
            f"f{n}", name, STYLES[n], reason, f"Failed/{n}.jpg", now - HOUR - DAY * n, kind,
            f"Inbox > {STYLES[n]}",
        )
        for n, (name, kind, reason) in enumerate(failed)
    )  # fmt: skip


def asking(board: Board) -> Board:
    """All that can wait for people, with names of all sorts."""
    lost = (
        "IMG_0001.HEIC",
        "<script>alert(1)</script>.jpg",
        *(name.lower() for name in NAMES[4:8]),
    )
    empty = "The file is empty. Copy it again from where it came from."
    shape = "The picture has only 12 x 9 pixels. Each side must have at least 16: use a larger one."
    return dataclasses.replace(
        board,
        homeless=Asking(lost[:MOST_ASKED], 200),
        halves=Asking(("Party/content.jpg",), 1),
        closed=Asking(("Private", "Waves/mine only.jpg"), 2),
        bad_styles=(BadStyle("Grandma's quilt.jpg", empty), BadStyle("Ink.png", shape)),
        bad_styles_in_all=3,
    )


def boards(now: float) -> dict[str, Board]:
    """An example of each state that the page has a look for."""
    empty = Board(PLACES, now, styles=STYLES)
    idle = dataclasses.replace(empty, results=results(now, 12), painted_in_all=148)
    busy = dataclasses.replace(
        idle, now=(painting_now(),), waiting=waiting(now, 44), waiting_in_all=44
    )
    first = dataclasses.replace(
        painting_now(), step=0, scale=0, scales=0, width=0, height=0, seconds_left=None,
        preview=None, points=(), attempt=2,
    )  # fmt: skip
    return {
        "empty": empty,
        "idle": idle,
        "busy": busy,
        "first": dataclasses.replace(
            empty, now=(first,), waiting=waiting(now, 2), waiting_in_all=2, results=results(now, 2),
            painted_in_all=2,
        ),
        "failed": dataclasses.replace(
            idle, results=results(now, 3), painted_in_all=3, failures=failures(now), failed_in_all=5
        ),
        "asking": asking(busy),
        "asking-first": dataclasses.replace(
            empty, styles=(), homeless=Asking(("IMG_0001.HEIC",), 1)
        ),
        "asking-style": dataclasses.replace(
            idle,
            bad_styles=(BadStyle("Ink.png", "It is a link. Put the picture itself there."),),
            bad_styles_in_all=1,
        ),
        "trouble": dataclasses.replace(
            busy,
            now=(),
            trouble=(
                Obstacle(
                    "The folder Outbox takes no pictures (No space left on device), and so none is "
                    "painted. Make room there, and let the program write there"
                ),
            ),
        ),
        "loading": dataclasses.replace(empty, loading=True, results=results(now, 1)),
        "ended": dataclasses.replace(idle, running=False, made=now - HOUR),
    }  # fmt: skip


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
    given = parser.parse_args()
    language: Language = given.language
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, board in boards(time.time()).items():
        page = given.folder / f"{name}.html"
        page.write_bytes(draw(board, language))
        print(f"{page}: {page.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
