"""Adaptive instance normalisation once more, in plain numpy and float64, to compare with.

And networks to compare with: of few channels, random, and none the worse for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.weights.adain import DECODER, ENCODER, ENTRY, AdainWeights

Values = NDArray[np.float64]
Layers = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]

POOLED = ("conv1_2", "conv2_2", "conv3_4")
"""Convolutions of VGG-19 behind which its maps are halved, up to conv4_1."""
ENLARGED = ("decoder1", "decoder5", "decoder7")
CHANNELS = {ENTRY: 3, "conv1": 4, "conv2": 5, "conv3": 6, "conv4": 7}
BACK = (6, 6, 6, 6, 5, 5, 4, 4, 3)


def thin_network(seed: int = 4) -> AdainWeights:
    """A network with all its layers and few channels, whose pictures stay about within 0 to 1."""
    random, into = np.random.default_rng(seed), 3
    layers = {}
    outs = [CHANNELS.get(name, CHANNELS.get(name[:5], 0)) for name in (ENTRY, *ENCODER)]
    for name, out in zip((ENTRY, *ENCODER, *DECODER), (*outs, *BACK), strict=True):
        side = 1 if name == ENTRY else 3
        kernel = random.normal(0, (2 / (into * side**2)) ** 0.5, (out, into, side, side))
        layers[name] = kernel.astype(np.float32), random.uniform(0, 0.2, out).astype(np.float32)
        into = out
    return AdainWeights(layers, "thin")


def painted(
    layers: Layers,
    photo: NDArray[np.float32],
    styles: Sequence[tuple[float, NDArray[np.float32]]],
    alpha: float,
) -> Values:
    """Equations 8, 14 and 15 as they stand."""
    maps = encoded(layers, photo)
    mixed = sum(share * normalised(maps, encoded(layers, picture)) for share, picture in styles)
    found = decoded(layers, (1 - alpha) * maps + alpha * mixed)
    return found.transpose(1, 2, 0)[: photo.shape[0], : photo.shape[1]] * 255


def normalised(maps: Values, style: Values) -> Values:
    own, other = (
        (each.mean((1, 2), keepdims=True), np.sqrt(each.var((1, 2), ddof=1, keepdims=True) + 1e-5))
        for each in (maps, style)
    )
    return other[1] * (maps - own[0]) / own[1] + other[0]


def encoded(layers: Layers, picture: NDArray[np.float32]) -> Values:
    maps = convolved(layers[ENTRY], picture.transpose(2, 0, 1).astype(np.float64) / 255)
    for name in ENCODER:
        maps = np.maximum(convolved(layers[name], mirrored(maps)), 0)
        if name in POOLED:
            maps = pooled(maps)
    return maps


def decoded(layers: Layers, maps: Values) -> Values:
    for name in DECODER:
        maps = convolved(layers[name], mirrored(maps))
        if name != DECODER[-1]:
            maps = np.maximum(maps, 0)
        if name in ENLARGED:
            maps = maps.repeat(2, axis=1).repeat(2, axis=2)
    return maps


def mirrored(maps: Values) -> Values:
    return np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="reflect")


def pooled(maps: Values) -> Values:
    """Largest of each 2x2; of an odd last row or column there are fewer."""
    odd = [(0, side % 2) for side in maps.shape]
    odd[0] = (0, 0)
    even = np.pad(maps, odd, constant_values=-np.inf)
    return np.maximum.reduce([even[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])


def convolved(pair: tuple[NDArray[np.float32], NDArray[np.float32]], maps: Values) -> Values:
    kernel, bias = (part.astype(np.float64) for part in pair)
    windows = np.lib.stride_tricks.sliding_window_view(maps, kernel.shape[2:], axis=(1, 2))
    return np.einsum("oikl,ihwkl->ohw", kernel, windows, optimize=True) + bias[:, None, None]
