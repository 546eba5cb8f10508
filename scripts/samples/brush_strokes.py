"""Brush Strokes: thick paint, laid along a turning wind, wheat below, lights in the sky above."""

from __future__ import annotations

from dataclasses import dataclass

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

FACTOR = 2
LIGHTS = (
    (0.30, 0.20, 0.105), (0.86, 0.27, 0.145), (0.60, 0.09, 0.055), (1.20, 0.11, 0.060),
    (0.07, 0.42, 0.050), (0.53, 0.41, 0.055), (1.24, 0.44, 0.060),
)  # fmt: skip
"""Column, row and size of what shines, in picture heights."""
LAYERS = ((0.017, 1500, 26), (0.0105, 3900, 20), (0.0070, 5200, 15))
"""Half width of a stroke in picture heights, how many, how many steps long."""


@dataclass(frozen=True)
class Scene:
    """What is painted: colours, and the way in which the brush moves."""

    colours: Field
    right: Field
    down: Field


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    scene = _scene(width, height)
    rng = np.random.default_rng(17)
    size = (FACTOR * width, FACTOR * height)
    paint = to_image(scene.colours * 0.8).resize(size, Image.Resampling.BOX)
    thick = Image.new("L", size, 90)
    for layer in LAYERS:
        _layer((paint, thick), scene, layer, rng)
    size = (width, height)
    colours = from_image(paint.resize(size, Image.Resampling.BOX))
    depth = from_image(thick.resize(size, Image.Resampling.BOX))
    return to_image(_lit(colours, depth))


def _scene(width: int, height: int) -> Scene:
    x, y = coordinates(width, height)
    rng = np.random.default_rng(6)
    sway = noise(rng, width, height, 2, octaves=3)
    horizon = 0.665 + 0.045 * np.sin(2.6 * x + 0.4) - 0.02 * np.sin(6.1 * x)
    field = smoothstep(-0.006, 0.006, y - horizon)
    right, down = _wind(x, y, sway)
    right, down = _over(field, right, down, x, y, horizon)
    colours = mix(_sky(x, y, sway), _wheat(x, y, horizon, sway), field)
    colours, right, down = _cypress(colours, right, down, x, y)
    length = np.hypot(right, down) + 1e-6
    return Scene(colours, right / length, down / length)


def _wind(x: Field, y: Field, sway: Field) -> tuple[Field, Field]:
    """A breeze to the right that turns around every light and two whirls."""
    right, down = np.ones_like(x), 0.35 * np.cos(5 * x + 2.2 * sway)
    whirls = [(a, b, 2.2 * s, 1.0) for a, b, s in LIGHTS] + [
        (0.62, 0.30, 0.19, -1.0),
        (1.05, 0.52, 0.15, -1.0),
    ]
    for column, row, reach, turn in whirls:
        dx, dy = x - column, y - row
        far = np.hypot(dx, dy)
        pull = 4.5 * turn * np.exp(-((far / reach) ** 2)) / (far + 0.02)
        right, down = right - pull * dy, down + pull * dx
        if turn < 0:  # whirls draw inwards, lights do not
            right, down = right - 0.35 * np.abs(pull) * dx, down - 0.35 * np.abs(pull) * dy
    return right, down


def _over(  # noqa: PLR0913, PLR0917 - a shape in a drawing is its coordinates
    field: Field, right: Field, down: Field, x: Field, y: Field, horizon: Field
) -> tuple[Field, Field]:
    lean = 0.35 * np.sin(9 * x + 14 * (y - horizon)) + 0.25
    stalks = smoothstep(0.0, 0.05, y - horizon)
    return (
        right * (1 - field) + field * (stalks * lean + (1 - stalks)),
        down * (1 - field) - field * stalks,
    )


def _sky(x: Field, y: Field, sway: Field) -> Field:
    tone = y + 0.11 * sway + 0.05 * np.sin(7 * x + 9 * y)
    sky = ramp(tone, [
        (0.0, "#142a63"), (0.16, "#1d438f"), (0.30, "#2f6db4"), (0.42, "#5d9fc6"),
        (0.54, "#93c3bd"), (0.68, "#cfd9a5"),
    ])  # fmt: skip
    for column, row, size in LIGHTS:
        far = np.hypot(x - column, y - row) / size
        halo = ramp(far, [(0.0, "#fff6c9"), (0.32, "#ffe27a"), (0.55, "#f4b93c"), (0.8, "#e9d98a"),
                          (1.05, "#9cc7b4"), (1.5, "#4f93c0")])  # fmt: skip
        sky = mix(sky, halo, smoothstep(1.55, 0.75, far))
    return sky


def _wheat(x: Field, y: Field, horizon: Field, sway: Field) -> Field:
    tone = (y - horizon) * 2.4 + 0.16 * sway
    wheat = ramp(tone, [
        (0.0, "#7d8b46"), (0.06, "#d9b44a"), (0.25, "#f0c23c"), (0.5, "#dd9326"),
        (0.75, "#a9651f"), (1.0, "#5f4a26"),
    ])  # fmt: skip
    path = np.abs(x - 0.62 - 0.35 * (y - 0.66) * np.sin(6 * y)) / (
        0.012 + 0.34 * np.clip(y - 0.66, 0, 1)
    )
    return mix(wheat, ramp(y, [(0.66, "#9aa66a"), (1.0, "#4c6b4a")]), smoothstep(1.05, 0.75, path))


def _cypress(
    colours: Field, right: Field, down: Field, x: Field, y: Field
) -> tuple[Field, Field, Field]:
    """Dark trees that rise like flames."""
    for column, top, foot, wide in ((0.135, 0.30, 0.80, 0.050), (1.13, 0.50, 0.74, 0.028)):
        along = np.clip((y - top) / (foot - top), 0, 1)
        half = wide * np.sin(np.pi * along**0.72) * (1 + 0.22 * np.sin(34 * y))
        middle = column + 0.016 * np.sin(15 * y)
        inside = smoothstep(0.004, -0.004, np.abs(x - middle) - half) * (along > 0) * (along < 1)
        bark = ramp(
            (x - middle) / (2 * wide) + 0.5, [(0.0, "#0f2a26"), (0.55, "#245038"), (1.0, "#6c7d33")]
        )
        colours = mix(colours, bark, inside)
        flame = 0.45 * np.sin(15 * y + 20 * (x - middle))
        right, down = right * (1 - inside) + flame * inside, down * (1 - inside) - inside
    return colours, right, down


def _layer(
    canvas: tuple[Image.Image, Image.Image], scene: Scene, layer: tuple[float, int, int],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    half, many, steps = layer
    height, width = scene.right.shape
    starts = rng.uniform(-0.06, 1.06, (many, 2)) * (width / height, 1.0)
    for x, y in starts:
        path = _path(scene, float(x), float(y), half * 0.75, steps, rng)
        _stroke(canvas, path, _dip(scene, path, rng), half * rng.uniform(0.75, 1.15), rng)


def _path(  # noqa: PLR0913, PLR0917 - a shape in a drawing is its coordinates
    scene: Scene, x: float, y: float, pace: float, steps: int, rng: np.random.Generator
) -> Field:
    """Points along the wind, (n, 2), in picture heights."""
    height, width = scene.right.shape
    points = [(x, y)]
    for _ in range(int(steps * rng.uniform(0.55, 1.1))):
        row = min(max(int(y * height), 0), height - 1)
        column = min(max(int(x * height), 0), width - 1)
        x += pace * float(scene.right[row, column])
        y += pace * float(scene.down[row, column])
        points.append((x, y))
    return np.array(points, np.float32)


def _dip(scene: Scene, path: Field, rng: np.random.Generator) -> Field:
    """The colour on the brush: that of the place, never quite the same."""
    height, width = scene.right.shape
    x, y = path[len(path) // 3] * height
    row, column = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
    colour = scene.colours[row, column] * (1 + 0.15 * rng.standard_normal())
    return np.asarray(colour + 0.035 * rng.standard_normal(3), np.float32)


def _stroke(
    canvas: tuple[Image.Image, Image.Image], path: Field, colour: Field, half: float,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One stroke: bristles side by side, each with its own load of paint; ridges at both edges."""
    paint, thick = (ImageDraw.Draw(image) for image in canvas)
    unit = canvas[0].height
    step = np.gradient(path, axis=0)
    across = np.stack([-step[:, 1], step[:, 0]], -1) / (np.hypot(*step.T)[:, None] + 1e-6)
    bristles = max(int(half * unit / 1.7), 4)
    taper = np.minimum(1, 3.2 * np.sin(np.linspace(0.12, np.pi * 0.93, len(path))))[:, None]
    streak = rng.standard_normal(bristles) * 0.085
    for i, place in enumerate(np.linspace(-1, 1, bristles)):
        first = int(rng.integers(0, 3))
        last = len(path) - int(rng.integers(0, max(len(path) // 4, 1)))
        line = ((path + across * taper * place * half) * unit)[first:last]
        if len(line) < 2:
            continue
        tint = np.clip(colour * (1 + streak[i]) * 255, 0, 255).astype(int)
        wide = round(2 * half * unit / bristles) + 1
        corners = [tuple(point) for point in line.tolist()]
        paint.line(corners, fill=tuple(tint.tolist()), width=wide)
        ridge = 120 + 60 * abs(place) ** 3 + 330 * streak[i]
        thick.line(corners, fill=int(np.clip(ridge, 20, 255)), width=wide)


def _lit(colours: Field, depth: Field) -> Field:
    height = colours.shape[0]
    surface = blur(depth, 0.0008 * height) * 0.011 * height
    light = relief(surface, 0.55)
    picture = colours * (0.30 + 0.70 * light)[..., None]
    picture = mix(picture, rgb("#fffbe8"), 0.45 * smoothstep(1.25, 1.62, light))
    return np.asarray(picture * 1.04, np.float32)
