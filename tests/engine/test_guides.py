"""Masks and labels are looked at by name, understood, and told from others."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.errors import GuideError, PictureError, RecipeError
from engine.guides import NOTHING, Guides, guides_of
from engine.recipe import STYLE_LAYERS
from engine.regions import Regions
from engine.sources import Sources, Style
from tests.engine.labellings import PAINTS, painted

PICTURE = np.zeros((48, 64, 3), np.uint8)
BLUE, GREEN, BLACK, WHITE, RED = PAINTS[:5]
HALVES = np.repeat(np.arange(2), 32)[np.newaxis].repeat(48, axis=0)
MASK = np.where(HALVES == 0, 0, 255).astype(np.uint8)


def halves(*colours):
    """Labels, left and right."""
    return painted(HALVES, colours)


def sources(regions=None, styles=(None,), mask=None):
    given = [Style(PICTURE, regions=each) for each in styles]
    return Sources(PICTURE, given, mask=mask, regions=regions)


def test_without_any_there_is_nothing():
    assert not NOTHING
    assert guides_of(sources()) is NOTHING
    assert (NOTHING.count, NOTHING.identity, NOTHING.shares((9, 9))) == (0, (), None)
    assert NOTHING.seen(PICTURE, MASK) is NOTHING.carried(PICTURE, MASK) is PICTURE


def test_regions_have_partners():
    found = guides_of(sources(halves(BLUE, RED), [halves(RED, BLUE), None]))
    assert found
    assert found.count == 2
    assert np.array_equal(found.regions.numbers, HALVES)
    assert np.array_equal(found.styles[0].numbers, 1 - HALVES)
    assert found.styles[1] is None
    assert found.shares((24, 32)) is None


def test_a_mask_alone_is_one_region_of_what_is_painted():
    found = guides_of(sources(mask=MASK))
    assert (found.count, found.styles, bool(found)) == (1, (), True)
    weights = found.at_taps((48, 64), STYLE_LAYERS, "replicate")
    assert all(each.shape[0] == 1 for each in weights.values())
    assert all(each.mean() == pytest.approx(0.5, abs=0.06) for each in weights.values())
    for each in weights.values():
        assert each[0, :, 0].max() < 0.01
        assert each[0, :, -1].min() > 0.99


def test_with_regions_a_mask_takes_from_each():
    found = guides_of(sources(halves(BLUE, RED), [halves(RED, BLUE)], MASK))
    weights = found.at_taps((48, 64), {"conv1_1"}, "replicate")["conv1_1"]
    assert weights[0].max() < 0.4  # what the edge brings over
    assert np.ptp(weights[1, :, 34:]) < 1e-6
    assert weights[1].mean() == pytest.approx(0.5)
    edge = weights[1, 0, 30:35] / weights[1, 0, 40]
    assert edge == pytest.approx([0, (1 / 3) ** 5, (2 / 3) ** 5, 1, 1], abs=1e-5)


@pytest.mark.parametrize("size", [(48, 64), (24, 32), (31, 77), (96, 128)])
def test_in_any_size_black_is_kept_and_white_painted(size):
    shares = guides_of(sources(mask=MASK)).shares(size)
    assert shares.shape == size
    assert (shares.min(), shares.max()) == (0, pytest.approx(1))
    assert not shares[:, : size[1] // 2 - 1].any()


def test_what_is_given_may_be_let_go():
    mask = MASK.copy()
    found = guides_of(sources(mask=mask))
    mask[:] = 0
    assert found.shares((48, 64)).max() == 1


def test_what_is_seen_and_what_is_carried():
    found = Guides(mask=np.full((1, 1), 128, np.uint8))
    photo, painting = np.zeros((4, 5, 3), np.float32), np.full((4, 5, 3), 100, np.float32)
    assert found.seen(painting, photo) == pytest.approx(50, abs=1)
    assert np.array_equal(found.carried(painting, photo), painting)


def test_they_are_told_from_others():
    regions, others = sources(halves(BLUE, RED), [halves(RED, BLUE)]), []
    for mask in (None, MASK, 255 - MASK):
        others.append(guides_of(sources(regions.regions, [halves(RED, BLUE)], mask)).identity)
        others.append(guides_of(sources(mask=mask)).identity)
    assert len(set(others)) == 6
    assert guides_of(sources(mask=MASK)).identity == guides_of(sources(mask=MASK)).identity
    one, other = Regions(np.zeros((2, 3), np.uint8), 2), Regions(np.zeros((3, 2), np.uint8), 2)
    assert one.digest != other.digest


def test_a_style_s_regions_are_trimmed_with_it():
    found = sources(halves(BLUE, RED), [halves(RED, BLUE), None]).trimmed(0.25)
    assert found.styles[0].regions.shape == (24, 32, 3)
    assert found.styles[1].regions is None
    assert found.regions.shape == (48, 64, 3)


NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (sources(mask=MASK[:, :, np.newaxis]), "The mask must be .* not .48, 64, 1"),
        (sources(mask=MASK.astype(float)), "The mask must be uint8, not float64"),
        (sources(mask=MASK[:0]), "The mask must be"),
        (sources(mask=0 * MASK), "The mask is black all over"),
        (sources(MASK, [halves(BLUE, RED)]), "regions of the photo must be .height, width, 3.,"),
        (
            sources(halves(BLUE, RED), [halves(BLUE, RED), MASK]),
            "regions of the style 2 must be",
        ),
    ],
)
def test_one_that_is_none_is_named(found, words):
    with pytest.raises(GuideError, match=words):
        found.check(Recipe())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (sources(NOISE, [halves(BLUE, RED)]), "marks regions of the photo has more than"),
        (sources(halves(BLUE, RED), [NOISE]), "marks regions of the style has more than"),
        (sources(halves(BLUE, RED), [None, NOISE]), "marks regions of the style 2 has more than"),
        (sources(halves(BLUE, RED), [halves(GREEN, WHITE)]), "of photo and style have no colour"),
        (
            sources(halves(BLUE, RED), [halves(BLUE, RED), halves(GREEN, WHITE)]),
            "of photo and style 2 have no colour in common: .* that of the style 2 has #00ff00",
        ),
    ],
)
def test_labels_of_which_nothing_can_be_made_are_named(found, words):
    found.check(Recipe())  # that takes a look at each pixel, and comes later
    with pytest.raises(GuideError, match=words):
        guides_of(found)


@pytest.mark.parametrize(
    ("found", "recipe", "words"),
    [
        (sources(halves(BLUE, RED)), {}, "marked for the photo, and for no style"),
        (sources(None, [halves(BLUE, RED)]), {}, "marked for the style, and none for the photo"),
        (
            sources(None, [halves(BLUE, RED), None, halves(BLUE, RED)]),
            {},
            "marked for the style 1, style 3, and none",
        ),
        (sources(mask=MASK), {"style_loss": {"gram": 0.5, "histogram": 0.5}}, "histogram"),
        (
            sources(halves(BLUE, RED), [halves(BLUE, RED)]),
            {"style_loss": {"histogram": 1}},
            "do not go together with the style loss histogram",
        ),
    ],
)
def test_what_goes_not_together_is_refused(found, recipe, words):
    with pytest.raises(RecipeError, match=words):
        found.check(Recipe(**recipe))


def test_a_guide_s_error_is_one_of_a_picture():
    assert issubclass(GuideError, PictureError)
