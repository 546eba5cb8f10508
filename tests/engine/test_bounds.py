"""What is minimised is what is shown: pixels stay between black and white."""

from __future__ import annotations

import numpy as np
import pytest

from engine.adam import Adam
from engine.bounds import inward, stepped, within
from engine.descent import Descent, Limits
from engine.lbfgs import Lbfgs
from engine.mx import nd
from engine.progress import LossParts

SHAPE = (1, 3, 16, 20)


def test_what_is_beyond_is_brought_back():
    image = nd.array([[-3.0, 0, 100], [255, 255.5, 1e9]])
    assert within(image).asnumpy().tolist() == [[0, 0, 100], [255, 255, 255]]


def test_only_what_leads_out_is_left_out():
    image = nd.array([0.0, 0, 128, 128, 255, 255])
    gradient = nd.array([2.0, -3, 4, -5, 6, -7])
    # Against the gradient: darker, lighter, darker, lighter, darker, lighter.
    assert inward(gradient, image).asnumpy().tolist() == [0, -3, 4, -5, 6, 0]


def test_only_a_pixel_with_a_gradient_is_moved_and_no_further_than_the_bounds():
    image, gradient = nd.array([0.0, 0, 128, 128, 255]), nd.array([0.0, -3, 4, -5, 0])
    moved = nd.array([9.0, 9, -9, 999, 99])
    assert stepped(image, gradient, moved).asnumpy().tolist() == [0, 9, 0, 255, 255]


class Coupled:
    """A bowl around a target that is out of bounds in part, each pixel bound to its neighbours."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.target = rng.uniform(-150, 400, SHAPE)

    def loss(self, image):
        away = image - self.target
        rough = away - np.roll(away, 1, axis=3)
        gradient = away + 4 * (rough - np.roll(rough, -1, axis=3))
        return 0.5 * float((away**2).mean() + 4 * (rough**2).mean()), gradient / away.size

    def evaluate(self, image):
        loss, gradient = self.loss(image.asnumpy().astype(np.float64))
        return LossParts(loss, loss), nd.array(gradient)

    def least(self):
        """By projected gradient descent (Bertsekas 1976), as long as it takes."""
        image = np.full(SHAPE, 128.0)
        for _ in range(2000):
            image = np.clip(image - self.loss(image)[1] * image.size / 17, 0, 255)
        return self.loss(image)[0]


@pytest.mark.parametrize(
    ("optimizer", "steps", "near"), [(Lbfgs(10), 60, 1.0001), (Adam(10), 150, 1.0001)]
)
def test_the_least_loss_within_the_bounds_is_found(optimizer, steps, near):
    landscape = Coupled()
    work = Descent(landscape, optimizer, nd.full(SHAPE, 128), Limits(steps), lambda: 0.0)
    list(work)
    found = work.best.asnumpy()
    assert found.min() == 0
    assert found.max() == 255
    assert work.best_loss.total <= near * landscape.least()


def test_a_start_that_is_beyond_counts_as_it_is_shown():
    landscape = Coupled()
    start = nd.array(landscape.target)
    work = Descent(landscape, Lbfgs(10), start, Limits(3), lambda: 0.0)
    list(work)
    assert work.best_loss.total > 0
    assert 0 <= work.best.asnumpy().min() <= work.best.asnumpy().max() <= 255
