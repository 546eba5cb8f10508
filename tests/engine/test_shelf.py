"""What was given back is written over, and never more is kept than was in use at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mx import nd
from engine.shelf import NO_SHELF, Shelf

SHAPE = (2, 3)


def filled(value):
    """Makes an array of one value, in the one that is there."""

    def make(out):
        if out is None:
            return nd.full(SHAPE, value)
        out[:] = value
        return out

    return make


def test_what_was_given_back_is_written_over():
    shelf = Shelf()
    first = shelf.made(SHAPE, "float32", filled(1))
    shelf.put(first)
    second = shelf.made(SHAPE, np.float32, filled(2))
    assert second is first
    assert np.array_equal(second.asnumpy(), np.full(SHAPE, 2))


def test_what_is_in_use_is_not():
    shelf = Shelf()
    first, second = (shelf.made(SHAPE, "float32", filled(value)) for value in (1, 2))
    assert first is not second
    assert np.array_equal(first.asnumpy(), np.full(SHAPE, 1))


def test_what_was_to_be_read_before_is_read_before():
    shelf = Shelf()
    first = shelf.made(SHAPE, "float32", filled(1))
    read = first + 10
    shelf.put(first)
    shelf.made(SHAPE, "float32", filled(2))
    assert np.array_equal(read.asnumpy(), np.full(SHAPE, 11))


def test_another_shape_or_type_is_another_array():
    shelf = Shelf()
    shelf.put(shelf.made(SHAPE, "float32", filled(1)))
    assert shelf.made((3, 2), "float32", lambda out: out).shape == (3, 2)
    assert shelf.made(SHAPE, "float16", lambda out: out).dtype == np.float16
    assert shelf.bytes == 4 * 6


@given(st.lists(st.sampled_from(["take", "give", "give twice", "foreign"]), max_size=40))
def test_as_much_is_kept_as_was_in_use_at_once(story):
    shelf, used, most = Shelf(), [], 0
    for what in story:
        if what == "take":
            used.append(shelf.made(SHAPE, "float32", lambda out: out))
        elif what == "foreign":
            shelf.put(nd.zeros(SHAPE))
        elif used:
            array = used.pop()
            shelf.put(array)
            if what == "give twice":
                shelf.put(array)
        most = max(most, len(used))
        assert shelf.bytes == (most - len(used)) * 4 * 6


def test_without_a_shelf_everything_is_new_and_nothing_is_kept():
    first = NO_SHELF.made(SHAPE, "float32", filled(1))
    NO_SHELF.put(first)
    assert NO_SHELF.made(SHAPE, "float32", filled(2)) is not first
    assert NO_SHELF.bytes == 0


def test_what_is_not_written_where_it_should_be_is_an_error():
    with pytest.raises(RuntimeError, match="written into"):
        Shelf().made(SHAPE, "float32", lambda _: nd.zeros(SHAPE))


def test_what_never_came_back_is_forgotten():
    shelf = Shelf()
    first = shelf.made(SHAPE, "float32", filled(1))
    shelf.forget()
    shelf.put(first)
    assert shelf.bytes == 0
