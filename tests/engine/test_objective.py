"""Values and gradients against an independent float64 implementation, in both poolings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine import Recipe
from engine.matting import PhotorealismLoss
from engine.objective import Objective
from engine.painter import Painter
from engine.stages import Tiling
from engine.style_statistics import named, style_statistics
from engine.tiles import Grid
from tests.engine.conftest import Reference
from tests.engine.tilings import name_of

POOLINGS = ("avg", "max")


def classic(pooling: str, **weights: object) -> Recipe:
    """A recipe as the reference computes."""
    asked = {"tv_weight": 0, **weights}
    return Recipe(normalization="classic", padding="zeros", pooling=pooling, **asked)


def objective(
    painter: Painter, reference: Reference, recipe: Recipe, tiling: Tiling | None = None
) -> Objective:
    known = style_statistics(
        painter.network, on_device(painter, reference, "style_rgb"), recipe, tiling
    )
    content = on_device(painter, reference, "content_rgb")
    return Objective(painter.network, content, known, recipe, tiling)


def on_device(painter: Painter, reference: Reference, name: str) -> object:
    return painter.to_device(reference.arrays[name].astype(np.float32))


def error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.weights
@pytest.mark.parametrize("pooling", POOLINGS)
def test_losses_and_gradient_agree_with_the_reference(painter, reference, pooling):
    recipe = classic(pooling, content_weight=5, style_weight=100)
    image = on_device(painter, reference, "image_rgb")
    loss, gradient = objective(painter, reference, recipe).evaluate(image)
    expected = reference.scalars[pooling]
    assert loss.total == pytest.approx(expected["total_5c_100s"], rel=1e-4)
    assert loss.content == pytest.approx(5 * expected["content_mse_conv4_2"], rel=1e-4)
    for tap, value in expected["style_gram_mse"].items():
        assert loss.style[tap] == pytest.approx(100 * value, rel=1e-4)
    bgr = gradient.asnumpy()[0, ::-1]
    assert error(bgr, reference.arrays[f"{pooling}_grad_total_bgr"]) < 1e-3


@pytest.mark.weights
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("tap", ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"])
def test_each_style_tap_has_the_reference_gradient(painter, reference, pooling, tap):
    recipe = classic(pooling, content_weight=0, style_weight=1, style_layers={tap: 1})
    image = on_device(painter, reference, "image_rgb")
    _, gradient = objective(painter, reference, recipe).evaluate(image)
    found = gradient.asnumpy()[0, ::-1]
    assert error(found, reference.arrays[f"{pooling}_grad_{tap}_bgr"]) < 1e-3


@pytest.mark.weights
@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_content_gradient_is_the_references(painter, reference, pooling):
    recipe = classic(pooling, content_weight=1, style_weight=0)
    image = on_device(painter, reference, "image_rgb")
    _, gradient = objective(painter, reference, recipe).evaluate(image)
    expected = reference.arrays[f"{pooling}_grad_content_bgr"]
    assert error(gradient.asnumpy()[0, ::-1], expected) < 1e-3


@pytest.mark.weights
def test_relative_divides_by_the_energy_of_the_target(painter, reference):
    image = on_device(painter, reference, "image_rgb")
    style = on_device(painter, reference, "style_rgb")
    recipe = Recipe(content_weight=0, style_weight=1, padding="zeros")
    known = style_statistics(painter.network, style, recipe)
    loss, _ = objective(painter, reference, recipe).evaluate(image)
    for tap, value in reference.scalars["avg"]["style_gram_mse"].items():
        energy = float(np.mean(known[named(tap, "gram")].astype(np.float64) ** 2))
        assert loss.style[tap] == pytest.approx(value / energy, rel=1e-4)


@pytest.mark.weights
def test_the_parts_add_up_and_the_gradient_is_the_slope(painter, reference):
    recipe = Recipe(content_weight=1, style_weight=10, tv_weight=3)
    aim = objective(painter, reference, recipe)
    image = on_device(painter, reference, "image_rgb")
    loss, gradient = aim.evaluate(image)
    assert loss.total == pytest.approx(loss.content + sum(loss.style.values()) + loss.tv)
    assert loss.tv > 0
    assert_slope(aim, image, gradient)


def assert_slope(aim, image, gradient):
    step = gradient * (0.5 / float(gradient.norm().asscalar()))
    ahead, behind = (aim.evaluate(image + sign * step)[0].total for sign in (1, -1))
    slope = float((gradient * step).sum().asscalar())
    assert (ahead - behind) / 2 == pytest.approx(slope, rel=0.02)


@pytest.mark.weights
@pytest.mark.parametrize("tiling", [Tiling(), Tiling(Grid(1, 2))], ids=["whole", "tiles"])
def test_with_realism_the_parts_add_up_and_the_gradient_is_the_slope(painter, reference, tiling):
    """In tiles too: it sees the whole picture, and is computed once."""
    content = reference.arrays["content_rgb"].astype(np.float32)
    realism = PhotorealismLoss.of(content, 1e4)
    recipe = Recipe(content_weight=1, style_weight=10, photo=True)
    style = on_device(painter, reference, "style_rgb")
    known = style_statistics(painter.network, style, recipe)
    aim = painter.objective(content, known, recipe, tiling, realism=realism)
    image = on_device(painter, reference, "image_rgb")
    loss, gradient = aim.evaluate(image)
    value, pull = realism(reference.arrays["image_rgb"])
    assert loss.realism == pytest.approx(value)
    assert value > 0
    styles = sum(loss.style.values())
    assert loss.total == pytest.approx(loss.content + styles + loss.tv + loss.realism)
    assert_slope(aim, image, gradient)
    plain, without = painter.objective(content, known, recipe, tiling).evaluate(image)
    assert plain.total == pytest.approx(loss.total - loss.realism)
    rest = (gradient - without).asnumpy()[0].transpose(1, 2, 0)
    assert error(rest, pull) < 1e-3


@pytest.mark.weights
@pytest.mark.parametrize(
    ("pooling", "tiling"),
    [
        *product(POOLINGS, [Tiling(Grid(3, 1), Grid(2, 1)), Tiling(Grid(2, 3), Grid(1, 3))]),
        ("max", Tiling(Grid(1, 2))),
        ("avg", Tiling(Grid(1, 2), traced=frozenset({"conv3_2"}))),
        ("avg", Tiling(Grid(2, 2), Grid(2, 1), frozenset({"conv2_2", "conv4_1"}))),
        ("avg", Tiling(Grid(2, 2), Grid(2, 1), frozenset({"conv3_2", "conv4_2"}))),
        ("avg", Tiling(Grid(2, 1), Grid(1, 1), frozenset({"conv4_3"}))),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("deep", ["conv5_1", "conv3_4"])
def test_tiles_give_the_value_and_the_gradient_of_the_whole(painter, pooling, tiling, deep):
    generator = np.random.default_rng(1)
    # Sides that no stride divides, and smooth enough for the deep maps to see something.
    content, style, image = (
        np.kron(generator.uniform(0, 255, (12, 15, 3)), np.ones((17, 15, 1)))[:201, :219]
        for _ in range(3)
    )
    taps = {"conv1_1": 1.0, "conv2_1": 1.0, "conv3_1": 1.0, deep: 1.0}
    content_layers = {"conv2_2": 1.0, "conv3_3" if deep == "conv3_4" else "conv4_2": 1.0}
    recipe = Recipe(
        pooling=pooling, tv_weight=0.5, style_layers=taps, content_layers=content_layers
    )
    laid = [painter.to_device(each.astype(np.float32)) for each in (content, style, image)]
    whole, tiled = (
        Objective(
            painter.network, laid[0], style_statistics(painter.network, laid[1], recipe, each),
            recipe, each,
        ).evaluate(laid[2])
        for each in (Tiling(), tiling)
    )  # fmt: skip
    assert tiled[0].total == pytest.approx(whole[0].total, rel=1e-5)
    assert tiled[0].style == pytest.approx(whole[0].style, rel=1e-4)
    assert error(tiled[1].asnumpy(), whole[1].asnumpy()) < 1e-3
