"""Whatever a photo's size is, there is one to which a painting can be brought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.own_size import largest, sizes


@given(
    st.tuples(st.integers(400, 20_000), st.integers(400, 20_000)),
    st.integers(100_000, 10_000_000),
)
def test_however_large_a_photo_is_there_is_a_size_to_refine_it_in(whole, most):
    first, *others = sizes(whole, most)
    pixels = whole[0] * whole[1]
    if pixels <= most:
        assert first == whole
    else:
        assert 0.9 * most < first[0] * first[1] <= most
    assert [max(size) for size in others] == sorted(map(max, others), reverse=True)


@pytest.mark.parametrize(
    ("fits", "found", "told"),
    [
        (1000, (600, 1000), ""),
        (800, (420, 700), "1000x600 was done at 700x420"),
        (300, None, "1000x600 was only enlarged to that"),
    ],
)
def test_the_largest_that_fits_is_taken_and_it_is_told_what_was_done(fits, found, told):
    def attempt(size):
        return size if max(size) <= fits else None

    came = largest((600, 1000), (240, 400), 10**6, attempt, "{1}x{0} was {2}", "done at {1}x{0}")
    assert came == (found, told)
