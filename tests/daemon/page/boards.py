"""Boards for the tests of the page, with small pictures that a browser can show."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import get_args

from PIL import Image

from daemon.obstacles import Aside, Obstacle
from daemon.page.board import (
    Asking,
    BadStyle,
    Board,
    Failure,
    FailureKind,
    Lonely,
    NearlyNamed,
    Now,
    Places,
    Point,
    Result,
    Waiting,
)

PLACES = Places("Inbox", "Outbox", "Styles", "Originals", "Failed")
MADE = 1_800_000_000.0
FULL_DISK = (
    Obstacle(
        "The folder /srv/share/Outbox takes no pictures (No space left on device), and so none is "
        "painted. Make room there, and let the program write there"
    ),
)


def jpeg(colour: str, size: tuple[int, int] = (120, 80)) -> bytes:
    into = io.BytesIO()
    Image.new("RGB", size, colour).save(into, "JPEG")
    return into.getvalue()


def a_point(step: int, loss: float, scale: int = 1) -> Point:
    return Point(step, loss, scale)


def a_painting(name: str = "Harbour.jpg", style: str | None = "Waves") -> Now:
    points = (a_point(1, 900.0), a_point(10, 90.0), a_point(11, 4000.0, 2), a_point(40, 1000.0, 2))
    return Now(
        "n1", name, style, 40, 80, 2, 3, 384, 256, 1, 170.0, jpeg("teal"), jpeg("orange"), points
    )


def a_wait(place: int = 1, name: str = "Waiting.jpg", style: str = "Dots") -> Waiting:
    return Waiting(name, style, place, MADE - 300)


def a_result(job: str = "r0", name: str = "Garden.png", style: str = "Mosaic") -> Result:
    return Result(
        job, name, style, f"Outbox/{job}.png", f"Originals/{job}.png", 120, 80, 156.0, MADE - 600,
        jpeg("orange"), jpeg("teal"),
    )  # fmt: skip


def a_failure(
    job: str = "f0",
    name: str = "Broken.jpg",
    reason: str = "It is cut off.",
    kind: FailureKind = "photo",
) -> Failure:
    link = f"Failed/{job}" if kind == "folder" else f"Failed/{job}.jpg"
    return Failure(job, name, "Waves", reason, link, MADE - 900, kind, "Inbox > Waves")


def asking(board: Board) -> Board:
    """All that can wait for people."""
    return replace(
        board,
        homeless=Asking(tuple(f"IMG_{n}.jpg" for n in range(6)), 200),
        slips=(NearlyNamed("Wavs", 'There is no style "Wavs". Did you mean "Waves"?'),),
        halves=Asking(("Party/content.jpg",), 1),
        lonely=(
            Lonely("Waves/beach.mask.png", "mask", "beach"),
            Lonely("Waves/beach.regions.png", "regions", "beach"),
            Lonely("Waves/beach.start.png", "start", "beach"),
            Lonely("Waves/beach.style.regions.png", "style_regions", "beach.style"),
        ),
        lonely_in_all=12,
        closed=Asking(("Private", "Waves/mine.jpg"), 2),
        bad_styles=(
            BadStyle("Dots.jpg", "The file is empty."),
            BadStyle("Ink.png", "It is a link."),
        ),
        bad_styles_in_all=9,
    )


SET_ASIDE = (
    Aside(
        "graphics card 1",
        "It died 3 times in a row, and is given no more photos. Run `atelierd doctor` to see why, "
        "and start the service again once that is mended",
    ),
    Aside("anna", "Something of which nobody has heard"),
)


def empty() -> Board:
    return Board(PLACES, MADE, styles=("Dots", "Mosaic", "Waves"))


def full() -> Board:
    """Everything at once, also what never comes together."""
    return replace(
        empty(),
        now=(
            a_painting(),
            replace(a_painting("First.jpg"), job="n2", total=0, preview=None, points=(), attempt=2),
            replace(
                a_painting("One size.jpg", None),
                job="n3",
                points=(a_point(1, 9.0), a_point(2, 3.0)),
                painter="graphics card 1",
            ),
        ),
        waiting=tuple(a_wait(n + 1, f"Waiting {n}.jpg") for n in range(30)),
        waiting_in_all=44,
        results=(
            *(a_result(f"r{n}", f"Result {n}.png") for n in range(10)),
            replace(a_result("r10"), before=None, style=None),
            replace(a_result("r11"), before=None, after=None, link=None, original=None),
        ),
        painted_in_all=140,
        failures=(
            a_failure(),
            replace(a_failure("f1"), link=None, style=""),
            *(a_failure(f"f{n}", kind=kind) for n, kind in enumerate(get_args(FailureKind), 2)),
        ),
        failed_in_all=7,
        trouble=FULL_DISK,
    )


def every_state() -> dict[str, Board]:
    """One of each that the page has words for."""
    idle = replace(empty(), results=(a_result(),), painted_in_all=1)
    return {
        "empty": empty(),
        "bare": replace(empty(), styles=()),
        "idle": idle,
        "idle and asking": asking(idle),
        "full": full(),
        "asking": asking(full()),
        "asking at first": replace(asking(empty()), styles=()),
        "loading": replace(idle, loading=True),
        "next": replace(idle, waiting=(a_wait(),), waiting_in_all=1),
        "held": replace(idle, trouble=FULL_DISK),
        "one set aside": replace(idle, aside=SET_ASIDE[:1]),
        "some set aside": replace(full(), trouble=(), aside=SET_ASIDE),
        "ended": replace(idle, running=False),
        "ended in trouble": replace(idle, running=False, trouble=FULL_DISK),
    }
