"""Adam on the pixels of an image (Kingma and Ba 2015, algorithm 1)."""

from __future__ import annotations

import math

from engine.mx import Array, nd
from engine.snapshot import State


class Adam:
    """Adam with bias correction.

    Args:
        learning_rate: length of a step, in grey levels of 0 to 255.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of their squares.
    """

    def __init__(self, learning_rate: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self._rate = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._steps = 0
        self._mean: Array | None = None
        self._square: Array | None = None

    def step(self, image: Array, gradient: Array, loss: float = math.inf) -> Array:  # noqa: ARG002
        """Return the next image given the gradient at this one; the loss itself says nothing."""
        if self._mean is None or self._square is None:
            self._mean, self._square = nd.zeros_like(image), nd.zeros_like(image)
        self._steps += 1
        self._mean = self._beta1 * self._mean + (1 - self._beta1) * gradient
        self._square = self._beta2 * self._square + (1 - self._beta2) * nd.square(gradient)
        mean = self._mean / (1 - self._beta1**self._steps)
        root = nd.sqrt(self._square / (1 - self._beta2**self._steps))
        # Relative losses have gradients far below the usual 1e-8: it would swallow them whole.
        return image - self._rate * mean / (root + 1e-16)

    def gentler(self) -> None:
        """Forget the moments and take a third of the step."""
        self._rate /= 3
        self._steps, self._mean, self._square = 0, None, None

    def state(self) -> State:
        """Step count, rate and both moments."""
        moments = {"mean": self._mean, "square": self._square}
        known = {name: array for name, array in moments.items() if array is not None}
        return State({"steps": self._steps, "rate": self._rate}, known)

    def restore(self, state: State, image: Array) -> None:
        """Go on from a `state`."""
        self._steps, self._rate = state.numbers["steps"], state.numbers["rate"]
        moments = [
            nd.array(state.arrays[name], ctx=image.context) if name in state.arrays else None
            for name in ("mean", "square")
        ]
        self._mean, self._square = moments
