"""Large arrays that are as good as equal: `pytest.approx` takes seconds for one Gram matrix."""

from __future__ import annotations

from typing import Any

import numpy as np


class near:  # noqa: N801 - as `pytest.approx`, in whose place it stands
    """Compares as `pytest.approx`, all elements at once, with an array of the same shape.

    Args:
        expected: what it should be.
        rel: how far off each element may be, as a share of what is expected.
        abs: the same as a number; of both the larger one counts, and of none what pytest takes.
    """

    __array_ufunc__ = None  # numpy leaves the comparison to this
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        expected: Any,
        rel: float | None = None,
        abs: float | None = None,  # noqa: A002
    ) -> None:
        self._expected = np.asarray(expected).astype(np.float64)
        share = (1e-6 if abs is None else 0.0) if rel is None else rel
        self._may = np.maximum(share * np.abs(self._expected), 1e-12 if abs is None else abs)
        self._off = ""

    def __eq__(self, found: object) -> bool:  # noqa: D105
        array = np.asarray(found).astype(np.float64)
        if array.shape != self._expected.shape:
            self._off = f", not {array.shape}"
            return False
        off = np.abs(array - self._expected)
        wrong = ~(off <= self._may)  # also what is not a number
        if wrong.any():
            self._off = f": {wrong.sum()} are not, by up to {off.max()}"
        return not wrong.any()

    def __repr__(self) -> str:  # noqa: D105
        return f"an array near one of shape {self._expected.shape}{self._off}"
