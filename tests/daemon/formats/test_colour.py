"""What of a picture is colour, and what is transparent (colours themselves: test_pictures)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from daemon.formats import colour


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa"])
def test_alpha_comes_apart(mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (200, 100, 50, 255))
    image.paste((10, 10, 10, 0), (0, 0, 20, 40))
    colours, alpha = colour.flattened(image.convert(mode))
    assert alpha is not None
    assert colours.mode == "RGB"
    assert (alpha.getpixel((5, 5)), alpha.getpixel((35, 5))) == (0, 255)
    assert colours.getpixel((5, 5)) == (colour.GROUND,) * 3
    assert colours.getpixel((35, 5)) != (colour.GROUND,) * 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1", "I;16"])
def test_what_is_not_transparent_has_none(mode: str) -> None:
    image = Image.new("L", (40, 40), 255 if mode == "1" else 200)
    image = Image.new("I;16", (40, 40), 200 * 257) if mode == "I;16" else image.convert(mode)
    assert not colour.may_be_transparent(image)
    colours, alpha = colour.flattened(image)
    assert alpha is None
    np.testing.assert_allclose(np.asarray(colours)[5, 5], 255 if mode == "1" else 200, atol=1)


def test_the_ground_is_taken_out_only_where_it_shines_through() -> None:
    plane = np.full((1, 3), 100, np.float32)
    lifted = colour.lifted(plane, np.array([[0, 51, 255]], np.uint8))
    # At a fifth, 100 = x / 5 + 128 * 4 / 5.
    np.testing.assert_allclose(lifted, [[100, -12, 100]], atol=1e-3)


def test_the_tag_is_the_same_each_time() -> None:
    assert colour.srgb_tag() == colour.srgb_tag()
