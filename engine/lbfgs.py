"""L-BFGS on the pixels of an image, with a few short waits for the device a step.

The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) needs only the dot products among
the remembered steps `s`, gradient changes `y` and the gradient `g`. They are kept as a table on the
host and the recursion is done on coefficients (Chen, Wang, Zhou 2014, "Large-scale L-BFGS using
MapReduce", algorithm 3): a step is a product on the device for each new column of the table, a few
hundred flops here, and one product for the direction.

In the middle of the recursion stands a first guess at the inverse of the curvature, in the textbook
one number. Here it is learned from the latest pairs for each place and band of the picture (see
`engine.curvature`), with which far fewer steps are needed; and what it makes of the gradient is one
more vector in the table. Its bands are of blocks, in another grid at each step: in the same one
throughout, the blocks could be seen in the picture.

There is no line search: as in neural-style, a unit step along the quasi-Newton direction is taken,
but never longer than a trust radius. The first step, which knows no curvature, follows the gradient
and is no longer than Polyak's for a loss that cannot fall below zero (Polyak 1969, "Minimization of
unsmooth functionals"): where the start is nearly the solution, a longer one would lead away from
it.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.curvature import Curvature
from engine.mx import Array, nd
from engine.snapshot import State
from engine.wavelets import Wavelets, grid_at

FIRST_STEP: Final = 4.0
"""Largest root mean square of the first step, in grey levels: nothing is known of the curvature."""

TRUST: Final = 25.0
"""Largest root mean square of a step, in grey levels."""

INSTRUCTIVE: Final = 3
"""Pairs that the first guess is learned from, the latest: five are no better, and more work."""

LEAST_COSINE: Final = 1e-6
"""Of the angle between a step and its change of gradient; below it rounding has won."""


class Lbfgs:
    """Limited-memory BFGS.

    Args:
        history: how many pairs (s, y) are remembered.
        trust: largest root mean square of a step, in grey levels of 0 to 255.
    """

    def __init__(self, history: int = 10, trust: float = TRUST) -> None:
        self._history = history
        self._trust = trust
        self._first = FIRST_STEP
        self._steps = 0  # that were taken, also those that are forgotten
        self._forget()

    def _forget(self) -> None:
        self._order: list[int] = []  # slots in use, oldest first
        # (2 * history + 2, n): all s, all y, the gradient, and what is made of it
        self._vectors: Array | None = None
        self._table = np.zeros((2 * self._history + 2,) * 2)
        self._image: Array | None = None
        self._size = (0, 0)

    def step(self, image: Array, gradient: Array, loss: float = math.inf) -> Array:
        """Return the next image given the gradient at this one.

        Args:
            image: (1, 3, H, W) float32.
            gradient: of the loss, shaped as the image.
            loss: the loss itself, which bounds the first step; infinite where it is not known.
        """
        flat, slope = image.reshape((-1,)), gradient.reshape((-1,))
        self._remember(flat, slope)
        self._size = image.shape[2:]
        coefficients = self._direction(loss)
        self._steps += 1
        assert self._vectors is not None  # noqa: S101 - _remember has made it
        move = nd.dot(nd.array(coefficients, ctx=image.context), self._vectors)
        self._image = flat
        return (flat + move).reshape(image.shape)

    def _remember(self, flat: Array, slope: Array) -> None:
        """Bring vectors and table up to date with the new point and its gradient."""
        row = 2 * self._history
        changed = [row]
        if self._vectors is None or self._image is None:
            self._vectors = nd.zeros((row + 2, flat.size), ctx=flat.context)
        else:
            changed += self._learn(flat - self._image, slope - self._vectors[row])
        self._vectors[row] = slope
        self._fill(changed)

    def _learn(self, step: Array, change: Array) -> list[int]:
        """Remember a pair if it tells of positive curvature; others would spoil the direction.

        Returns:
            The rows of the vectors that are new.
        """
        pairs = ((step, change), (step, step), (change, change))
        curvature, length, turn = nd.concat(*(nd.dot(*pair) for pair in pairs), dim=0).asnumpy()
        # Asked in this way round, so that what is no number is refused too. Under the least that
        # float32 can tell from nothing squares of lengths are nothing.
        if not min(length, turn) > np.finfo(np.float32).tiny:
            return []
        if not curvature > LEAST_COSINE * np.sqrt(float(length) * float(turn)):
            return []
        slot = self._order[0] if len(self._order) == self._history else len(self._order)
        self._order = [*(other for other in self._order if other != slot), slot]
        rows = [slot, self._history + slot]
        for row, vector in zip(rows, (step, change), strict=True):
            self._vectors[row] = vector  # type: ignore[index]
        return rows

    def _fill(self, rows: list[int]) -> None:
        """Compute rows of the table: one read of all vectors for each, and no copy of any."""
        vectors: Array = self._vectors
        products = nd.concat(*(nd.dot(vectors, vectors[row]) for row in rows), dim=0).asnumpy()
        table = products.astype(np.float64).reshape(len(rows), -1)
        self._table[rows, :] = table
        self._table[:, rows] = table.T

    def _direction(self, loss: float) -> NDArray[np.float64]:
        """Coefficients of the step over the remembered vectors, its length bounded."""
        gradient = _unit(len(self._table), 2 * self._history)
        coefficients: NDArray[np.float64] = -self._two_loops(gradient) if self._order else -gradient
        if self._dot(coefficients, gradient) >= 0:  # no descent: rounding has spoiled the memory
            self._order.clear()
            coefficients = -gradient
        scaled: NDArray[np.float64] = coefficients * self._factor(coefficients, loss)
        return scaled

    def _factor(self, direction: NDArray[np.float64], loss: float) -> float:
        """What a direction is multiplied with, so that the step is no longer than it may be."""
        size = int(self._vectors.shape[1])  # type: ignore[union-attr]
        length = float(np.sqrt(max(self._dot(direction, direction), 0.0) / size))
        if not length:
            return 0.0
        if self._order:  # with curvature a unit step is right
            return min(1.0, self._trust / length)
        # The gradient has no scale of its own. Over `loss / length**2` a loss that went on falling
        # as it does here would be zero. Where a step led up, less is made of that.
        guess = loss / (size * length) * (self._first / FIRST_STEP)
        return min(self._first, self._trust, guess) / length

    def _two_loops(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nocedal and Wright, algorithm 7.4, on coefficients."""
        q: NDArray[np.float64] = gradient.copy()
        alphas: dict[int, float] = {}
        for slot in reversed(self._order):
            alphas[slot] = self._row(slot, q) / self._pair(slot)
            q[self._history + slot] -= alphas[slot]
        q = self._scaled(q)
        for slot in self._order:
            beta = self._row(self._history + slot, q) / self._pair(slot)
            q[slot] += alphas[slot] - beta
        return q

    def _scaled(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        """A first guess at what the inverse of the curvature makes of a vector, on coefficients."""
        assert self._vectors is not None  # noqa: S101 - as in `step`
        row, vectors = len(self._table) - 1, self._vectors
        slots = self._order[-INSTRUCTIVE:]
        changes = [vectors[self._history + slot] for slot in slots]
        wavelets = Wavelets(self._size, vectors.context, grid_at(self._steps))
        curvature = Curvature(wavelets, [vectors[slot] for slot in slots], changes)
        vectors[row] = curvature.scaled(nd.dot(nd.array(q, ctx=vectors.context), vectors))
        self._fill([row])
        # As long as the last step would have it (Nocedal and Wright, equation 7.20).
        return _unit(row + 1, row) * (self._pair(self._order[-1]) / curvature.squared(changes[-1]))

    def _pair(self, slot: int) -> float:
        return float(self._table[slot, self._history + slot])

    def _row(self, row: int, coefficients: NDArray[np.float64]) -> float:
        return float(self._table[row] @ coefficients)

    def _dot(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
        return float(left @ self._table @ right)

    def gentler(self) -> None:
        """Forget the memory and trust a third of the lengths."""
        self._trust /= 3
        self._first /= 3
        self._forget()

    def state(self) -> State:
        """Rows that are in use, table, order, last image; how long steps may be, how many were."""
        numbers = {
            "trust": self._trust,
            "first": self._first,
            "steps": self._steps,
            "order": list(self._order),
            "table": self._table.tolist(),
        }
        if self._vectors is None or self._image is None:
            return State(numbers)
        rows = {str(row): self._vectors[row] for row in self._rows_in_use()}
        return State(numbers, {**rows, "image": self._image})

    def restore(self, state: State, image: Array) -> None:
        """Go on from a `state`; the history must be as long as the one that was saved."""
        self._forget()
        self._trust, self._first = state.numbers["trust"], state.numbers["first"]
        self._steps = state.numbers["steps"]
        self._order = list(state.numbers["order"])
        self._table = np.array(state.numbers["table"])
        if "image" not in state.arrays:
            return
        self._image = nd.array(state.arrays["image"], ctx=image.context)
        self._vectors = nd.zeros((2 * self._history + 2, image.size), ctx=image.context)
        for row in self._rows_in_use():
            self._vectors[row] = nd.array(state.arrays[str(row)], ctx=image.context)

    def _rows_in_use(self) -> list[int]:
        """Steps, changes and the gradient; what is made of it is made anew at each step."""
        changes = [self._history + slot for slot in self._order]
        return [*self._order, *changes, 2 * self._history]


def _unit(length: int, row: int) -> NDArray[np.float64]:
    """Coefficients of one vector alone."""
    found = np.zeros(length)
    found[row] = 1.0
    return found
