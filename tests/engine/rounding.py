"""Low precisions on processors that have none: each layer in float32, its result rounded.

MXNet converts between all types everywhere, and adds bfloat16; what it lacks on the processor are
layers: of float16 the convolution, of bfloat16, without the instructions, all of them. Here their
arguments are made float32 and the result is rounded, on the way back too: that is what cards (which
add up in float32) and processors with bfloat16 do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import gram
from engine.mx import mx, nd
from engine.operators import invoked
from engine.placing import has_bfloat16
from engine.shelf import Shelf

needs_bfloat16 = pytest.mark.skipif(
    not has_bfloat16(), reason="this processor has no instructions for bfloat16"
)
LAYERS = ("Convolution", "Deconvolution", "Activation", "Pooling")
PLACES = ("engine.relu.invoked", "engine.operators.invoked", "engine.gram.invoked")


def emulate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let MXNet's layers take any type."""
    for name in LAYERS:
        monkeypatch.setattr(mx.nd, name, rounded(getattr(mx.nd, name)))
    for place in PLACES:
        monkeypatch.setattr(place, invoked_in_float32)
    monkeypatch.setattr("engine.gram._Recorded", Unrecorded)


class Unrecorded(gram._Recorded):
    """Products of narrow maps anew each time: a record would hold the float32 made of them."""

    def __init__(self, maps: Any, shelf: Shelf) -> None:
        self._maps = maps
        self._is_narrow = maps.dtype != np.float32
        if not self._is_narrow:
            super().__init__(maps, shelf)
            return
        shelf.put(shelf.made(maps.shape, maps.dtype, lambda out: out))

    def __call__(self) -> Any:
        return gram._by_the_way_back(self._maps) if self._is_narrow else super().__call__()


def rounded(layer: Callable[..., Any]) -> Callable[..., Any]:
    def in_float32(*given: Any, **named: Any) -> Any:
        dtype = given[0].dtype
        if dtype == np.float32:
            return layer(*given, **named)
        assert all(each.dtype == dtype for each in given)
        out = named.pop("out", None)
        result = layer(*map(as_float32, given), **named)
        return rounded_to(dtype, result, **({} if out is None else {"out": out}))

    return in_float32


def invoked_in_float32(name: str, given: list[Any], options: dict[str, object], out: Any) -> Any:
    outs = out if isinstance(out, list) else [out]
    if outs[0].dtype == np.float32:
        return invoked(name, given, options, out)
    results = [nd.empty(each.shape) for each in outs]
    invoked(name, list(map(as_float32, given)), options, results)
    for result, each in zip(results, outs, strict=True):
        rounded_to(each.dtype, result, out=each)
    return out


def as_float32(values: Any) -> Any:
    return nd.amp_cast(values, dtype="float32")


def rounded_to(dtype: Any, values: Any, **out: Any) -> Any:
    return nd.amp_cast(values, dtype=np.dtype(dtype), **out)
