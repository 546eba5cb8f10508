"""Pictures of labels as people have them, and what is right about each."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

PAINTS = (
    (0, 0, 255), (0, 255, 0), (0, 0, 0), (255, 255, 255), (255, 0, 0),
    (255, 255, 0), (128, 128, 128), (0, 255, 255), (255, 0, 255),
)  # fmt: skip
"""Nine that are easy to tell apart, among them some that lie halfway between others."""


def painted(numbers: NDArray[Any], colours: Any) -> NDArray[np.uint8]:
    """A picture (H, W, 3) in plain colours."""
    return np.asarray(colours, np.uint8)[numbers]


def as_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The same, after it was saved."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resampled(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The same in another height and width, with soft edges."""
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))


@st.composite
def plain(draw: st.DrawFn, most: int = 40, block: int = 1) -> tuple[NDArray[Any], Any]:
    """Numbers (H, W) of labels that are all there, and their colours."""
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    count = draw(st.integers(1, min(len(PAINTS), height * width)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers = generator.integers(0, count, height * width)
    numbers[:count] = np.arange(count)
    numbers = generator.permutation(numbers).reshape(height, width)
    colours = draw(st.permutations(PAINTS))[:count]
    return np.kron(numbers, np.ones((block, block), int)), colours
