"""What people ask of the style, through the whole network: which losses, how strong, how smooth."""

from __future__ import annotations

import math
from itertools import count

import numpy as np
import pytest

from engine import Recipe
from engine.descent import Descent, Limits
from engine.mx import nd
from engine.objective import Objective
from engine.optimizer import make_optimizer
from engine.stages import Tiling
from engine.style_statistics import style_statistics
from engine.tiles import Grid
from tests.engine.tap_losses import error
from tests.engine.tilings import name_of

KINDS = ("gram", "wasserstein", "histogram")
MIXTURES = [{kind: 1.0} for kind in KINDS] + [{"wasserstein": 2.0, "histogram": 0.5, "gram": 1.0}]

pytestmark = pytest.mark.weights


def called(asked):
    """A tiling, or kinds of losses."""
    return "-".join(asked) if isinstance(asked, dict) else name_of(asked)


@pytest.fixture
def evaluated(painter, reference):
    """Gives loss and gradient as a recipe says: of one picture, after another and in a style.

    Or of any other picture, after itself.
    """
    content, style, image = (
        painter.to_device(reference.arrays[f"{name}_rgb"].astype(np.float32))
        for name in ("content", "style", "image")
    )

    def evaluate(tiling=None, picture=None, **asked):
        recipe = Recipe(**{"tv_weight": 0.0, **asked})
        known = style_statistics(painter.network, style, recipe, tiling)
        photo = content if picture is None else picture
        aim = Objective(painter.network, photo, known, recipe, tiling)
        loss, gradient = aim.evaluate(image if picture is None else picture)
        return loss, gradient.asnumpy()

    evaluate.image, evaluate.style, evaluate.content = image, style, content
    return evaluate


def test_a_mixture_is_the_sum_of_its_losses(evaluated):
    weights = {"histogram": 0.5, "gram": 1.5, "wasserstein": 3.0}
    mixed, gradient = evaluated(content_weight=0.0, style_loss=weights)
    parts = [evaluated(content_weight=0.0, style_loss={kind: weights[kind]}) for kind in weights]
    assert mixed.total == pytest.approx(sum(loss.total for loss, _ in parts), rel=1e-5)
    for tap, value in mixed.style.items():
        assert value == pytest.approx(sum(loss.style[tap] for loss, _ in parts), rel=1e-5)
    assert error(gradient, sum(slope for _, slope in parts)) < 1e-5
    assert list(mixed.style) == list(parts[0][0].style)


@pytest.mark.parametrize("kind", KINDS)
def test_the_weight_of_a_kind_is_a_factor(evaluated, kind):
    one, three = (evaluated(content_weight=0.0, style_loss={kind: weight}) for weight in (1.0, 3.0))
    assert three[0].total == pytest.approx(3 * one[0].total, rel=1e-5)
    assert error(three[1], 3 * one[1]) < 1e-5


def test_strength_is_a_factor_on_the_style_alone(evaluated):
    recipe = {"tv_weight": 0.3, "style_weight": 2.0}
    usual, strong = evaluated(**recipe), evaluated(**recipe, strength=2.5)
    other = evaluated(tv_weight=0.3, style_weight=5.0)
    assert strong[0].content == usual[0].content
    assert strong[0].tv == usual[0].tv
    assert sum(strong[0].style.values()) == pytest.approx(2.5 * sum(usual[0].style.values()))
    assert strong[0] == other[0]
    assert np.array_equal(strong[1], other[1])


def test_without_a_style_there_is_nothing_to_be_strong(evaluated):
    loss, _ = evaluated(style_weight=0.0, strength=20.0)
    assert loss.total == loss.content > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_one_is_about_as_strong_for_each(evaluated, kind):
    right, found = (
        evaluated(content_weight=0.0, style_loss={each: 1.0}) for each in ("gram", kind)
    )
    ratio = np.linalg.norm(found[1]) / np.linalg.norm(right[1])
    assert 2 / 3 < ratio < 3 / 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_style_is_no_distance_from_itself(evaluated, kind):
    asked = {"content_weight": 0.0, "style_loss": {kind: 1.0}}
    there, slope = evaluated(picture=evaluated.style, **asked)
    here, elsewhere = evaluated(**asked)
    assert abs(there.total) < 1e-3 * here.total
    assert np.linalg.norm(slope) < 0.05 * np.linalg.norm(elsewhere)


@pytest.mark.parametrize("kinds", MIXTURES, ids=called)
def test_the_gradient_is_the_slope(evaluated, kinds):
    asked = {"content_weight": 0.0, "style_loss": kinds}
    _, gradient = evaluated(**asked)
    step = nd.array(gradient * (4.0 / np.abs(gradient).max()), dtype="float32")
    ahead, behind = (
        evaluated(picture=evaluated.image + sign * step, **asked)[0].total for sign in (1, -1)
    )
    assert (ahead - behind) / 2 == pytest.approx(float((gradient * step.asnumpy()).sum()), rel=0.05)


@pytest.mark.parametrize("kinds", MIXTURES[1:], ids=called)
@pytest.mark.parametrize(
    ("tiling", "padding"),
    [
        (Tiling(Grid(2, 3), Grid(1, 3)), "reflect"),
        (Tiling(Grid(2, 2), Grid(2, 1), frozenset({"conv2_2", "conv4_1"})), "replicate"),
    ],
    ids=called,
)
def test_tiles_give_the_value_and_the_gradient_of_the_whole(painter, kinds, tiling, padding):
    generator = np.random.default_rng(1)
    pictures = (
        np.kron(generator.uniform(0, 255, (12, 15, 3)), np.ones((17, 15, 1)))[:201, :219]
        for _ in range(3)
    )
    content, style, image = (painter.to_device(each.astype(np.float32)) for each in pictures)
    recipe = Recipe(
        style_loss=kinds, padding=padding, content_layers={"conv3_1": 1.0},
        style_layers={"conv1_1": 1.0, "conv3_1": 1.0, "conv4_1": 1.0},
    )  # fmt: skip
    known = style_statistics(painter.network, style, recipe)
    whole, tiled = (
        Objective(painter.network, content, known, recipe, each).evaluate(image)
        for each in (Tiling(), tiling)
    )
    assert tiled[0].total == pytest.approx(whole[0].total, rel=1e-4)
    assert tiled[0].style == pytest.approx(whole[0].style, rel=1e-3)
    assert error(tiled[1].asnumpy(), whole[1].asnumpy()) < 2e-3


@pytest.mark.parametrize("kinds", MIXTURES, ids=called)
@pytest.mark.parametrize("strength", [0.05, 20.0])
def test_a_few_steps_lower_the_loss(painter, evaluated, kinds, strength):
    recipe = Recipe(style_loss=kinds, strength=strength)
    known = style_statistics(painter.network, evaluated.style, recipe)
    aim = Objective(painter.network, evaluated.content, known, recipe, Tiling(shelved=True))
    before, _ = aim.evaluate(evaluated.content)
    descent = Descent(
        aim, make_optimizer(recipe), evaluated.content, Limits(10, 0.0, None), ticks()
    )
    losses = list(descent)
    assert all(math.isfinite(loss) for loss in losses)
    assert not descent.rolled_back
    assert descent.best_loss.total < 0.9 * before.total
    assert sum(descent.best_loss.style.values()) < sum(before.style.values())
    assert np.isfinite(descent.best.asnumpy()).all()


def ticks():
    numbers = count()
    return lambda: float(next(numbers))


def test_squares_of_differences_are_asked_for_by_name(evaluated):
    amounts, squares = (
        evaluated(style_weight=0.0, tv_weight=2.0, tv_norm=norm)[0].tv for norm in ("l1", "l2")
    )
    picture = evaluated.image.asnumpy()
    means = [np.mean(np.square(np.diff(picture, axis=axis) / 255)) for axis in (2, 3)]
    assert squares == pytest.approx(2.0 * 0.5 * sum(means), rel=1e-4)
    assert amounts > squares


@pytest.mark.parametrize("padding", ["zeros", "reflect", "replicate"])
def test_what_is_beyond_the_edge_is_as_it_is_asked_for(evaluated, padding):
    loss, gradient = evaluated(padding=padding)
    others = {"zeros", "reflect", "replicate"} - {padding}
    assert all(evaluated(padding=other)[0].total != loss.total for other in others)
    assert np.isfinite(gradient).all()
