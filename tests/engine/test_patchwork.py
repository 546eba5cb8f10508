"""Maps and gradients that are put together from pieces."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.errors import PictureError
from engine.patchwork import Patchwork
from engine.stages import Tiling
from engine.tiles import Grid
from tests.engine.tilings import name_of

TAPS = {"conv1_2", "conv3_3", "conv4_1"}
TILINGS = [
    Tiling(Grid(2, 2)),
    Tiling(Grid(1, 3), Grid(2, 1)),
    Tiling(Grid(2, 2), traced=frozenset({"conv2_1", "conv4_1"})),
    Tiling(Grid(3, 1), Grid(2, 1), traced=frozenset({"conv3_4"})),
    Tiling(Grid(2, 1), Grid(1, 2), traced=frozenset({"conv2_2", "pool3"})),
]

pytestmark = pytest.mark.weights


def work(painter, size, tiling):
    generator = np.random.default_rng(3)
    picture = generator.uniform(0, 255, (*size, 3)).astype(np.float32)
    return Patchwork(painter.network, painter.to_device(picture), TAPS, Recipe(), tiling)


@pytest.mark.parametrize("tiling", TILINGS, ids=name_of)
@pytest.mark.parametrize("size", [(127, 93), (64, 121)])
def test_the_pieces_lie_side_by_side_and_make_up_the_maps(painter, size, tiling):
    whole = {tap: maps.asnumpy() for tap, maps, _ in work(painter, size, Tiling()).forward()}
    seen = {tap: np.zeros(maps.shape[2:], int) for tap, maps in whole.items()}
    for tap, maps, place in work(painter, size, tiling).forward():
        seen[tap][place] += 1
        expected = whole[tap][:, :, place[0], place[1]]
        np.testing.assert_allclose(maps.asnumpy(), expected, rtol=1e-3, atol=1e-2)
    assert seen.keys() == TAPS
    assert all((count == 1).all() for count in seen.values())


@pytest.mark.parametrize("tiling", TILINGS, ids=name_of)
def test_the_gradients_of_the_pieces_add_up(painter, tiling):
    gradients = []
    for each in (Tiling(), tiling):
        way = work(painter, (127, 93), each)
        for _ in way.forward(to_return=True):
            pass
        gradients.append(way.back(lambda _tap, maps, _place: maps).asnumpy())
    whole, pieces = gradients
    assert np.linalg.norm(pieces - whole) < 1e-4 * np.linalg.norm(whole)


def test_a_picture_that_the_deepest_maps_cannot_see_is_refused(painter):
    with pytest.raises(PictureError, match=r"31x48 .* each side needs 32 pixels"):
        work(painter, (48, 31), Tiling())
