"""Putting numpy's removed names back for the time of an import."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.numpy_names import STAYING, removed_names, restored


@pytest.fixture
def bare() -> ModuleType:
    """A module that has none of the names."""
    return ModuleType("bare")


def test_missing_names_are_there_meanwhile(bare: ModuleType) -> None:
    with restored(bare) as lacking:
        assert set(lacking) == set(removed_names())
        assert bare.bool is bool
        assert np.isposinf(bare.PINF)
        assert bare.npv is None


def test_afterwards_only_those_that_are_looked_up_later_stay(bare: ModuleType) -> None:
    before = set(vars(bare))
    with restored(bare):
        pass
    assert set(vars(bare)) - before == STAYING


def test_a_failing_import_leaves_no_more_behind(bare: ModuleType) -> None:
    before = set(vars(bare))
    with pytest.raises(ImportError), restored(bare):
        raise ImportError
    assert set(vars(bare)) - before == STAYING


def test_names_that_are_there_are_left_alone() -> None:
    own: Any = SimpleNamespace(trapz="numpy's own", bool="numpy's own")
    with restored(own) as lacking:
        assert own.trapz == own.bool == "numpy's own"
        assert not {"trapz", "bool"} & set(lacking)
    assert own.trapz == own.bool == "numpy's own"


def test_what_takes_a_function_s_place_does_the_same() -> None:
    names = removed_names()
    table = np.array([[3.0, 1.0], [2.0, 5.0]])
    assert names["in1d"](table, [1, 2]).tolist() == [False, True, True, False]
    assert names["msort"](table).tolist() == [[2.0, 1.0], [3.0, 5.0]]
    assert names["product"](table) == 30
    assert bool(names["alltrue"](table))
    assert not names["sometrue"](table - table)
    assert names["round_"](2.567, 1) == 2.6
    assert np.signbit(names["NZERO"])
    assert not np.signbit(names["PZERO"])
    assert np.isnan(names["NaN"])
    assert np.isnan(names["NAN"])
