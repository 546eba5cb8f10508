"""The chain of layers that VGG-19 is: names, order and strides; no arrays."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from engine.recipe import CONVOLUTIONS

SMALLEST_SIDE: Final = 32
"""Below this side, in pixels, the deepest maps are one or two pixels wide and say nothing."""

_CHANNELS: Final = (64, 128, 256, 512, 512)


@cache
def block_of(name: str) -> int:
    """The block of a layer, 1 to 5: `conv3_4` and `pool3` belong to 3."""
    return int(name[4])


@cache
def channels_of(name: str) -> int:
    """Channels of a layer's maps: 64 for block 1, 512 for blocks 4 and 5."""
    return _CHANNELS[block_of(name) - 1]


@cache
def level_of(name: str) -> int:
    """How many poolings a layer's result has behind it: 0 for `conv1_2`, 1 for `pool1`."""
    return block_of(name) - 1 + is_pooling(name)


@cache
def is_pooling(name: str) -> bool:
    """Whether a layer is a pooling, and no convolution."""
    return name.startswith("pool")


def stride_of(name: str) -> int:
    """Pixels of the picture from one position of a layer's result to the next."""
    return int(2 ** level_of(name))


def work_of(layers: Iterable[str]) -> float:
    """Multiplications that a chain of layers takes forward for each pixel of the picture.

    Args:
        layers: convolutions and poolings, in order; what comes before them is known.
    """
    return sum(map(_work_of_layer, layers), 0.0)


@cache
def _work_of_layer(name: str) -> float:
    if is_pooling(name):
        return 0.0
    return 9 * inputs_of(name) * channels_of(name) / stride_of(name) ** 2


@cache
def values_of(name: str) -> float:
    """Values of a layer's maps for each pixel of the picture."""
    return channels_of(name) / stride_of(name) ** 2


@cache
def inputs_of(name: str) -> int:
    """Channels of what goes into a convolution: 3 for `conv1_1`, a picture."""
    number = CONVOLUTIONS.index(name)
    return channels_of(CONVOLUTIONS[number - 1]) if number else 3


def chain_to(deepest: str) -> list[str]:
    """Name the layers from the image to a convolution: `conv1_1 conv1_2 pool1 conv2_1 ...`."""
    layers: list[str] = []
    for name in CONVOLUTIONS[: CONVOLUTIONS.index(deepest) + 1]:
        if layers and block_of(layers[-1]) != block_of(name):
            layers.append(f"pool{block_of(layers[-1])}")
        layers.append(name)
    return layers


def deepest(taps: Iterable[str]) -> str:
    """The last of some convolutions."""
    return max(taps, key=CONVOLUTIONS.index)
