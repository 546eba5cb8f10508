"""What stands in the place of `pytest.approx` says the same as that."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.near import near

RIGHT = np.array([[1.0, -2.0, 0.0], [5000.0, 0.5, 3.0]])
OFF = [0.0, 1e-13, 1e-7, 1e-4, 0.9e-3, 1.1e-3, 4.9e-3, 5.1e-3, 0.02, np.nan, np.inf]


@pytest.mark.parametrize("by", OFF)
@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 0), (1, 1)])
@pytest.mark.parametrize("may", [{}, {"rel": 1e-3}, {"abs": 1e-3}, {"rel": 1e-5, "abs": 0.01}])
def test_it_says_what_pytest_s_says(by, place, may):
    found = RIGHT.copy()
    found[place] += by
    assert (found == near(RIGHT, **may)) == (found == pytest.approx(RIGHT, **may))
    assert (near(RIGHT, **may) == found) == (pytest.approx(RIGHT, **may) == found)


def test_it_tells_how_far_off_it_is():
    other = near(RIGHT)
    assert not (RIGHT + 1 == other)  # noqa: SIM201, SIM300 - what numpy makes of it
    assert "6 are not, by up to 1.0" in repr(other)


def test_an_array_of_another_shape_is_another_one():
    other = near(RIGHT)
    assert not (np.zeros((3, 2)) == other)  # noqa: SIM201
    assert repr(other) == "an array near one of shape (2, 3), not (3, 2)"
    assert not (np.zeros(3) == near(np.zeros((1, 3))))  # noqa: SIM201
