"""The door of the engine: a painter with its network ready, one picture at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine import pyramid
from engine.descent import Descent, Limits
from engine.memory import WORKSPACE, Fit, MemoryPlan, fitting, plan_memory
from engine.mx import Array, mx
from engine.objective import Grams, Objective, style_grams
from engine.optimizer import make_optimizer
from engine.placing import Wanted, place
from engine.progress import LossParts, Painting, Progress
from engine.recipe import Recipe
from engine.retreat import Retreat
from engine.room import card_room, give_back, resident, room
from engine.stages import Tiling, style_tiling
from engine.style_store import StyleStore
from engine.weights import load

STATISTICS: Final = 2
"""Changed whenever a style's statistics come out differently: trimming, resampling, network."""


class Painter:
    """VGG-19 with its trained weights, resident on a device, and the styles that it has seen.

    Args:
        weights: folder of the trained weights (`vgg19.params` and its manifest).
        device: `auto` takes a GPU where MXNet can really use one.
        precision: of the network's maps; `auto` takes the fastest that passes a self-check.
        max_memory: bytes that this process may hold; unset, most of what is free.
        styles: where the statistics of styles are kept; unset, in memory.
        clock: monotonic seconds.

    Attributes:
        network: VGG-19, on the device.
        device: where it computes, in which precision, and why so.
        weights_sha256: of the weights file.

    Raises:
        WeightsError: there are no usable weights in the folder.
        DeviceError: the device or precision that was asked for cannot be used.
    """

    def __init__(  # noqa: PLR0913 - settings, each with a default
        self,
        weights: Path,
        device: Literal["auto", "cpu", "gpu"] = "auto",
        *,
        precision: Wanted = "auto",
        max_memory: int | None = None,
        styles: StyleStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        trained = load(weights)
        placed = place(trained, device, precision)
        self.device = placed.report
        self.weights_sha256 = trained.sha256
        self.network = placed.network
        self._context = placed.context
        self._max_memory = max_memory
        self._clock = clock
        self._styles = styles or StyleStore()
        self._network_key = (
            f"{STATISTICS} {trained.sha256} {trained.convention} {placed.report.precision}"
        )
        self._held: int | None = None  # before the first picture

    def paint(
        self, content: NDArray[Any], style: NDArray[Any], recipe: Recipe
    ) -> Iterator[Progress | Painting]:
        """Paint a picture; gives `Progress` after each step and, last, the `Painting`.

        Closing the iterator gives the picture up. The pictures may be let go once this returns.

        Args:
            content: (H, W, 3) uint8 or float in 0 to 255, sRGB.
            style: the same, of any size.
            recipe: how to paint.

        Raises:
            PictureError: a picture is no picture, too narrow, or larger than the memory allows.
            DivergedError: the optimisation blew up twice.
        """
        # Not a generator itself: that would hold pictures of any size until the end.
        return _Session(self, content, style, recipe).work()

    def plan(self, size: pyramid.Size, style: pyramid.Size, recipe: Recipe) -> MemoryPlan:
        """How a picture and a style of these sizes are worked through with the memory there is now.

        Raises:
            PictureError: it is too large.
        """
        held, most = self._card_memory() or self._memory()
        width = self.network.precision.width
        return plan_memory(size, recipe, held, most, style, width=width)

    def _memory(self) -> tuple[int, int]:
        """Bytes that this process holds, and that it may hold."""
        give_back()
        if self._held is None:
            self._held = resident()
        # After the first picture the process holds some of what the plan counts for each.
        return max(self._held, resident() - WORKSPACE), room(self._max_memory)

    def _card_memory(self) -> tuple[int, int] | None:
        """The same of the card, if one paints."""
        if self._context.device_type != "gpu":
            return None
        self._context.empty_cache()  # what MXNet keeps there for later is free
        free, total = mx.context.gpu_memory_info(self._context.device_id)
        return card_room(free, total, self._max_memory)

    def grams(self, style: pyramid.Picture, digest: str, recipe: Recipe) -> Grams:
        """Gram matrices of a style picture at the recipe's taps, kept under its digest."""
        taps = sorted(recipe.style_layers)
        network = f"{self._network_key} {recipe.pooling} {recipe.padding}"
        key = f"{digest} {style.shape[:2]} {taps} {network}"
        found = self._styles.find(key, taps)
        if found is None:
            tiling = style_tiling(pyramid.size_of(style))
            grams = style_grams(self.network, self.to_device(style), recipe, tiling)
            found = {tap: gram.asnumpy() for tap, gram in grams.items()}
            self._styles.keep(key, found)
        return {tap: self.network.laid(gram) for tap, gram in found.items()}

    def objective(
        self, content: pyramid.Picture, grams: Grams, recipe: Recipe, tiling: Tiling | None = None
    ) -> Objective:
        """What is minimised for a content at one scale."""
        return Objective(self.network, self.to_device(content), grams, recipe, tiling)

    def to_device(self, picture: pyramid.Picture) -> Array:
        """Lay a picture on the painter's device."""
        return self.network.to_device(picture)

    def now(self) -> float:
        """Seconds of the painter's clock."""
        return self._clock()


class _Session:
    """One picture on its way through the scales."""

    def __init__(
        self, painter: Painter, content: NDArray[Any], style: NDArray[Any], recipe: Recipe
    ) -> None:
        self._painter = painter
        self._recipe = recipe
        pyramid.check(content, "content")
        pyramid.check(style, "style")
        self._plan = pyramid.plan(pyramid.size_of(content), recipe)
        # The largest sizes that are needed: what comes from a camera is many times as large.
        largest = self._plan[-1][0]
        style = pyramid.trimmed(style, recipe.style_trim)
        longest = pyramid.style_size(pyramid.size_of(style), max(largest))
        self._memory = painter.plan(largest, longest, recipe)
        self._content = pyramid.resized(content, largest)
        self._style = pyramid.resized(style, longest)
        self._digest = hashlib.sha256(self._style.data).hexdigest()
        self._began = painter.now()
        budget = recipe.time_budget
        self._deadline = None if budget is None else self._began + budget
        self._steps = 0
        self._tiles = self._memory.tiles
        self._stopped_by: Literal["steps", "plateau", "time"] = "steps"
        self._loss = LossParts(float("nan"), float("nan"))
        self._result: pyramid.Picture | None = None
        self._pace = 0.0  # seconds a step on the last scale that took one
        self._unstable = False

    def work(self) -> Iterator[Progress | Painting]:
        """Work through all scales, then give the painting."""
        yield from self._scales()
        yield self._painting()

    def _scales(self) -> Iterator[Progress]:
        before: pyramid.Picture | None = None
        for number, (size, steps) in enumerate(self._plan, start=1):
            content = pyramid.resized(self._content, size)
            start = self._start(before, content)
            objective = self._objective(content)
            descent = self._descent(objective, start, steps)
            yield from self._followed(descent, number)
            self._take(descent)
            self._heed(objective)
            del descent, objective  # its optimiser's memory is not to lie beside the next one's
            before = content

    def _start(self, before: pyramid.Picture | None, content: pyramid.Picture) -> pyramid.Picture:
        if before is None or self._result is None:
            return pyramid.first(content, self._recipe)
        return pyramid.carried(self._result, before, content)

    def _objective(self, content: pyramid.Picture) -> Retreat:
        painter, recipe = self._painter, self._recipe
        size = pyramid.style_size(pyramid.size_of(self._style), max(content.shape))
        style = pyramid.resized(self._style, size)
        grams = painter.grams(style, self._digest, recipe)
        finer = partial(self._fitting, pyramid.size_of(content))
        return Retreat(
            partial(painter.objective, content, grams, recipe),
            _first_fit(finer, self._memory.maps),
            finer,
        )

    def _fitting(self, size: pyramid.Size, room: int) -> Fit | None:
        width = self._painter.network.precision.width
        return fitting(size, self._recipe.taps, room, width=width)

    def _descent(self, objective: Retreat, start: pyramid.Picture, steps: int) -> Descent:
        return Descent(
            objective,
            make_optimizer(self._recipe.model_copy(update={"history": self._memory.history})),
            self._painter.to_device(start),
            Limits(steps, self._recipe.plateau, self._deadline),
            self._painter.now,
            rolled_back=self._unstable,
        )

    def _heed(self, objective: Retreat) -> None:
        """Know the tiles that it came to, and count on no more memory than there was for it."""
        self._tiles = objective.fit.tiling.tiles
        if objective.stepped_down:
            self._memory = replace(self._memory, maps=objective.fit.bytes)

    def _followed(self, descent: Descent, number: int) -> Iterator[Progress]:
        """Let one scale work and tell of each step."""
        (height, width), _ = self._plan[number - 1]
        began = self._painter.now()
        for loss in descent:
            self._steps += 1
            # The start was evaluated too, which costs what a step costs.
            self._pace = (self._painter.now() - began) / (descent.steps + 1)
            yield Progress(
                iteration=self._steps,
                total=self._recipe.total_iterations,
                scale=number,
                scales=len(self._plan),
                width=width,
                height=height,
                loss=loss,
                eta_seconds=self._seconds_left(number, descent.steps),
            )

    def _seconds_left(self, number: int, done: int) -> float:
        """Estimate from this scale's pace: a step costs in proportion to its pixels."""
        (height, width), steps = self._plan[number - 1]
        ahead = sum(h * w * count for (h, w), count in self._plan[number:])
        left = self._pace * (steps - done + ahead / (height * width))
        if self._deadline is None:
            return left
        return max(0.0, min(left, self._deadline - self._painter.now()))

    def _take(self, descent: Descent) -> None:
        """Keep what a scale has come to."""
        planes = descent.best.asnumpy()[0]
        self._result = np.ascontiguousarray(planes.transpose(1, 2, 0))
        if descent.best_loss is not None:
            self._loss = descent.best_loss
        self._stopped_by = descent.stopped_by
        self._unstable = descent.rolled_back

    def _painting(self) -> Painting:
        if self._result is None:  # pragma: no cover - there is always a scale
            raise RuntimeError("no scale was worked through")
        return Painting(
            picture=np.clip(self._result, 0, 255),
            loss=self._loss,
            iterations=self._steps,
            seconds=self._painter.now() - self._began,
            seconds_per_iteration=self._pace,
            stopped_by=self._stopped_by,
            device=self._painter.device,
            normalization=self._recipe.normalization,
            weights_sha256=self._painter.weights_sha256,
            tiles=self._tiles,
            predicted_memory_mb=self._memory.bytes / 2**20,
        )


def _first_fit(finer: Callable[[int], Fit | None], room: int) -> Fit:
    """Few tiles, as the memory allows.

    Where an earlier scale had less than was planned, the smallest tiles of this one may take more:
    those are tried all the same, since what is predicted is not what is.
    """
    while (fit := finer(room)) is None:
        room *= 2
    return fit
