"""The names that numpy has dropped and MXNet 1.9.1 still looks up.

MXNet was written for numpy 1.16 to 1.23. Gone since: the financial functions (1.20), `bool` as
Python's own (1.24), and the rest with numpy 2. The table is what `import mxnet` looks up in vain
with numpy 2.5, the newest in the locks; older ones lack a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

STAYING: Final = frozenset({"bool", "Inf"})
"""What MXNet looks up not only in its import: arrays of `mxnet.numpy`, and gluon's estimators."""


def removed_names() -> dict[str, Any]:
    """Return each name that MXNet may lack, and what takes its place.

    The financial functions have no heir: MXNet only copies them into `mxnet.numpy`, where this
    program calls none of them, and for that None will do.
    """
    known = {
        "bool": bool,
        "Inf": np.inf, "PINF": np.inf, "NINF": -np.inf, "NAN": np.nan, "NaN": np.nan,
        "PZERO": 0.0, "NZERO": -0.0,
        "alltrue": np.all, "sometrue": np.any, "product": np.prod, "round_": np.round,
        "in1d": _in1d, "msort": _msort, "trapz": getattr(np, "trapezoid", None),
    }  # fmt: skip
    return {**known, **dict.fromkeys(("mirr", "npv", "pmt", "ppmt", "pv", "rate"))}


@contextmanager
def restored(module: Any = np) -> Iterator[tuple[str, ...]]:
    """Put the missing ones of these names into numpy for the time of an import.

    Args:
        module: numpy; tests pass a stand-in.

    Yields:
        The names that were missing. Afterwards those of `STAYING` are still there and the others
        are gone again, whether the import succeeded or not.
    """
    # Not hasattr: numpy 1.26 answers a look-up of `bool` with a FutureWarning.
    lacking = {name: value for name, value in removed_names().items() if name not in vars(module)}
    vars(module).update(lacking)
    try:
        yield tuple(sorted(lacking))
    finally:
        for name in lacking.keys() - STAYING:
            vars(module).pop(name, None)


def _in1d(ar1: Any, ar2: Any, **options: Any) -> Any:
    return np.isin(np.asarray(ar1).ravel(), ar2, **options)


def _msort(a: Any) -> Any:
    return np.sort(a, axis=0)
