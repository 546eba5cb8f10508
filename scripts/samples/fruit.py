"""A bowl of fruit and a jug on a table, in the light of a window: ray-marched distance fields.

The table is the plane y = 0, the wall stands at z = -1.9, the eye in front of both.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from .canvas import Field, blur, noise, shrink, smoothstep, to_image
from .fruit_things import THINGS
from .fruit_tones import WALL_Z, Hit, colours

EYE = np.array([0.25, 1.75, 5.2], np.float32)
AIM = np.array([0.05, 0.62, 0.0], np.float32)
LAMP = np.array([-0.62, 0.66, 0.43], np.float32) / np.float32(1.003)
"""Where the window's light comes from."""
FACTOR = 2


def draw(width: int, height: int) -> Image.Image:
    """The picture at this size."""
    w, h = FACTOR * width, FACTOR * height
    way = _ways(w, h).reshape(-1, 3)
    far, number = _march(np.broadcast_to(EYE, way.shape), way, 12.0)
    light = _shade(way, far, number)
    return to_image(_develop(shrink(light.reshape(h, w, 3), FACTOR)))


def _ways(width: int, height: int) -> Field:
    """Unit vectors, one a pixel."""
    ahead = (AIM - EYE) / np.linalg.norm(AIM - EYE)
    right = np.cross(ahead, [0, 1, 0])
    right = right / np.linalg.norm(right)
    up = np.cross(right, ahead)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x + 0.5 - width / 2) / height, (height / 2 - y - 0.5) / height
    way = ahead + 0.62 * (x[..., None] * right + y[..., None] * up)
    return np.asarray(way / np.linalg.norm(way, axis=-1, keepdims=True), np.float32)


def _distance(points: Field) -> tuple[Field, np.ndarray]:
    """The distance to the nearest thing (not the table, not the wall), and its number."""
    best = np.full(len(points), 50, np.float32)
    which = np.full(len(points), -1, np.int16)
    for number, thing in enumerate(THINGS):
        far = thing.bound(points)
        near = np.flatnonzero(far < np.minimum(best, 0.25))
        far[near] = thing.distance(points[near])
        closer = far < best
        best[closer], which[closer] = far[closer], number
    return best, which


def _march(start: Field, way: Field, limit: float) -> tuple[Field, np.ndarray]:
    """How far each ray goes until it hits a thing (its number), the table (-1) or the wall (-2)."""
    with np.errstate(divide="ignore"):
        table = np.where(way[:, 1] < 0, -start[:, 1] / way[:, 1], limit)
        wall = np.where(way[:, 2] < 0, (WALL_Z - start[:, 2]) / way[:, 2], limit)
    end = np.minimum(table, wall).astype(np.float32)
    number = np.where(table < wall, -1, -2).astype(np.int16)
    far = np.full(len(way), 2.2, np.float32)
    alive = np.arange(len(way))
    for _ in range(110):
        step, which = _distance(start[alive] + way[alive] * far[alive, None])
        hit = step < 0.0006 * far[alive]
        end[alive[hit]], number[alive[hit]] = far[alive[hit]], which[hit]
        far[alive] += step * 0.85
        alive = alive[~hit & (far[alive] < end[alive])]
        if not alive.size:
            break
    return end, number


def _shade(way: Field, far: Field, number: np.ndarray) -> Field:
    """The light that comes back along each ray."""
    place = EYE + way * far[:, None]
    normal = _normals(place, number)
    hit = Hit(place, normal, number)
    paint, gloss, bump = colours(hit)
    normal = normal + bump
    normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    lit = _lamp(place, normal) * np.clip(normal @ LAMP, 0, 1)
    around = _openness(place, normal)
    sky = (0.10 + 0.10 * np.clip(0.5 - 0.5 * normal[:, 0] + 0.3 * normal[:, 1], 0, 1)) * around
    warm = 0.13 * np.clip(-normal[:, 1] * 0.6 + 0.4, 0, 1) * np.exp(-1.6 * place[:, 1]) * around
    light = (
        lit[:, None] * np.array([1.72, 1.50, 1.18], np.float32)
        + sky[:, None] * np.array([0.86, 1.0, 1.22], np.float32)
        + warm[:, None] * np.array([1.0, 0.66, 0.38], np.float32)
    )
    half = LAMP - way
    half = half / np.linalg.norm(half, axis=1, keepdims=True)
    facing = np.clip((normal * half).sum(axis=1), 0, 1)
    spark = gloss[:, 0] * facing ** gloss[:, 1] * (0.15 + 0.85 * smoothstep(0, 0.1, lit))
    edge = 1 - np.clip(-(normal * way).sum(axis=1), 0, 1)
    rim = 0.30 * gloss[:, 0] * edge**4 * around
    return np.asarray(
        paint * light + (spark + rim)[:, None] * np.array([1, 0.96, 0.88]), np.float32
    )


def _normals(place: Field, number: np.ndarray) -> Field:
    normal = np.zeros_like(place)
    normal[number == -1] = (0, 1, 0)
    normal[number == -2] = (0, 0, 1)
    corners = np.array([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)], np.float32)
    for index, thing in enumerate(THINGS):
        of_it = np.flatnonzero(number == index)
        if of_it.size:
            slope = sum(c * thing.distance(place[of_it] + 0.0012 * c)[:, None] for c in corners)
            normal[of_it] = slope / (np.linalg.norm(slope, axis=1, keepdims=True) + 1e-9)
    return normal


def _lamp(place: Field, normal: Field) -> Field:
    """How much of the window each place sees: soft shadows, and the bars on the wall."""
    start = place + 0.012 * normal
    open_ = np.ones(len(place), np.float32)
    far = np.full(len(place), 0.02, np.float32)
    alive = np.arange(len(place))
    for _ in range(34):
        step, _which = _distance(start[alive] + LAMP * far[alive, None])
        open_[alive] = np.minimum(open_[alive], np.clip(0.5 + 5.5 * step / far[alive], 0, 1))
        far[alive] += np.clip(step, 0.02, 0.4)
        alive = alive[(open_[alive] > 0.01) & (far[alive] < 4.2)]
        if not alive.size:
            break
    return smoothstep(0, 1, open_) * _window(place)


def _window(place: Field) -> Field:
    """The frame's shadow, thrown from a window up on the left."""
    away = (place[:, 2] - 3.0) / LAMP[2]
    x, y = place[:, 0] - away * LAMP[0], place[:, 1] - away * LAMP[1]
    soft = 0.13
    left, right, low, high = -8.3, -1.75, 1.9, 8.9
    pane = smoothstep(left - soft, left + soft, x) * smoothstep(right + soft, right - soft, x)
    pane = pane * smoothstep(low - soft, low + soft, y) * smoothstep(high + soft, high - soft, y)
    for away_from_bar in (x + 5.75, y - 6.75):
        pane = pane * (1 - 0.85 * np.exp(-((away_from_bar / 0.12) ** 4)))
    return np.asarray(0.07 + 0.93 * pane, np.float32)


def _openness(place: Field, normal: Field) -> Field:
    """Ambient light is weaker where things are close together."""
    closed = np.zeros(len(place), np.float32)
    for reach, weight in ((0.05, 0.5), (0.12, 0.32), (0.26, 0.22), (0.5, 0.12)):
        there = place + normal * reach
        near = np.minimum(_distance(there)[0], np.maximum(there[:, 1], 0))
        near = np.minimum(near, there[:, 2] - WALL_Z)
        closed += weight * np.clip(1 - near / reach, 0, 1)
    return np.clip(1 - closed, 0.05, 1)


def _develop(picture: Field) -> Field:
    height, width = picture.shape[:2]
    picture = picture + 0.30 * blur(np.clip(picture - 0.85, 0, 1), 0.015 * height)
    picture = 1 - np.exp(-1.5 * picture)
    picture = np.clip(picture, 0, 1) ** (1 / 1.9)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height - 0.5
    far = np.hypot(x - 0.5 * (width / height - 1), y)
    picture = picture * (1 - 0.25 * smoothstep(0.45, 1.0, far))[..., None]
    grain = noise(np.random.default_rng(3), width, height, height / 2.2, octaves=1)
    return np.asarray(picture + 0.007 * grain[..., None], np.float32)
