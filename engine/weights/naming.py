"""Which convolution an array belongs to, told from the name that it has in a file."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from engine.recipe import CONVOLUTIONS

Part = Literal["kernel", "bias"]


class Place(NamedTuple):
    """Where an array belongs.

    Attributes:
        layer: one of `CONVOLUTIONS`.
        part: of it.
        retrained: whether the name is one that torchvision and MXNet's model zoo use, who trained
            the network anew.
    """

    layer: str
    part: Part
    retrained: bool


_START: Final = r"(?:^|[/:.])"
_KIND: Final = r"(?P<kind>weight|kernel|W|bias|b)"
_VARIABLE: Final = r"vars/(?P<kind>[01])"
_NAMED: Final = re.compile(
    # block1_conv1/block1_conv1_W_1:0, block1_conv1/kernel:0, arg:conv1_1_weight, conv1_1.weight
    rf"{_START}(?:block(?P<block>[1-5])_conv|conv(?P<group>[1-5])_)(?P<nth>[1-4])"
    rf"(?:[_/.]{_KIND}(?:_1)?(?::0)?|/vars/(?P<variable>[01]))$"
)
_INDEXED: Final = re.compile(rf"{_START}features\.(?P<index>\d+)\.{_KIND}$")
_COUNTED: Final = re.compile(rf"{_START}vgg\d+_conv(?P<count>\d+)_{_KIND}$")
_KERAS_3: Final = re.compile(rf"{_START}conv2d(?:_(?P<count>\d+))?/{_VARIABLE}$")
_NORMALISED: Final = re.compile(r"(?:running|moving)_(?:mean|var)|batchnorm|batch_normalization")
_TORCH: Final = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
"""Indices of the convolutions among torchvision's (and the model zoo's) `features`."""


def place(name: str) -> Place | None:
    """Tell where an array belongs; None for everything that is no convolution of VGG-19.

    Args:
        name: as the file has it, with the groups it lies in.
    """
    if match := _NAMED.search(name):
        layer = f"conv{match['block'] or match['group']}_{match['nth']}"
        part = _part(match["kind"] or match["variable"])
        return Place(layer, part, retrained=False) if layer in CONVOLUTIONS else None
    if match := _KERAS_3.search(name):
        return _counted(int(match["count"] or 0), match["kind"], retrained=False)
    if match := _COUNTED.search(name):
        return _counted(int(match["count"]), match["kind"], retrained=True)
    if (match := _INDEXED.search(name)) and int(match["index"]) in _TORCH:
        return _counted(_TORCH.index(int(match["index"])), match["kind"], retrained=True)
    return None


def is_normalisation(name: str) -> bool:
    """Whether an array belongs to batch normalisation, which VGG-19 has not."""
    return _NORMALISED.search(name) is not None


def _counted(count: int, kind: str, *, retrained: bool) -> Place | None:
    if count >= len(CONVOLUTIONS):
        return None
    return Place(CONVOLUTIONS[count], _part(kind), retrained)


def _part(kind: str) -> Part:
    return "bias" if kind in {"bias", "b", "1"} else "kernel"
