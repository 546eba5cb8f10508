"""The chain of layers: which are computed, what the edge sees, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.layers import chain_to, deepest
from engine.mx import Array, nd
from engine.objective import Objective
from engine.painter import Painter
from engine.passage import Passage
from engine.style_statistics import style_statistics

PADDINGS = {"zeros": "constant", "reflect": "reflect", "replicate": "edge"}


def through(
    painter: Painter, picture: np.ndarray, taps: list[str], padding: str
) -> tuple[Passage, dict[str, Array]]:
    """A recorded passage, and the maps that were seen on the way."""
    image = painter.to_device(picture.astype(np.float32))
    passage = painter.network.passage(chain_to(deepest(taps)), taps, Recipe(padding=padding))
    return passage, dict(passage.forth(image, record=True))


def first_maps(painter: Painter, picture: np.ndarray, mode: str) -> np.ndarray:
    """conv1_1 after its ReLU, in float64 numpy from the parameters that the network holds."""
    network = painter.network
    kernel, bias = (each.asnumpy().astype(np.float64) for each in network._parameters["conv1_1"])
    kernel_in, shift = (each.asnumpy() for each in network._entries["zeros"]._scaled)
    factor, shift = np.diagonal(kernel_in[:, :, 0, 0]).reshape(3, 1, 1), shift.reshape(3, 1, 1)
    planes = picture.transpose(2, 0, 1)[np.newaxis] * factor.astype(np.float64) + shift
    padded = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)), mode=mode)
    height, width = picture.shape[:2]
    sums = sum(
        np.einsum("nchw,oc->nohw", padded[:, :, y : y + height, x : x + width], kernel[:, :, y, x])
        for y, x in np.ndindex(3, 3)
    )
    return np.maximum(sums + bias.reshape(1, -1, 1, 1), 0)


@pytest.mark.weights
@pytest.mark.parametrize(("padding", "mode"), PADDINGS.items())
def test_the_first_convolution_sees_the_padding_that_was_asked_for(painter, photo, padding, mode):
    found = through(painter, photo, ["conv1_1"], padding)[1]["conv1_1"].asnumpy()
    np.testing.assert_allclose(found, first_maps(painter, photo, mode), rtol=1e-4, atol=1e-3)


@pytest.mark.weights
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_way_back_is_the_slope_of_the_way_there(painter, photo, padding):
    generator = np.random.default_rng(0)
    taps = ["conv1_1", "conv2_2"]
    passage, maps = through(painter, photo, taps, padding)
    # The sum of the maps, each value with a weight of its own, is a loss whose gradient is known.
    weights = {t: generator.standard_normal(maps[t].shape) for t in taps}
    on_device = {tap: nd.array(weight, dtype="float32") for tap, weight in weights.items()}
    gradient = passage.back(lambda tap, _: on_device[tap]).asnumpy()[0].transpose(1, 2, 0)
    # At the picture's edge alone, where a wrong padding would show.
    move = gradient.astype(np.float64) / np.abs(gradient).max()
    move[1:-1, 1:-1] = 0

    def loss(sign: int) -> float:
        _, maps = through(painter, photo + sign * 0.05 * move, taps, padding)
        return float(sum((maps[t].asnumpy().astype(np.float64) * weights[t]).sum() for t in taps))

    slope = (loss(1) - loss(-1)) / 0.1
    assert slope == pytest.approx(float((gradient * move).sum()), rel=0.02)


@pytest.mark.weights
def test_only_the_taps_are_given(painter, photo):
    _, maps = through(painter, photo, ["conv2_1", "conv1_1"], "replicate")
    assert {tap: each.shape for tap, each in maps.items()} == {
        "conv1_1": (1, 64, 48, 64),
        "conv2_1": (1, 128, 24, 32),
    }


@pytest.mark.weights
def test_layers_can_be_run_from_any_one_on(painter, photo):
    image, recipe = painter.to_device(photo.astype(np.float32)), Recipe()
    layers = chain_to("conv4_2")
    seam = layers.index("pool3") + 1
    taps = {"conv2_1", "pool3", "conv4_2"}
    runs = layers, layers[:seam], layers[seam:]
    whole, first, second = (painter.network.passage(run, taps, recipe) for run in runs)
    at_once = dict(whole.forth(image, record=True))
    half = dict(first.forth(image, record=True))
    rest = dict(second.forth(half["pool3"], record=True))
    np.testing.assert_array_equal(rest["conv4_2"].asnumpy(), at_once["conv4_2"].asnumpy())
    behind = second.back(lambda _, maps: maps)
    parts = first.back(lambda name, maps: behind if name == "pool3" else maps)
    slope = whole.back(lambda name, maps: 0 * maps if name == "pool3" else maps)
    np.testing.assert_allclose(parts.asnumpy(), slope.asnumpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.weights
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_a_way_forth_alone_gives_the_maps_that_a_recorded_one_gives(painter, photo, pooling):
    image, recipe = painter.to_device(photo.astype(np.float32)), Recipe(pooling=pooling)
    taps = ["conv3_1", "conv1_2"]
    layers = chain_to(deepest(taps))
    recorded, alone = (
        dict(painter.network.passage(layers, taps, recipe).forth(image, record=record))
        for record in (True, False)
    )
    assert alone.keys() == recorded.keys()
    for tap, maps in alone.items():
        # Not the same bits: oneDNN may take another kernel for what is not recorded.
        np.testing.assert_allclose(maps.asnumpy(), recorded[tap].asnumpy(), rtol=1e-4, atol=1e-3)


def test_the_loss_at_a_repeated_edge_is_that_of_numpy(painter, photo, style):
    """The reference has zeros beyond the edge; here is what it cannot tell."""
    recipe = Recipe(
        content_weight=0, style_weight=1, style_layers={"conv1_1": 1}, normalization="classic"
    )
    image, painted = (painter.to_device(each.astype(np.float32)) for each in (photo, style))
    known = style_statistics(painter.network, painted, recipe)
    loss, _ = Objective(painter.network, image, known, recipe).evaluate(image)
    flat = [first_maps(painter, each, "edge").reshape(64, -1) for each in (photo, style)]
    content, target = (maps @ maps.T / maps.size for maps in flat)
    assert loss.total == pytest.approx(np.mean((content - target) ** 2), rel=1e-4)
