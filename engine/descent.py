"""One scale: step after step, keeping the best picture, until a limit or a plateau."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal, Protocol

from engine.bounds import inward, stepped, within
from engine.errors import DivergedError
from engine.mx import Array, nd
from engine.optimizer import Optimizer
from engine.progress import LossParts
from engine.recipe import Recipe
from engine.snapshot import State

BLOW_UP: Final = 3.0
"""A loss so many times the best one, and over the first one, is no overshoot any more."""

PLATEAU_STEPS: Final = 10
"""Steps over which a plateau is judged."""

_GIVEN_UP: Final = (
    "The painting became unstable twice and was given up. Try again with a smaller style weight, "
    "or with another size."
)

_SOLVED: Final = 0.01
"""Of the weights of all losses. Relative losses are shares of an energy: paintings end thirty times
higher, and bfloat16 alone may bring a photo that is its own style to a third of it in a step."""

StoppedBy = Literal["steps", "plateau", "time"]


@dataclass(frozen=True)
class Limits:
    """When a scale ends.

    Attributes:
        steps: at most so many optimiser steps.
        plateau: end when the best loss fell by less than this share in ten steps; 0 never.
        deadline: end when the clock reaches this; None never.
        solved: a loss up to this is no blow-up: it is so small that it tells of rounding.
    """

    steps: int
    plateau: float = 0.0
    deadline: float | None = None
    solved: float = 0.0


def solved(recipe: Recipe) -> float:
    """Total loss up to which a picture is as good as what it is compared with; 0 if unknown."""
    if recipe.normalization != "relative":
        return 0.0
    return _SOLVED * (recipe.content_weight + recipe.style_weight)


class Landscape(Protocol):
    """What is descended: an `engine.objective.Objective`, or what stands for one."""

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """Loss and gradient of an image, (1, 3, H, W)."""
        ...


class Descent:
    """Minimise an objective from a start; iterate over it to let it work.

    Pixels stay between black and white (see `engine.bounds`).

    A loss that is not finite, or over the first one and several times the best, rolls back to the
    best picture and goes on gentler. A step that only led too far up may need this several times:
    each takes the next one less far. What is no number at all is given up if it had to roll back
    before, for whatever reason.

    Args:
        objective: value and gradient.
        optimizer: takes the steps.
        start: image to begin with, (1, 3, H, W).
        limits: when to end.
        clock: seconds, monotonic.
        rolled_back: whether this was necessary on an earlier scale: then it goes on as gently,
            and the next loss that is no number is the second.

    Attributes:
        best: the best image that was seen.
        best_loss: its loss; None before the first step.
        steps: steps taken so far.
        rolled_back: whether it had to go back to the best picture, here or on an earlier scale.
        stopped_by: why it ended.
    """

    def __init__(  # noqa: PLR0913 - this is where all of these meet
        self,
        objective: Landscape,
        optimizer: Optimizer,
        start: Array,
        limits: Limits,
        clock: Callable[[], float],
        *,
        rolled_back: bool = False,
    ) -> None:
        self._objective = objective
        self._optimizer = optimizer
        self._limits = limits
        self._clock = clock
        self.rolled_back = rolled_back
        if rolled_back:
            optimizer.gentler()
        self._history: list[float] = []
        self._image = within(start)
        self._gradient: Array | None = None  # there; None before it is known
        self.best = self._image
        self.best_loss: LossParts | None = None
        self.steps = 0
        self.stopped_by: StoppedBy = "steps"

    def __iter__(self) -> Iterator[float]:
        """Yield the loss after each step.

        Raises:
            DivergedError: the loss blew up before, and is no number now.
        """
        if self._gradient is None:
            self._gradient = self._judge(self._image)
            if self._gradient is None:
                raise DivergedError(_GIVEN_UP)
        while not self._over():
            self._step()
            yield self._history[-1]

    def state(self) -> State:
        """Everything that decides the steps to come, between two of them."""
        if self._gradient is None or self.best_loss is None:
            raise RuntimeError("nothing is known before the first step")
        numbers = {
            "history": list(self._history),
            "best_loss": asdict(self.best_loss),
            "steps": self.steps,
            "rolled_back": self.rolled_back,
        }
        arrays = {"image": self._image, "gradient": self._gradient, "best": self.best}
        return State(numbers, arrays) | self._optimizer.state().within("optimizer")

    def restore(self, state: State) -> None:
        """Go on from a `state`, before the first step."""
        context, known = self.best.context, state.numbers
        self._image, self._gradient, self.best = (
            nd.array(state.arrays[name], ctx=context) for name in ("image", "gradient", "best")
        )
        self._history = list(known["history"])
        self.best_loss = LossParts(**known["best_loss"])
        self.steps, self.rolled_back = known["steps"], known["rolled_back"]
        self._optimizer.restore(state.part("optimizer"), self._image)

    def _step(self) -> None:
        moved = self._optimizer.step(self._image, self._gradient, self._history[-1])
        self._image = stepped(self._image, self._gradient, moved)
        del moved
        self.steps += 1
        self._gradient = None  # not to lie beside the next one
        self._gradient = self._judge(self._image)
        if self._gradient is None:
            self._image, self._gradient = self.best, self._roll_back()

    def _judge(self, image: Array) -> Array | None:
        """Evaluate an image and keep it if it is the best; None if it blew up.

        Raises:
            DivergedError: it did, before too, and its loss is no number.
        """
        loss, gradient = self._objective.evaluate(image)
        if self.rolled_back and not math.isfinite(loss.total):
            raise DivergedError(_GIVEN_UP)
        best = self.best_loss
        limit = math.inf if best is None else self._limit(best.total)
        if not math.isfinite(loss.total) or loss.total > limit:
            return None
        if best is None or loss.total < best.total:
            self.best, self.best_loss = image, loss
        self._history.append(loss.total)
        return inward(gradient, image)

    def _limit(self, best: float) -> float:
        return max(BLOW_UP * best, self._history[0], self._limits.solved)

    def _roll_back(self) -> Array:
        """Go back to the best picture with a gentler optimiser."""
        self.rolled_back = True
        self._optimizer.gentler()
        loss, gradient = self._objective.evaluate(self.best)
        self._history.append(loss.total)
        return inward(gradient, self.best)

    def _over(self) -> bool:
        if self.steps >= self._limits.steps:
            self.stopped_by = "steps"
        elif self._limits.deadline is not None and self._clock() >= self._limits.deadline:
            self.stopped_by = "time"
        elif self._flat():
            self.stopped_by = "plateau"
        else:
            return False
        return True

    def _flat(self) -> bool:
        if not self._limits.plateau or len(self._history) <= PLATEAU_STEPS:
            return False
        before, now = min(self._history[:-PLATEAU_STEPS]), min(self._history)
        return before - now < self._limits.plateau * before
