"""Losses at a tap as functions of maps, in one piece or in tiles; and targets for some of them."""

from __future__ import annotations

import numpy as np

from engine.losses import Aim, cut
from engine.mx import nd
from engine.shelf import NO_SHELF


def maps(seed, shape=(1, 5, 6, 7), scale=10.0):
    """As a ReLU leaves them: many zeros, channels that go together, no two alike."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(shape[1], shape[1])) / np.sqrt(shape[1])
    mixed = np.einsum("ck,nkhw->nchw", mixing, generator.normal(0, scale, shape))
    shift = generator.normal(0, scale / 2, (1, shape[1], 1, 1))
    return np.maximum(mixed + shift, 0).astype(np.float32)


def statistics(kind, style):
    """What a kind of loss has to know of maps of a style."""
    return dict(
        zip(kind.parts, kind.statistics(kind.measured(nd.array(style)), style.size), strict=True)
    )


def style_loss(kind, style, size=None, **asked):
    """A loss with a style for its target, for maps of a size (of as many values as the style's)."""
    return loss_of(kind, statistics(kind, style), size or style.size, **asked)


def loss_of(kind, parts, size, **asked):
    """The same with what is known of the style."""
    usual = {"weight": 1.0, "relative": True, "shelf": NO_SHELF}
    return kind.loss(parts, Aim(size=size, lay=laid, **{**usual, **asked}))


def laid(values):
    """On the device, as a network lays arrays."""
    return nd.array(values, dtype=np.float32)


def whole(array):
    """The place of maps in one piece."""
    return slice(0, array.shape[2]), slice(0, array.shape[3])


def at_once(loss, array):
    """Value and gradient for maps in one piece."""
    array = array.astype(np.float32)
    given = nd.array(array)
    value, pull = loss.conclude(loss.measure(given, whole(array)))
    gradient = loss.pull(given, whole(array), pull).asnumpy()
    assert np.array_equal(given.asnumpy(), array, equal_nan=True)  # somebody else's
    return float(value.asscalar()), gradient


def in_tiles(loss, array):
    """The same for maps in six tiles of several shapes."""
    given, places = nd.array(array), list(_places(*array.shape[2:]))
    measured = sum(loss.measure(cut(given, place), place) for place in places)
    value, pull = loss.conclude(measured)
    gradient = np.full(array.shape, np.nan, np.float32)
    for rows, columns in places:
        part = cut(given, (rows, columns))
        gradient[:, :, rows, columns] = loss.pull(part, (rows, columns), pull).asnumpy()
    return float(value.asscalar()), gradient


def _places(height, width):
    for rows in (slice(0, height // 3), slice(height // 3, height)):
        third, half = width // 3, width // 2
        for columns in (slice(0, third), slice(third, half), slice(half, width)):
            yield rows, columns


def error(found, right):
    """Relative L2 distance."""
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))
