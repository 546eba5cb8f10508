"""The names that numpy has dropped and MXNet 1.9.1 still looks up when it is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def removed_names() -> dict[str, Any]:
    """Old names and what they stood for; None for functions that nothing has taken the place of.

    MXNet's own copy of numpy's interface looks each up once, while it is imported; this program
    calls none of them.
    """
    known = {
        "bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str,
        "Inf": np.inf, "PINF": np.inf, "NINF": -np.inf, "NAN": np.nan, "NaN": np.nan,
        "PZERO": 0.0, "NZERO": -0.0,
        "alltrue": np.all, "in1d": np.isin, "trapz": getattr(np, "trapezoid", None),
    }  # fmt: skip
    gone = ("mirr", "msort", "npv", "pmt", "ppmt", "pv", "rate")
    return {**known, **dict.fromkeys(gone)}


@contextmanager
def restored(module: Any = np) -> Iterator[None]:
    """Put the missing ones of these names into numpy, and take them away again at the end."""
    lacking = {name: value for name, value in removed_names().items() if name not in vars(module)}
    for name, value in lacking.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name in lacking:
            vars(module).pop(name, None)
