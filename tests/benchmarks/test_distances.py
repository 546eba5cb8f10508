from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.distances import LAYERS, Beyond, Judge, of_as_many_pixels
from benchmarks.pastiche_program import STARTER
from engine import Recipe
from engine.layers import level_of
from engine.mx import mx
from engine.vgg import Vgg
from engine.weights import load

SIZE = (43, 64)


def read(path: Path, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize(size[::-1], Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def network(weights: Path) -> Vgg:
    return Vgg(load(weights.parent), mx.cpu())


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return read(STARTER / "photo.jpg")


@pytest.fixture(scope="module")
def style() -> NDArray[np.uint8]:
    return read(STARTER / "styles" / "Waves.jpg")


def test_no_judging_layer_is_one_that_a_painter_minimises() -> None:
    pastiche = {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1", "conv4_2"}
    assert not {*LAYERS} & {*Recipe().taps, *pastiche}


@pytest.mark.parametrize(
    ("own", "other", "found"),
    [((600, 800), (171, 256), (181, 241)), ((50, 50), (40, 90), (60, 60)), (SIZE, SIZE, SIZE)],
)
def test_a_style_is_looked_at_in_as_many_pixels(
    own: tuple[int, int], other: tuple[int, int], found: tuple[int, int]
) -> None:
    assert of_as_many_pixels(own, other) == found


@pytest.mark.weights
def test_a_picture_is_no_distance_from_itself(
    network: Vgg, photo: NDArray[np.uint8], style: NDArray[np.uint8]
) -> None:
    judge = Judge(network, photo, style, SIZE)
    untouched, copied = judge.distances(photo), judge.distances(style)
    assert untouched.content == pytest.approx(0, abs=1e-9)
    assert copied.style == pytest.approx(0, abs=1e-9)
    assert min(untouched.style, copied.content) > 0.1


@pytest.mark.weights
def test_what_lies_between_is_nearer_to_either_than_the_other(
    network: Vgg, photo: NDArray[np.uint8], style: NDArray[np.uint8]
) -> None:
    judge = Judge(network, photo, style, SIZE)
    between = judge.distances((photo.astype(np.float32) + style) / 2)
    assert 0 < between.content < judge.distances(style).content
    assert 0 < between.style < judge.distances(photo).style


@pytest.mark.weights
def test_a_blank_picture_is_about_as_far_as_the_target_is_strong(
    network: Vgg, photo: NDArray[np.uint8], style: NDArray[np.uint8]
) -> None:
    judge = Judge(network, photo, style, SIZE)
    grey = judge.distances(np.full_like(photo, 120))
    assert 0.3 < grey.content < 1.5
    assert 0.3 < grey.style < 1.5


@pytest.mark.weights
def test_a_picture_of_another_size_is_refused(
    network: Vgg, photo: NDArray[np.uint8], style: NDArray[np.uint8]
) -> None:
    with pytest.raises(ValueError, match="agreed"):
        Judge(network, photo, style, SIZE).distances(photo[:40])


@pytest.mark.weights
def test_zeros_beyond_the_edge_count_only_where_they_are_asked_for(network: Vgg) -> None:
    """Of a plain picture each position sees the same, unless black begins beside it."""
    plain, odd = np.full((70, 97, 3), 150, np.uint8), (70, 97)
    striped = plain.copy()
    striped[:, ::2] = 30
    for beyond, spread in (("mirror", 0.02), ("zeros", 0.2)):
        judge = Judge(network, plain, striped, odd, beyond)
        ((_, _, maps), _) = judge._targets
        for tap, each in maps.items():
            level = level_of(tap)
            assert each.shape[2:] == (70 >> level, 97 >> level)
        values = maps["conv2_2"].asnumpy()
        apart = np.abs(values - values[:, :, 8:9, 8:9]).mean() / np.abs(values).mean()
        assert (apart < spread) == (beyond == "mirror")


@pytest.mark.weights
def test_far_from_the_edge_it_is_all_the_same_what_lies_beyond(
    network: Vgg, photo: NDArray[np.uint8], style: NDArray[np.uint8]
) -> None:
    kinds: tuple[Beyond, ...] = ("mirror", "zeros")
    mirrored, black = (Judge(network, photo, style, SIZE, each)._targets[0][2] for each in kinds)
    inner = slice(8, -8)
    one, other = (each["conv1_2"].asnumpy()[:, :, inner, inner] for each in (mirrored, black))
    assert one == pytest.approx(other, rel=1e-3, abs=1e-2)
