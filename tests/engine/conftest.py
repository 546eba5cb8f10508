"""A painter on the real weights and the reference values: slow to make, so made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import pyramid
from engine.painter import Painter

DATA = Path(__file__).parent / "data"
LARGE = 97, 131
"""Height and width of the large photo."""


@pytest.fixture(scope="session")
def painter(weights: Path) -> Painter:
    return Painter(weights.parent, "cpu", precision="float32")


@dataclass(frozen=True)
class Reference:
    """An independent float64 implementation's pictures, losses and gradients."""

    scalars: dict[str, Any]
    arrays: dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="session")
def reference() -> Iterator[Reference]:
    with np.load(DATA / "vgg19_reference.npz") as arrays:
        scalars = json.loads((DATA / "vgg19_reference.json").read_text())
        yield Reference(scalars, {name: arrays[name] for name in arrays.files})


@pytest.fixture(scope="module")
def once() -> Callable[[object, Callable[[], Any]], Any]:
    """Makes what tests of a module compare with, under a name, the first time alone."""
    made: dict[object, Any] = {}

    def once(name: object, make: Callable[[], Any]) -> Any:
        if name not in made:
            made[name] = make()
        return made[name]

    return once


@pytest.fixture
def photo() -> np.ndarray[Any, Any]:
    """A small picture with edges, colours and gradients, (48, 64, 3) uint8."""
    y, x = np.mgrid[0:48, 0:64]
    planes = [4 * x, 5 * y, 127 + 120 * np.sin(x / 5.0) * np.cos(y / 7.0)]
    return np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)


@pytest.fixture
def style() -> np.ndarray[Any, Any]:
    """A stripy picture of other colours, (40, 56, 3) uint8."""
    y, x = np.mgrid[0:40, 0:56]
    wave = 0.5 + 0.5 * np.sin((x + 2 * y) / 3.0)
    return np.stack([255 * wave, 90 + 60 * wave, 200 - 180 * wave], axis=2).astype(np.uint8)


@pytest.fixture
def large(photo: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The photo in a size that is no multiple of anything, with what only that size shows."""
    noise = np.random.default_rng(5).integers(-40, 40, (*LARGE, 1))
    return (pyramid.resized(photo, LARGE) + noise).clip(0, 255).astype(np.uint8)
