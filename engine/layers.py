"""The chain of layers that VGG-19 is: names, order and strides; no arrays."""

from __future__ import annotations

from collections.abc import Iterable

from engine.recipe import CONVOLUTIONS

_CHANNELS = (64, 128, 256, 512, 512)


def block_of(name: str) -> int:
    """The block of a layer, 1 to 5: `conv3_4` and `pool3` belong to 3."""
    return int(name[4])


def channels_of(name: str) -> int:
    """Channels of a layer's maps: 64 for block 1, 512 for blocks 4 and 5."""
    return _CHANNELS[block_of(name) - 1]


def level_of(name: str) -> int:
    """How many poolings lie before a convolution's maps: 0 for `conv1_1`, 4 for `conv5_1`."""
    return block_of(name) - 1


def stride_of(name: str) -> int:
    """Pixels of the picture from one position of a convolution's maps to the next."""
    return int(2 ** level_of(name))


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
