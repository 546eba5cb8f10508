"""Dots: a river bank in points of pure colour, small ones over large ones."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from .canvas import (
    Field,
    blur,
    coordinates,
    from_image,
    mix,
    noise,
    ramp,
    relief,
    rgb,
    smoothstep,
    to_image,
)

FACTOR = 3
LAYERS = ((0.0115, 4600, 0.08), (0.0085, 9000, 0.13), (0.0064, 14500, 0.18))
"""Radius in picture heights, number of dots on a 4:3 picture, how far their colours scatter."""


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    theme, accent = _theme(width, height)
    rng = np.random.default_rng(31)
    w, h = FACTOR * width, FACTOR * height
    image = to_image(_ground(w, h))
    for radius, many, scatter in LAYERS:
        _layer(image, theme, accent, (radius, many, scatter), rng)
    image = image.resize((width, height), Image.Resampling.BOX)
    return to_image(_thick(from_image(image)))


def _ground(width: int, height: int) -> Field:
    rng = np.random.default_rng(2)
    tooth = noise(rng, width, height, 90, octaves=2)
    return np.asarray(rgb("#d9c9a3") * (1 + 0.04 * tooth)[..., None], np.float32)


def _theme(width: int, height: int) -> tuple[Field, Field]:
    """The scene in flat colours, and the colour that stands in each place's shadows."""
    x, y = coordinates(width, height)
    rng = np.random.default_rng(4)
    sway = noise(rng, width, height, 3, octaves=3)
    sky = ramp(
        y + 0.04 * sway, [(0.0, "#5f9bd0"), (0.2, "#a9cfe0"), (0.36, "#f6dfb4"), (0.44, "#f5b98a")]
    )
    glow = np.exp(-((np.hypot(x - 0.98, (y - 0.36) * 1.1) / 0.22) ** 2))
    scene = mix(sky, rgb("#fff0b5"), 0.9 * glow)
    far = y - 0.40 - 0.03 * np.sin(4.1 * x + 0.6) - 0.008 * np.sin(17 * x)
    scene = mix(
        scene, ramp(y, [(0.36, "#8d7fc0"), (0.46, "#5f8fb0")]), smoothstep(-0.004, 0.004, far)
    )
    bank = y - 0.465 - 0.014 * np.sin(5.3 * x + 2)
    scene = mix(scene, ramp(x, [(0.0, "#3f8f5a"), (0.7, "#7db54e"), (1.3, "#d6bf4b")]),
                smoothstep(-0.004, 0.004, bank))  # fmt: skip
    scene = _river(scene, x, y, sway)
    scene = _meadow(scene, x, y, sway)
    for tree in ((0.20, 0.30, 0.155, 0.60), (0.02, 0.24, 0.13, 0.56), (0.43, 0.40, 0.062, 0.50),
                 (1.24, 0.385, 0.075, 0.505), (1.33, 0.36, 0.08, 0.50)):  # fmt: skip
        scene = _tree(scene, x, y, tree, sway)
    dark = scene.mean(axis=-1)
    accent = mix(rgb("#4a3fa0"), rgb("#f08a3c"), smoothstep(0.30, 0.75, dark))
    return scene, mix(scene, accent, np.float32(0.5))


def _river(scene: Field, x: Field, y: Field, sway: Field) -> Field:
    shore = 0.505 + 0.010 * np.sin(6 * x)
    water = ramp(y, [(0.50, "#8fc3cf"), (0.62, "#4f97c4"), (0.85, "#2f62a8")])
    shine = np.exp(-(((x - 0.98) / (0.05 + 0.22 * np.clip(y - 0.5, 0, 1))) ** 2))
    wave = 0.5 + 0.5 * np.sin(150 * y + 9 * sway + 4 * np.sin(11 * x))
    water = mix(water, rgb("#ffd27a"), np.clip(shine * (0.35 + 0.6 * wave), 0, 1))
    water = mix(
        water, rgb("#2a6a72"), 0.55 * np.exp(-(((x - 0.2) / 0.2) ** 2)) * smoothstep(0.72, 0.6, y)
    )
    return mix(scene, water, smoothstep(-0.003, 0.003, y - shore))


def _meadow(scene: Field, x: Field, y: Field, sway: Field) -> Field:
    edge = y - 0.66 - 0.20 * smoothstep(0.25, 1.15, x) + 0.014 * np.sin(13 * x)
    green = ramp(
        y + 0.07 * sway, [(0.6, "#c9c84a"), (0.74, "#7fae3e"), (0.88, "#3d8545"), (1.0, "#256048")]
    )
    return mix(scene, green, smoothstep(-0.004, 0.004, edge))


def _tree(
    scene: Field, x: Field, y: Field, tree: tuple[float, float, float, float], sway: Field
) -> Field:
    """A crown at (x, y) of a radius, on a trunk down to a row, with its shadow on the ground."""
    left, top, radius, foot = tree
    trunk = (np.abs(x - left - 0.02 * sway) < 0.075 * radius * (1.2 + (y - top) * 2)) & (
        (y > top) & (y < foot + 0.25 * radius)
    )
    scene = mix(scene, rgb("#5a3a55"), trunk.astype(np.float32))
    shadow = np.hypot(
        (x - left + 0.4 * radius) / (1.35 * radius), (y - foot - 0.3 * radius) / (0.16 * radius)
    )
    scene = mix(scene, rgb("#2b4a7d"), 0.75 * smoothstep(1.1, 0.8, shadow))
    crown = np.hypot(x - left, (y - top) * 0.92) + 0.030 * sway - radius
    lit = np.clip(0.5 + ((x - left) - 0.8 * (y - top)) / (1.7 * radius) + 0.16 * sway, 0, 1)
    leaves = ramp(lit, [(0.0, "#1c3a63"), (0.3, "#236b56"), (0.62, "#5da044"), (0.85, "#c9c545"),
                        (1.0, "#f7da68")])  # fmt: skip
    return mix(scene, leaves, smoothstep(0.004, -0.004, crown))


def _layer(
    image: Image.Image, theme: Field, accent: Field, layer: tuple[float, int, float],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    radius, many, scatter = layer
    height, width = theme.shape[:2]
    pen = ImageDraw.Draw(image)
    rows = int(np.sqrt(many * 0.75))
    columns = many // rows
    order = rng.permutation(rows * columns)
    jitter = rng.uniform(-0.62, 0.62, (rows * columns, 2))
    sizes = rng.uniform(0.72, 1.18, rows * columns)
    lots = rng.standard_normal((rows * columns, 3))
    other = rng.random(rows * columns)
    for i in order:
        row, column = divmod(int(i), columns)
        x = (column + 0.5 + jitter[i, 0]) / columns * width
        y = (row + 0.5 + jitter[i, 1]) / rows * height
        at = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
        base = accent[at] if other[i] < 0.11 + scatter / 4 else theme[at]
        colour = _scattered(base, lots[i], scatter)
        r = radius * height * sizes[i]
        box = [FACTOR * v for v in (x - r, y - r * 0.93, x + r, y + r * 0.93)]
        pen.ellipse(box, fill=colour)


def _scattered(colour: Field, lots: Field, scatter: float) -> tuple[int, int, int]:
    """The colour, purer and a little beside itself: the eye mixes it again."""
    hue, light, pure = colorsys.rgb_to_hls(*(float(c) for c in colour))
    hue = (hue + 0.22 * scatter * lots[0]) % 1
    light = min(max(light + 0.30 * scatter * lots[1], 0.10), 0.93)
    pure = min(max(pure * 1.05 + 0.04 + 0.35 * scatter * lots[2], 0.1), 0.95)
    red, green, blue = colorsys.hls_to_rgb(hue, light, pure)
    return round(255 * red), round(255 * green), round(255 * blue)


def _thick(picture: Field) -> Field:
    """Each dot is a small drop of paint: light from the upper left."""
    height = picture.shape[0]
    body = blur(picture.mean(axis=-1), 0.0009 * height) * 0.0052 * height
    return np.asarray(picture * relief(body, 0.30)[..., None], np.float32)
