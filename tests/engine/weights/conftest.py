"""A VGG-19 with few channels: all sixteen layers, and a file of it is written in a moment."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from engine.recipe import CONVOLUTIONS
from engine.weights import conventions
from engine.weights import layers as layers_module
from engine.weights.conventions import Layers

CHANNELS = {"1": 8, "2": 10, "3": 12, "4": 14, "5": 14}


def thin_layers(seed: int = 7) -> Layers:
    """Random layers; no two arrays of one file are the same."""
    random, layers, into = np.random.default_rng(seed), {}, 3
    for name in CONVOLUTIONS:
        out = CHANNELS[name[4]]
        kernel = random.normal(size=(out, into, 3, 3)).astype(np.float32)
        layers[name] = (kernel, random.normal(size=out).astype(np.float32))
        into = out
    return layers


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> Layers:
    """Thin layers that are nobody's, and readers that take them for VGG-19."""
    layers = thin_layers()
    shapes = {name: kernel.shape for name, (kernel, _) in layers.items()}
    monkeypatch.setattr(layers_module, "SHAPES", MappingProxyType(shapes))
    return layers


@pytest.fixture
def oxford(thin: Layers) -> Layers:
    """The same with what the Oxford weights are known by."""
    kernel, bias = (part.copy() for part in thin["conv1_1"])
    kernel[conventions._FILTER] = np.reshape(conventions._KERNEL, (3, 3, 3))
    bias[:] = conventions._BIASES
    return {**thin, "conv1_1": (kernel, bias)}


def same(one: Layers, other: Layers) -> bool:
    return list(one) == list(other) and all(
        np.array_equal(a, b) and a.dtype == b.dtype == np.float32
        for name in one
        for a, b in zip(one[name], other[name], strict=True)
    )
