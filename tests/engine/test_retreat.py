"""A card that runs out of memory: the same image goes on in finer tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Painting, Recipe
from engine.errors import PictureError
from engine.fitting import Fit, Maps, fitting
from engine.mx import mx, nd
from engine.objective import Objective
from engine.retreat import Retreat, is_out_of_memory
from engine.sources import Sources
from engine.stages import Tiling
from engine.tiles import Grid

# As MXNet says it: what went wrong stands after a backtrace, and sometimes in it.
NO_MEMORY = [
    "Traceback:\n  File pooled_storage_manager.h\ncudaMalloc retry failed: out of memory",
    "Check failed: e == cudaSuccess: CUDA: out of memory",
    "cuDNN: CUDNN_STATUS_ALLOC_FAILED",
]
SIZE = (120, 160)
RECIPE = Recipe(size=160, scales=(1.0,), iterations=(4,))


def fits(room):
    return fitting(SIZE, RECIPE, room, maps=Maps(traced=False, shelved=False))


class Card:
    """Makes objectives that run out of memory in tilings that take more than the card has."""

    def __init__(self, has, said=NO_MEMORY[0]):
        self.has, self.said = has, said
        self.tilings = []

    def make(self, tiling):
        self.tilings.append(tiling)
        return self

    def evaluate(self, image):
        largest = self.has(self.tilings[-1])
        if not largest:
            raise mx.MXNetError(self.said)
        return "loss", image


@pytest.mark.parametrize("said", NO_MEMORY)
def test_it_goes_on_in_tiles_that_fit(said):
    card = Card(lambda tiling: tiling.tiles >= 4, said)
    whole = fits(2**40)
    work = Retreat(card.make, whole, fits)
    image = nd.ones((1, 3, *SIZE))
    assert not work.stepped_down
    assert work.evaluate(image) == ("loss", image)
    assert work.stepped_down
    assert work.fit.tiling.tiles >= 4
    assert work.fit.bytes < whole.bytes
    tried = list(card.tilings)
    assert tried[0] == Tiling()
    assert tried[-1] == work.fit.tiling
    work.evaluate(image)
    assert card.tilings == tried  # it stays with them


def test_running_out_while_it_is_made_counts_too():
    tilings = []

    def make(tiling):
        tilings.append(tiling)
        if tiling.whole:
            raise mx.MXNetError(NO_MEMORY[0])
        return Card(lambda _: True)

    assert Retreat(make, fits(2**40), fits).stepped_down
    assert len(tilings) == 2


def test_no_tiles_are_small_enough():
    work = Retreat(Card(lambda _: False).make, fits(2**40), fits)
    with pytest.raises(PictureError, match=r"ran out of memory .* smaller size"):
        work.evaluate(nd.ones((1, 3, *SIZE)))


def test_other_errors_are_not_taken_for_it():
    card = Card(lambda _: False, "could not create a primitive descriptor iterator")
    work = Retreat(card.make, fits(2**40), fits)
    with pytest.raises(mx.MXNetError, match="primitive"):
        work.evaluate(nd.ones((1, 3, *SIZE)))
    assert len(card.tilings) == 1
    assert not is_out_of_memory(ValueError())


@pytest.mark.weights
def test_a_picture_is_painted_on_from_where_it_was(painter, photo, style, monkeypatch):
    def paint():
        *steps, painting = painter.paint(Sources.of(photo, style), RECIPE)
        assert isinstance(painting, Painting)
        assert len(steps) == painting.iterations == 4
        return painting

    right = paint()
    usual, evaluations = Objective.evaluate, []

    def evaluate(self, image):
        evaluations.append(self._tiling)
        if len(evaluations) >= 3 and self._tiling.whole:
            raise mx.MXNetError(NO_MEMORY[0])
        return usual(self, image)

    monkeypatch.setattr(Objective, "evaluate", evaluate)
    found = paint()
    assert [tiling.whole for tiling in evaluations] == [True, True, True, False, False, False]
    assert (right.tiles, found.tiles) == (1, evaluations[-1].tiles)
    assert np.abs(found.picture - right.picture).mean() < 0.5  # of 255
    assert found.loss.total == pytest.approx(right.loss.total, rel=0.01)


@pytest.mark.weights
def test_a_later_scale_counts_on_no_more_than_there_was(painter, photo, style, monkeypatch):
    tilings = []
    usual = Objective.evaluate

    def evaluate(self, image):
        if self._tiling.whole:
            raise mx.MXNetError(NO_MEMORY[0])
        tilings.append(self._tiling)
        return usual(self, image)

    monkeypatch.setattr(Objective, "evaluate", evaluate)
    # Shallow taps have narrow halos: that lets small pictures be cut.
    recipe = Recipe(
        size=160, scales=(0.5, 1.0), iterations=(1, 1),
        style_layers={"conv1_1": 1.0, "conv2_1": 1.0}, content_layers={"conv2_2": 1.0},
    )  # fmt: skip
    large = np.kron(photo, np.ones((4, 4, 1), np.uint8))
    *_, painting = painter.paint(Sources.of(large, style), recipe)
    assert tilings[0].tiles >= 2
    assert painting.tiles == tilings[-1].tiles > tilings[0].tiles


def test_a_fit_says_how_many_pieces_there_are():
    fit = Fit(Tiling(Grid(2, 3)), 1, 1.0)
    assert replace(fit, bytes=2).tiling.tiles == 6
