"""What every optimiser can do, and how one is made for a recipe."""

from __future__ import annotations

from typing import Protocol

from engine.adam import Adam
from engine.lbfgs import Lbfgs
from engine.mx import Array
from engine.recipe import Recipe
from engine.snapshot import State


class Optimizer(Protocol):
    """One step at a time; the caller evaluates the loss in between."""

    def step(self, image: Array, gradient: Array, loss: float) -> Array:
        """Return the next image, (1, 3, H, W), given gradient and loss at this one."""
        ...

    def gentler(self) -> None:
        """Forget what was learned of the landscape and take smaller steps from here on."""
        ...

    def state(self) -> State:
        """Everything that decides the steps to come; true until the next step."""
        ...

    def restore(self, state: State, image: Array) -> None:
        """Go on from a `state`, for images shaped and placed like `image`."""
        ...


def make_optimizer(recipe: Recipe) -> Optimizer:
    """The optimiser that a recipe asks for, new."""
    if recipe.optimizer == "adam":
        return Adam(recipe.learning_rate)
    return Lbfgs(recipe.history)
