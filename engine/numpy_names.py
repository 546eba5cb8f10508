"""The names that numpy has dropped and MXNet 1.9.1 still looks up when it is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def removed_names() -> dict[str, Any]:
    """Old names and what they stood for; None where nothing of the kind is left in numpy.

    MXNet's numpy interface lists functions by name and looks each up once, at import.
    """
    kept = {
        "bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str,
        "PZERO": 0.0, "NZERO": -0.0, "PINF": np.inf, "NINF": -np.inf, "Inf": np.inf,
        "Infinity": np.inf, "infty": np.inf, "NaN": np.nan, "float_": np.float64,
        "complex_": np.complex128, "string_": np.bytes_, "unicode_": np.str_,
        "product": np.prod, "cumproduct": np.cumprod, "alltrue": np.all, "sometrue": np.any,
        "row_stack": np.vstack, "round_": np.round,
        "in1d": getattr(np, "isin", None), "trapz": getattr(np, "trapezoid", None),
    }  # fmt: skip
    gone = ("msort", "asfarray", "mirr", "npv", "pmt", "ppmt", "pv", "rate", "fv", "ipmt", "irr",
            "nper", "asscalar", "alen", "deprecate", "safe_eval", "find_common_type", "cast",
            "source", "who", "disp", "byte_bounds", "compat", "recfromcsv", "recfromtxt", "set_string_function")  # fmt: skip
    return {**kept, **dict.fromkeys(gone)}


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
