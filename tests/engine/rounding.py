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

from engine.mx import mx, nd

LAYERS = ("Convolution", "Activation", "Pooling")


def emulate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let MXNet's layers take any type."""
    for name in LAYERS:
        monkeypatch.setattr(mx.nd, name, rounded(getattr(mx.nd, name)))


def rounded(layer: Callable[..., Any]) -> Callable[..., Any]:
    def in_float32(*given: Any, **named: Any) -> Any:
        dtype = given[0].dtype
        if dtype == np.float32:
            return layer(*given, **named)
        assert all(each.dtype == dtype for each in given)
        result = layer(*(nd.amp_cast(each, dtype="float32") for each in given), **named)
        return nd.amp_cast(result, dtype=np.dtype(dtype))

    return in_float32
