"""The chain of layers: which are computed, what the edge sees, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Recipe
from engine.layers import chain_to, deepest
from engine.mx import nd
from engine.objective import Objective, style_grams
from engine.painter import Painter
from engine.vgg import Passage

PADDINGS = {"zeros": "constant", "replicate": "edge"}


def through(painter: Painter, picture: np.ndarray, taps: list[str], padding: str) -> Passage:
    image = painter.to_device(picture.astype(np.float32))
    return painter.network.record(image, chain_to(deepest(taps)), taps, Recipe(padding=padding))


def first_maps(painter: Painter, picture: np.ndarray, mode: str) -> np.ndarray:
    """conv1_1 after its ReLU, in float64 numpy from the parameters that the network holds."""
    network = painter.network
    kernel, bias = (each.asnumpy().astype(np.float64) for each in network._parameters["conv1_1"])
    factor, shift = (
        each.asnumpy().astype(np.float64) for each in (network._factor, network._shift)
    )
    planes = picture.transpose(2, 0, 1)[np.newaxis] * factor + shift
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
    found = through(painter, photo, ["conv1_1"], padding).maps["conv1_1"].asnumpy()
    np.testing.assert_allclose(found, first_maps(painter, photo, mode), rtol=1e-4, atol=1e-3)


@pytest.mark.weights
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_way_back_is_the_slope_of_the_way_there(painter, photo, padding):
    generator = np.random.default_rng(0)
    taps = ["conv1_1", "conv2_2"]
    passage = through(painter, photo, taps, padding)
    # The sum of the maps, each value with a weight of its own, is a loss whose gradient is known.
    weights = {t: generator.standard_normal(passage.maps[t].shape) for t in taps}
    on_device = {tap: nd.array(weight, dtype="float32") for tap, weight in weights.items()}
    gradient = passage.back(lambda tap, _: on_device[tap]).asnumpy()[0].transpose(1, 2, 0)
    # At the picture's edge alone, where a wrong padding would show.
    move = gradient.astype(np.float64) / np.abs(gradient).max()
    move[1:-1, 1:-1] = 0

    def loss(sign: int) -> float:
        maps = through(painter, photo + sign * 0.05 * move, taps, padding).maps
        return float(sum((maps[t].asnumpy().astype(np.float64) * weights[t]).sum() for t in taps))

    slope = (loss(1) - loss(-1)) / 0.1
    assert slope == pytest.approx(float((gradient * move).sum()), rel=0.02)


@pytest.mark.weights
def test_only_the_taps_are_kept(painter, photo):
    passage = through(painter, photo, ["conv2_1", "conv1_1"], "replicate")
    assert {tap: maps.shape for tap, maps in passage.maps.items()} == {
        "conv1_1": (1, 64, 48, 64),
        "conv2_1": (1, 128, 24, 32),
    }


@pytest.mark.weights
def test_layers_can_be_run_from_any_one_on(painter, photo):
    image, recipe = painter.to_device(photo.astype(np.float32)), Recipe()
    layers = chain_to("conv4_2")
    seam = layers.index("pool3") + 1
    taps = {"conv2_1", "pool3", "conv4_2"}
    whole = painter.network.record(image, layers, taps, recipe)
    first = painter.network.record(image, layers[:seam], taps, recipe)
    second = painter.network.record(first.maps["pool3"], layers[seam:], taps, recipe)
    ends = [each.maps["conv4_2"] for each in (whole, second)]
    np.testing.assert_array_equal(*(each.asnumpy() for each in ends))
    back = second.back(lambda _, maps: maps)
    parts = first.back(lambda name, maps: back if name == "pool3" else maps)
    at_once = whole.back(lambda name, maps: 0 * maps if name == "pool3" else maps)
    np.testing.assert_allclose(parts.asnumpy(), at_once.asnumpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.weights
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_forward_alone_gives_the_maps_that_a_record_gives(painter, photo, pooling):
    image, recipe = painter.to_device(photo.astype(np.float32)), Recipe(pooling=pooling)
    taps = ["conv3_1", "conv1_2"]
    layers = chain_to(deepest(taps))
    recorded = painter.network.record(image, layers, taps, recipe).maps
    alone = painter.network.forward(image, layers, taps, recipe)
    assert alone.keys() == recorded.keys()
    for tap, maps in alone.items():
        np.testing.assert_array_equal(maps.asnumpy(), recorded[tap].asnumpy())


def test_the_loss_at_a_repeated_edge_is_that_of_numpy(painter, photo, style):
    """The reference has zeros beyond the edge; here is what it cannot tell."""
    recipe = Recipe(
        content_weight=0, style_weight=1, style_layers={"conv1_1": 1}, normalization="classic"
    )
    image, painted = (painter.to_device(each.astype(np.float32)) for each in (photo, style))
    grams = style_grams(painter.network, painted, recipe)
    loss, _ = Objective(painter.network, image, grams, recipe).evaluate(image)
    flat = [first_maps(painter, each, "edge").reshape(64, -1) for each in (photo, style)]
    content, target = (maps @ maps.T / maps.size for maps in flat)
    assert loss.total == pytest.approx(np.mean((content - target) ** 2), rel=1e-4)
