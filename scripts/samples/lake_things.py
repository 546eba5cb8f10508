"""What stands at the lake: pines, a cabin, a boat, reeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Field, from_image, rgb

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lens:
    """A camera: its size and focal length in pixels, the horizon's row, the eye's height."""

    width: int
    height: int
    horizon: float
    focal: float
    eye: float

    def mirrored(self) -> Lens:
        """The camera below the surface, whose picture the water shows upside down."""
        return replace(self, eye=-self.eye)

    @cached_property
    def across(self) -> Field:
        """How far to the right each column looks, as a slope."""
        return ((np.arange(self.width) + 0.5 - self.width / 2) / self.focal).astype(np.float32)

    @cached_property
    def up(self) -> Field:
        """How far up each row looks, as a slope."""
        return ((self.horizon - np.arange(self.height) - 0.5) / self.focal).astype(np.float32)

    def project(self, point: Point) -> tuple[float, float]:
        """Column and row of a point."""
        x, y, z = point
        return (
            self.width / 2 + self.focal * x / z,
            self.horizon - self.focal * (y - self.eye) / z,
        )


def plant_pines(  # noqa: PLR0913, PLR0917 - a shape in a drawing is its coordinates
    picture: Field,
    lens: Lens,
    ground: Callable[[Field, Field], Field],
    depths: Field,
    skyline: Field,
    haze: Callable[..., Field],
) -> Field:
    """Some thousand trees, the farthest first, each behind the ridges that hide it."""
    rng = np.random.default_rng(11)
    sprites = [_pine(rng) for _ in range(7)]
    z = np.concatenate([rng.uniform(430, 1000, 3600), rng.uniform(1000, 2600, 9000),
                        rng.uniform(205, 335, 170)])  # fmt: skip
    x = rng.uniform(-0.56, 0.56, z.size) * z
    tall = 6 + 13 * rng.beta(1.6, 2.2, z.size) + np.where(z < 400, 4.0, 0.0)
    groves = np.sin(x / 61 + 2 * np.sin(z / 83)) + np.sin(z / 47 + 1.7 * np.sin(x / 39))
    kind, shade = rng.integers(0, 7, z.size), rng.uniform(0.75, 1.25, z.size)
    base = ground(x.astype(np.float32), z.astype(np.float32))
    grows = (
        (base > 2.2)
        & (base < 420)
        & (rng.random(z.size) < np.where(z < 400, 0.6, 0.55 + 0.42 * groves))
    )
    grows &= (z > 400) | (np.hypot((x + 92) / 17, (z - 252) / 40) > 1)
    image = picture.copy()
    for i in np.argsort(-z):
        if grows[i]:
            place = (float(x[i]), float(base[i]), float(z[i]))
            colour = haze(rgb("#1d3322") * shade[i], z[i], x[i] / z[i], base[i] + 6)
            hidden = skyline[max(int(np.searchsorted(depths, z[i])) - 2, 0)]
            _stand(image, lens, place, float(tall[i]), sprites[kind[i]], colour, hidden)
    return image


def _stand(  # noqa: PLR0913, PLR0917 - a shape in a drawing is its coordinates
    picture: Field, lens: Lens, place: Point, tall: float, sprite: Image.Image,
    colour: Field, hidden: Field,
) -> None:  # fmt: skip
    x, y, z = place
    column, bottom = lens.project((x, y - 0.4, z))
    size = lens.focal * tall / z
    if not 0 <= column < lens.width or size < 2:
        return
    bottom = min(bottom, lens.horizon - lens.focal * float(hidden[int(column)]) + 1)
    top = lens.project((x, y + tall, z))[1]
    width = max(round(size * 0.46), 1)
    mask = from_image(sprite.resize((width, max(round(size), 1)), Image.Resampling.BOX))
    left, first = round(column - width / 2), round(top)
    rows = slice(max(first, 0), min(first + mask.shape[0], round(bottom), lens.height))
    columns = slice(max(left, 0), min(left + width, lens.width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    mask = mask[rows.start - first : rows.stop - first, columns.start - left : columns.stop - left]
    light, cover = mask[..., :1], mask[..., 1:2]
    lit = colour * (0.62 + 0.5 * light) + light**3 * np.array([0.30, 0.17, 0.05], np.float32)
    picture[rows, columns] += (lit - picture[rows, columns]) * cover


def _pine(rng: np.random.Generator) -> Image.Image:
    """A tree's light (first channel) and outline (second), 184 x 400."""
    width, height = 184, 400
    light, cover = Image.new("L", (width, height)), Image.new("L", (width, height))
    pens = ImageDraw.Draw(light), ImageDraw.Draw(cover)
    middle = width / 2
    pens[1].rectangle((middle - 4, 60, middle + 4, height), fill=255)
    lean = rng.uniform(0.86, 1.1)
    for row in np.linspace(8, height - 42, 46):
        reach = (row / height) ** 0.86 * middle * lean
        for side in (-1, 1):
            for _ in range(4):
                long = reach * rng.uniform(0.45, 1.05)
                droop = long * rng.uniform(0.18, 0.42)
                tip = (middle + side * long, row + droop)
                thick = 5 + 6 * row / height
                shape = [(middle, row - thick), tip, (middle + side * long * 0.6, row + droop + 9),
                         (middle, row + thick)]  # fmt: skip
                glow = 128 + side * (60 + 60 * long / middle) + rng.uniform(-34, 34)
                pens[0].polygon(shape, fill=int(np.clip(glow, 0, 255)))
                pens[1].polygon(shape, fill=255)
    return Image.merge("LA", (light, cover))


def _paint(picture: Field, shapes: Sequence[tuple[Sequence[tuple[float, float]], Field]]) -> Field:
    """Polygons over the picture, with soft edges."""
    for corners, colour in shapes:
        xs, ys = [c for c, _ in corners], [r for _, r in corners]
        left, top = int(min(xs)) - 2, int(min(ys)) - 2
        right, bottom = int(max(xs)) + 3, int(max(ys)) + 3
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, picture.shape[1]), min(bottom, picture.shape[0])
        if left >= right or top >= bottom:
            continue
        mask = Image.new("L", (4 * (right - left), 4 * (bottom - top)))
        ImageDraw.Draw(mask).polygon(
            [(4 * (x - left), 4 * (y - top)) for x, y in corners], fill=255
        )
        cover = from_image(mask.resize((right - left, bottom - top), Image.Resampling.BOX))
        picture[top:bottom, left:right] += (colour - picture[top:bottom, left:right]) * cover[
            ..., None
        ]
    return picture


def draw_cabin(picture: Field, lens: Lens) -> Field:
    """A wooden cabin on the spit, its windows lit."""
    x, y, z, wide, deep, wall, ridge = -98.0, 7.0, 246.0, 15.0, 10.0, 6.0, 11.0

    def at(right: float, up: float, back: float) -> tuple[float, float]:
        return lens.project((x + right, y + up, z + back))

    front = rgb("#5a3522") * 0.92
    shapes = [
        ([at(0, -4, 0), at(wide, -4, 0), at(wide, wall, 0), at(0, wall, 0)], front),
        ([at(wide, -4, 0), at(wide, -4, deep), at(wide, wall, deep), at(wide, ridge, deep / 2),
          at(wide, wall, 0)], rgb("#b36a3c") * 1.15),
        ([at(-1, wall - 0.8, -1), at(wide + 1, wall - 0.8, -1), at(wide + 1, ridge + 0.3, deep / 2),
          at(-1, ridge + 0.3, deep / 2)], rgb("#7a2f25")),
        ([at(10, ridge - 2, 3), at(12, ridge - 2, 3), at(12, ridge + 2.4, 3),
          at(10, ridge + 2.4, 3)], rgb("#6d5a52")),
    ]  # fmt: skip

    def plate(left: float, low: float, right: float, high: float, colour: Field) -> None:
        corners = [at(left, low, 0), at(right, low, 0), at(right, high, 0), at(left, high, 0)]
        shapes.append((corners, colour))

    for row in np.arange(-3.2, wall, 0.9):
        plate(0, row, wide, row + 0.16, front * 0.72)
    for left in (2.2, 10.0):
        plate(left, 0.6, left + 2.8, 3.9, np.array([1.45, 1.05, 0.45], np.float32))
    plate(6.2, -3, 8.6, 3.6, rgb("#2f1c14"))
    return _paint(picture, shapes)


def draw_boat(picture: Field, lens: Lens) -> Field:
    """A rowing boat with its stern towards us."""
    x, z, long, wide = 4.5, 58.0, 9.5, 2.3
    t = np.linspace(-1, 1, 25)
    round_ = np.clip(1 - np.abs(t) ** 2.6, 0, 1) ** 0.8
    sheer = 0.95 + 0.55 * t**2

    def side(sign: float) -> list[tuple[float, float]]:
        return [
            lens.project((x + long / 2 * a * 0.94, h, z + sign * wide / 2 * b + 0.9 * a))
            for a, b, h in zip(t, round_, sheer, strict=True)
        ]

    keel = [lens.project((x + long / 2 * a * 0.86, 0.0, z - wide * 0.36 * b + 0.9 * a))
            for a, b in zip(t, round_, strict=True)]  # fmt: skip
    near, far = side(-1), side(1)
    inner = [(a, b + 0.0016 * lens.focal) for a, b in near]
    shapes = [
        (far + near[::-1], rgb("#3a2417") * 0.8),
        (far + [(a, b + 0.004 * lens.focal) for a, b in far[::-1]], rgb("#a8713f")),
        *_thwarts(lens, x, z),
        (near + keel[::-1], rgb("#9c3a26")),
        ([*[(a, b + 0.55 * (d - b)) for (a, b), (_, d) in zip(near, keel, strict=True)],
          *keel[::-1]], rgb("#6b2419")),
        (near + inner[::-1], rgb("#f0d2a0")),
    ]  # fmt: skip
    return _paint(picture, shapes)


def _thwarts(lens: Lens, x: float, z: float) -> list[tuple[list[tuple[float, float]], Field]]:
    seats = []
    plank = ((0, -1), (0.7, -1), (0.7, 1), (0, 1))
    for along in (-2.2, 0.2, 2.3):
        back = z + 0.19 * along
        corners = [lens.project((x + along + a, 0.85, back + b)) for a, b in plank]
        seats.append((corners, rgb("#c08a52")))
    return seats


def draw_reeds(picture: Field, lens: Lens, rng: np.random.Generator) -> Field:
    """Reeds on the near bank, dark against the water."""
    image = Image.new("LA", (lens.width, lens.height))
    pen = ImageDraw.Draw(image)
    unit = lens.height
    for _ in range(520):
        from_right = rng.random() ** 1.9 * 0.52
        foot = (lens.width - from_right * unit, unit * (1.03 + 0.02 * rng.random()))
        tall = unit * rng.uniform(0.08, 0.31) * (1 - 1.45 * from_right)
        lean = tall * rng.normal(-0.10, 0.2)
        curve = [(foot[0] + lean * s**2, foot[1] - tall * s) for s in np.linspace(0, 1, 9)]
        glow = int(rng.uniform(30, 200))
        for i in range(8):
            thick = max(round(unit * 0.0042 * (1 - i / 9)), 1)
            pen.line(curve[i : i + 2], fill=(glow, 255), width=thick)
        if rng.random() < 0.10:
            tip = curve[-1]
            pen.line([tip, (tip[0] - lean * 0.06, tip[1] + 0.034 * unit)], fill=(120, 255),
                     width=round(unit * 0.0065))  # fmt: skip
    light, cover = np.moveaxis(from_image(image), -1, 0)[..., None]
    colour = rgb("#121a12") + light * (rgb("#5a5a2a") - rgb("#121a12")) * 0.8
    return np.asarray(picture + (colour - picture) * cover, np.float32)
