"""L-BFGS against problems whose answers are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.curvature import Curvature
from engine.lbfgs import FIRST_STEP, INSTRUCTIVE, TRUST, Lbfgs
from engine.mx import mx, nd
from engine.wavelets import Wavelets, grid_at

SHAPE = (1, 3, 8, 8)


def bowl(seed=0):
    """A quadratic with eigenvalues over three decades: minimum and gradient."""
    generator = np.random.default_rng(seed)
    middle = generator.uniform(0, 255, SHAPE)
    curvature = 10 ** generator.uniform(-3, 0, SHAPE)
    return middle, lambda x: nd.array(curvature * (x.asnumpy() - middle))


def rms(array):
    return float(np.sqrt(np.mean(np.square(array))))


def test_it_finds_the_bottom_of_a_bowl():
    middle, slope = bowl()
    x, optimizer = nd.zeros(SHAPE), Lbfgs(history=20)
    for _ in range(150):
        x = optimizer.step(x, slope(x))
    assert rms(x.asnumpy() - middle) < 0.5


def test_its_direction_is_the_textbooks():
    """The table of dot products must give what the two-loop recursion on whole vectors gives."""
    _, slope = bowl(1)
    x, optimizer, points = nd.zeros(SHAPE), Lbfgs(history=7, trust=1e9), []
    for _ in range(10):
        points.append((x.asnumpy().ravel().astype(np.float64), slope(x).asnumpy().ravel()))
        x = optimizer.step(x, slope(x))
    pairs = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)][-7:]
    moved = x.asnumpy().ravel() - points[-1][0]
    expected = -two_loops(points[-1][1].astype(np.float64), pairs)
    assert np.linalg.norm(moved - expected) < 1e-2 * np.linalg.norm(expected)


def first_guess(pairs):
    latest = zip(*pairs[-INSTRUCTIVE:], strict=True)
    steps, changes = ([nd.array(each) for each in side] for side in latest)
    curvature = Curvature(Wavelets(SHAPE[2:], mx.cpu(), grid_at(9)), steps, changes)
    return lambda vector: curvature.scaled(nd.array(vector)).asnumpy().astype(np.float64)


def two_loops(q, pairs):
    alphas = []
    for s, y in reversed(pairs):
        alphas.append(s @ q / (s @ y))
        q = q - alphas[-1] * y
    s, y = pairs[-1]
    scale = first_guess(pairs)
    q = scale(q) * (s @ y) / (y @ scale(y))
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q = q + (alpha - y @ q / (s @ y)) * s
    return q


def test_no_step_is_longer_than_it_may_be():
    _, slope = bowl()
    x, optimizer = nd.zeros(SHAPE), Lbfgs()
    for number in range(20):
        before, x = x, optimizer.step(x, 1e6 * slope(x))
        assert rms((x - before).asnumpy()) <= (TRUST if number else FIRST_STEP) * 1.001


def test_the_first_step_does_not_lead_beyond_where_the_loss_would_be_zero():
    """On `a + slope * x` the loss reaches zero where Polyak's step leads."""
    x, slope, loss = nd.zeros(SHAPE), nd.full(SHAPE, 0.5), 0.01
    moved = Lbfgs().step(x, slope, loss).asnumpy()
    assert float((0.5 * moved).sum()) == pytest.approx(-loss, rel=1e-3)
    assert rms(Lbfgs().step(x, slope, 1e9).asnumpy()) == pytest.approx(FIRST_STEP, rel=1e-3)


def test_a_flat_place_is_left_where_it_is():
    x = nd.ones(SHAPE)
    assert np.array_equal(Lbfgs().step(x, nd.zeros(SHAPE)).asnumpy(), x.asnumpy())


def test_it_steps_shorter_after_it_was_told_to_be_gentler():
    _, slope = bowl()
    optimizer = Lbfgs(trust=3.0)
    optimizer.gentler()
    x = nd.zeros(SHAPE)
    assert rms(optimizer.step(x, slope(x)).asnumpy()) == pytest.approx(1.0, rel=1e-3)


def test_the_first_step_is_shorter_too_after_that():
    _, slope = bowl()
    optimizer, x = Lbfgs(), nd.zeros(SHAPE)
    optimizer.gentler()
    assert rms(optimizer.step(x, slope(x)).asnumpy()) == pytest.approx(FIRST_STEP / 3, rel=1e-3)


def test_so_is_one_whose_length_the_loss_has_said():
    _, slope = bowl()
    bold, gentle, x = Lbfgs(), Lbfgs(), nd.zeros(SHAPE)
    gentle.gentler()
    lengths = [rms(each.step(x, slope(x), 1e-3).asnumpy()) for each in (bold, gentle)]
    assert lengths[0] < FIRST_STEP
    assert lengths[1] == pytest.approx(lengths[0] / 3, rel=1e-3)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_the_unit_of_the_loss_does_not_matter(unit):
    _, slope = bowl()
    x = y = nd.zeros(SHAPE)
    one, other = Lbfgs(), Lbfgs()
    for _ in range(8):
        x, y = one.step(x, slope(x)), other.step(y, unit * slope(y))
    assert np.allclose(x.asnumpy(), y.asnumpy(), atol=0.5)


def test_a_gradient_that_float32_cannot_square_is_no_curvature():
    _, slope = bowl()
    x, optimizer = nd.zeros(SHAPE), Lbfgs()
    for _ in range(3):
        x = optimizer.step(x, 1e-25 * slope(x))
    assert np.isfinite(x.asnumpy()).all()


@pytest.mark.parametrize("size", [(64, 64), (37, 51)])
def test_what_is_stiff_in_fine_detail_is_solved_in_few_steps(size):
    """A loss whose curvature rises with the square of the frequency, as a membrane's does."""
    middle = np.random.default_rng(0).uniform(0, 255, (1, 3, *size))

    def slope(x):
        off = x.asnumpy().astype(np.float64) - middle
        around = sum(np.roll(off, step, axis) for axis in (2, 3) for step in (-1, 1))
        return nd.array(4.01 * off - around)

    errors = {}
    for name, optimizer in (("learned", Lbfgs()), ("one number", _Plain())):
        x = nd.full(middle.shape, 127.0)
        for _ in range(25):
            x = optimizer.step(x, slope(x))
        errors[name] = rms(x.asnumpy() - middle)
    assert errors["learned"] < 0.7 * errors["one number"]


class _Plain(Lbfgs):
    """The textbook's: one number stands for the curvature."""

    def _scaled(self, q):
        slot = self._order[-1]
        return q * self._pair(slot) / self._table[(self._history + slot,) * 2]


def test_a_restored_optimiser_takes_the_same_steps():
    _, slope = bowl()
    x, optimizer = nd.zeros(SHAPE), Lbfgs(history=3)
    for _ in range(6):
        x = optimizer.step(x, slope(x))
    other = Lbfgs(history=3)
    other.restore(optimizer.state(), x)
    y = x
    for _ in range(4):
        x, y = optimizer.step(x, slope(x)), other.step(y, slope(y))
    assert np.array_equal(x.asnumpy(), y.asnumpy())
