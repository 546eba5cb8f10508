"""First looks: of which paintings, how large, in which colours, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import first_look
from engine.errors import WeightsHashError
from engine.first_look import LONG_SIDE, QUICK, FirstLooks
from engine.painter import Painter
from engine.progress import Painting
from engine.recipe import Recipe
from engine.sources import Sources, Style
from engine.weights import adain
from engine.weights.adain import AdainWeights

from . import plain_adain

pytestmark = pytest.mark.weights

SMALL = Recipe(size=QUICK + 10, scales=(1.0,), iterations=(2,))
Picture = np.ndarray[Any, Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One in which a network of few channels seems to be in place."""
    (tmp_path / adain.PARAMS).touch()
    monkeypatch.setattr(first_look, "load", lambda _: plain_adain.thin_network())
    return tmp_path


@pytest.fixture
def looks(folder: Path) -> FirstLooks:
    return FirstLooks(folder)


@pytest.fixture
def sources(photo: Picture, style: Picture) -> Sources:
    return Sources.of(photo, style)


def test_it_is_small_and_of_the_photos_proportions(
    looks: FirstLooks, painter: Painter, style: Picture
) -> None:
    for photo, size, wanted in (
        ((480, 640), 512, (240, LONG_SIDE)),
        ((640, 480), 512, (LONG_SIDE, 240)),
        ((480, 640), 200, (150, 200)),
        ((60, 900), 900, (32, 480)),
        ((33, 45), 512, (235, LONG_SIDE)),
    ):
        given = Sources.of(np.full((*photo, 3), 90, np.uint8), style)
        found = looks.at(painter, given, SMALL.model_copy(update={"size": size}))
        assert found is not None
        assert found.shape == (*wanted, 3)
        assert found.dtype == np.float32
        assert 0 <= found.min() <= found.max() <= 255


def test_it_goes_by_style_strength_strokes_and_blend(
    looks: FirstLooks, painter: Painter, sources: Sources, photo: Picture
) -> None:
    plain = looks.at(painter, sources, SMALL)
    other = replace(sources, styles=[*sources.styles, Style(photo[:, ::-1], 2.0)])
    for given, change in (
        (Sources.of(photo, photo[:, ::-1]), {}),
        (other, {}),
        (sources, {"strength": 0.3}),
        (sources, {"stroke_size": 2.0}),
        (sources, {"colors": "match"}),
        (sources, {"colors": "luminance"}),
    ):
        found = looks.at(painter, given, SMALL.model_copy(update=change))
        assert found is not None
        assert plain is not None
        assert np.abs(found - plain).max() > 1, change
    more = looks.at(painter, sources, SMALL.model_copy(update={"strength": 5.0}))
    assert np.array_equal(more, plain), "there is no more than all of a style"
    two, four = (
        looks.at(painter, sources, SMALL.model_copy(update={"stroke_size": size}))
        for size in (2.0, 4.0)
    )
    assert np.array_equal(two, four), "larger strokes would take too long"


class Darker:
    """Stands for the network: it sees pictures in grey, and makes the photo a little darker."""

    def __init__(self, _: AdainWeights) -> None:
        pass

    def painted(self, photo: Picture, styles: Any, alpha: float) -> Picture:
        assert alpha == 1
        for picture in (photo, *(picture for _, picture in styles)):
            assert np.allclose(picture[..., 0], picture[..., 2], atol=1e-3)
        return photo - 20


def test_with_luminance_it_has_the_photos_own_colours(
    looks: FirstLooks, painter: Painter, style: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_look, "Adain", Darker)
    photo = np.full((64, 64, 3), (140, 120, 110), np.uint8)
    recipe = SMALL.model_copy(update={"colors": "luminance"})
    found = looks.at(painter, Sources.of(photo, style), recipe)
    assert found is not None
    assert np.allclose(found, (120, 100, 90), atol=0.01)


def test_what_a_mask_keeps_is_as_in_the_photo(
    looks: FirstLooks, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_look, "Adain", Darker)
    photo, mask = np.full((64, 64, 3), 120, np.uint8), np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    found = looks.at(painter, replace(Sources.of(photo, photo), mask=mask), SMALL)
    assert found is not None
    assert np.allclose(found[:, 2:75], 120, atol=0.01)
    assert np.allclose(found[:, 95:-2], 100, atol=0.01)


@pytest.mark.parametrize(
    "change",
    [
        {"photo": True},
        {"style_weight": 0.0},
        {"size": QUICK},
        {"scales": (0.9, 1.0), "iterations": (2, 2)},
    ],
)
def test_there_is_none_of_what_is_nothing_like_it_or_as_far_as_soon(
    looks: FirstLooks, painter: Painter, sources: Sources, change: dict[str, Any]
) -> None:
    assert looks.at(painter, sources, SMALL.model_copy(update=change)) is None


def test_there_is_none_without_the_network(
    tmp_path: Path, painter: Painter, sources: Sources
) -> None:
    assert FirstLooks(tmp_path).at(painter, sources, SMALL) is None
    assert painter.first_look(sources, SMALL) is None, "nor where nobody asked for any"


def test_one_that_is_fetched_later_is_found(
    folder: Path, painter: Painter, sources: Sources
) -> None:
    looks = FirstLooks(folder)
    (folder / adain.PARAMS).unlink()
    assert looks.at(painter, sources, SMALL) is None
    (folder / adain.PARAMS).touch()
    assert looks.at(painter, sources, SMALL) is not None


def test_there_is_none_of_pictures_that_cannot_be_painted(
    looks: FirstLooks, painter: Painter, style: Picture
) -> None:
    for photo in (np.zeros((30, 400, 3), np.uint8), np.zeros((40, 40), np.uint8)):
        assert (
            looks.at(painter, Sources.of(photo, style), SMALL.model_copy(update={"size": 400}))
            is None
        )
    assert looks.at(painter, Sources(np.zeros((64, 64, 3), np.uint8), []), SMALL) is None


def test_where_there_is_no_memory_for_it_there_is_none(
    looks: FirstLooks, weights: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    scarce = Painter(weights.parent, "cpu", precision="float32", max_memory=2**20)
    assert looks.at(scarce, sources, SMALL) is None
    painter = Painter(weights.parent, "cpu", precision="float32")
    assert looks.at(painter, sources, SMALL) is not None
    monkeypatch.setattr(painter, "left", lambda: first_look.takes((128, 170)) - 1)
    assert looks.at(painter, sources, SMALL) is None


def test_what_goes_wrong_is_raised_once_until_it_is_over(
    looks: FirstLooks, painter: Painter, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: Path) -> AdainWeights:
        raise WeightsHashError("changed or damaged")

    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(first_look, "load", damaged)
            with pytest.raises(WeightsHashError):
                looks.at(painter, sources, SMALL)
            assert looks.at(painter, sources, SMALL) is None
        assert looks.at(painter, sources, SMALL) is not None


def test_the_painting_is_the_same_bit_for_bit(
    weights: Path, folder: Path, sources: Sources
) -> None:
    pictures = []
    for looks in (None, FirstLooks(folder)):
        painter = Painter(weights.parent, "cpu", precision="float32", first_looks=looks)
        look = painter.first_look(sources, SMALL)
        assert (look is None) == (looks is None)
        *_, last = painter.paint(sources, SMALL)
        assert isinstance(last, Painting)
        pictures.append(last.picture)
    assert np.array_equal(*pictures)
