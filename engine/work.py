"""One picture on its way through the scales, from the arrays that came to the painting."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from engine import photograph, pyramid, showing, snapshot
from engine.aiming import aimed, through_mask
from engine.bounds import DARKEST, LIGHTEST
from engine.descent import Descent, Limits, solved
from engine.device import let_go
from engine.errors import DivergedError, PictureError, SnapshotError
from engine.ground import Ground, Scale, digest_of, laid, start_of
from engine.margins import with_margin, without_margin
from engine.mx import mx, nd
from engine.optimizer import make_optimizer
from engine.progress import LossParts, Painting, Progress
from engine.recipe import Recipe
from engine.refining import LATE, refined, why_without
from engine.retreat import Retreat
from engine.snapshot import Snapshot, State
from engine.sources import Sources

if TYPE_CHECKING:
    from engine.painter import Painter


class Work:
    """One picture on its way: an iterator that gives `Progress` and, last, the `Painting`.

    Args:
        painter: who paints.
        sources: see `Painter.paint`; the arrays are not held.
        recipe: how to paint.
        resume: where to go on.
        refine: see `Painter.paint`.

    Attributes:
        resumed_at: steps that had been taken when it went on from a snapshot; 0 if it is new.

    Raises:
        PictureError: a picture is no picture, too narrow, or larger than the memory allows.
        RecipeError: there is no style, or what is given goes not with the recipe.
        SnapshotError: the snapshot is of something else.
    """

    def __init__(
        self,
        painter: Painter,
        sources: Sources,
        recipe: Recipe,
        resume: Snapshot | None = None,
        *,
        refine: int = 0,
    ) -> None:
        self._painter = painter
        self._recipe = recipe
        sources.check(recipe)
        sources = sources.trimmed(recipe.style_trim)
        self._larger: NDArray[np.uint8 | np.float32] | None = None
        self._left_out = ""
        if recipe.photo and refine:  # before the plan, which then knows of it
            self._larger, self._left_out = photograph.own_size(painter, sources, recipe)
        self._plan = laid(painter, sources, recipe)
        self._start = start_of(sources, self._plan[0])
        if not recipe.photo:
            more, self._left_out = refined(painter, sources, self._plan[-1], refine)
            self._plan += more
        self._identity, self._refinement = self._identified(), self._refined_by()
        self._set_began(painter.now())
        self._steps = 0
        self._tiles = self._plan[-1].ground.memory.tiles
        self._stopped_by: Literal["steps", "plateau", "time"] = "steps"
        self._loss = LossParts(float("nan"), float("nan"))
        self._result: pyramid.Picture | None = None
        self._total = sum(scale.steps for scale in self._plan)
        self._pace = 0.0  # seconds a step on the last scale that took one
        self._unstable = False
        self._refined = 0
        self._scale = 1
        self._descent: Descent | None = None
        self._resume = resume
        self._go_on()
        self.resumed_at = self._steps
        self._events = self._all()

    def __iter__(self) -> Iterator[Progress | Painting]:
        """Itself."""
        return self

    def __next__(self) -> Progress | Painting:
        """Take a step.

        Raises:
            DivergedError: the loss is no number, after it blew up before.
        """
        return next(self._events)

    def save(self, path: Path) -> bool:
        """Write a snapshot, between two steps; `Painter.paint` goes on from there.

        The same picture comes out, bit for bit where the device computes the same each time and
        the memory allows as few tiles as before.

        Args:
            path: its file; replaced if it is there.

        Returns:
            Whether there was anything to save: before the first step and after the last there is
            not.

        Raises:
            OSError: it could not be written; what was there stays.
        """
        if self._descent is None or not self._descent.steps:
            return False
        numbers = {
            "scale": self._scale,
            "steps": self._steps,
            "unstable": self._unstable,
            "seconds": self._painter.now() - self._began,
        }
        state = State(numbers) | self._descent.state().within("descent")
        if self._now.ground.refines:
            state = state | self._painted_before(self._descent)
        snapshot.write(path, self._identity, state)
        return True

    def _painted_before(self, descent: Descent) -> State:
        """What a refinement begins with, for the case that it cannot go on as it was planned."""
        numbers = {
            "refinement": self._refinement,
            "painted": self._steps - descent.steps,
            "loss": asdict(self._loss),
        }
        return State(numbers, {"painting": self._result})

    def preview(self) -> NDArray[np.uint8] | None:
        """The picture as it is between two steps, for people who look on; it changes nothing.

        The best one of its scale so far, since that is what the scale hands on: nobody is shown a
        step that went too far and is about to be taken back.

        Returns:
            (H, W, 3), sRGB, at the size of its scale; None before the first step and after the
            last. One that goes on from a snapshot can be seen at once, as it was then.
        """
        if self._descent is not None and self._descent.steps:
            return showing.glimpse(self._descent.best, self._now.ground)
        if self._resume is None:
            return None
        before = self._resume.state.part("descent").arrays["best"]
        return showing.glimpse(nd.array(before), self._now.ground)

    @property
    def total(self) -> int:
        """Steps that it may take in all, those before a snapshot too."""
        return self._total

    @property
    def largest(self) -> int:
        """Long side of the picture on the last scale, pixels."""
        return max(self._plan[-1].size)

    def _identified(self) -> str:
        """All that decides the painting, but for the state; not what comes to it by refining."""
        return _digest(
            self._recipe.model_dump_json(),
            self._painter.network_key,
            self._painter.device.name,
            *self._plan[0].ground.identity,
            "" if self._start is None else digest_of(self._start),
        )

    def _refined_by(self) -> str:
        """All that decides how the painting is refined; empty if it is not."""
        last = self._plan[-1]
        if not last.ground.refines:
            return ""
        return _digest(str(last.steps), *map(str, last.size), *last.ground.identity)

    def _go_on(self) -> None:
        """Be where the snapshot is, if there is one; its scale's part comes with that scale."""
        if self._resume is None:
            return
        if self._resume.identity != self._identity:
            self._resume.close()
            raise SnapshotError("it is of another picture, recipe, device or network")
        known = self._resume.state.numbers
        self._scale, self._steps = known["scale"], known["steps"]
        self._unstable = known["unstable"]
        self._set_began(self._painter.now() - known["seconds"])
        if self._scale > 1:
            self._start = None
        if "painted" in known:
            self._go_on_refining(self._resume)

    def _go_on_refining(self, resume: Snapshot) -> None:
        """Have the painting; and begin to refine it anew, if that is planned in another way now.

        There may be more or less memory than before, or none for it at all.
        """
        known = resume.state.numbers
        self._result, self._loss = resume.state.arrays["painting"], LossParts(**known["loss"])
        if known["refinement"] != self._refinement:
            self._steps = known["painted"]
            self._resume = None
            resume.close()

    def _set_began(self, began: float) -> None:
        self._began = began
        budget = self._recipe.time_budget
        self._deadline = None if budget is None else began + budget

    def _all(self) -> Iterator[Progress | Painting]:
        yield from self._scales()
        yield self._painting()

    def _scales(self) -> Iterator[Progress]:
        for number, scale in enumerate(self._plan, start=1):
            if number < self._scale:
                continue  # done before it was gone on with
            if scale.ground.refines and self._resume is None and self._is_late():
                return
            self._scale = number
            if scale.ground.refines:
                self._plan[0].ground.looks = ()  # nothing is painted after it any more
            try:
                yield from self._painted(*self._set_out())
            except (PictureError, DivergedError, MemoryError, mx.MXNetError) as error:
                if not scale.ground.refines:
                    raise
                self._do_without(error)
                return

    def _do_without(self, error: Exception) -> None:
        """Leave the refinement: what was painted is there, and worth more than nothing."""
        self._descent, self._left_out = None, why_without(error)
        let_go()

    def _painted(self, content: pyramid.Picture, start: pyramid.Picture) -> Iterator[Progress]:
        """Work through one scale."""
        objective = self._objective(content)
        self._descent = self._begun(objective, start)
        del start  # it is on the device now
        yield from self._followed(self._descent)
        self._take(self._descent)
        self._heed(objective)
        # What it has held, its optimiser's memory above all, is not to lie beside the next one's.
        self._descent = None
        del objective
        let_go()

    @property
    def _now(self) -> Scale:
        """The scale that is worked at."""
        return self._plan[self._scale - 1]

    def _is_late(self) -> bool:
        late = self._deadline is not None and self._painter.now() >= self._deadline
        if late:
            self._left_out = LATE
        return late

    def _set_out(self) -> tuple[pyramid.Picture, pyramid.Picture]:
        """What the picture is to be like in content, and what this scale starts from."""
        content = self._content(self._now)
        if self._result is None:
            start, self._start = self._start, None
            return content, pyramid.first(content if start is None else start, self._recipe)
        before, guides = self._content(self._plan[self._scale - 2]), self._now.ground.guides
        carried = pyramid.carried(guides.carried(self._result, before), before, content)
        carried = np.clip(carried, DARKEST, LIGHTEST)
        return (guides.seen(carried, content) if self._now.ground.refines else content), carried

    @staticmethod
    def _content(scale: Scale) -> pyramid.Picture:
        return scale.ground.content_at(scale.size)

    def _objective(self, content: pyramid.Picture) -> Retreat:
        return aimed(self._painter, self._now.ground, content)

    def _begun(self, objective: Retreat, start: pyramid.Picture) -> Descent:
        recipe, history = self._now.ground.recipe, self._now.ground.memory.history
        descent = Descent(
            through_mask(self._painter, self._now.ground, self._now.size, objective),
            make_optimizer(recipe.model_copy(update={"history": history})),
            self._painter.to_device(with_margin(start, recipe.margin)),
            Limits(self._now.steps, recipe.plateau, self._deadline, solved(recipe)),
            self._painter.now,
            rolled_back=self._unstable,
        )
        if self._resume is not None:
            with closing(self._resume):
                descent.restore(self._resume.state.part("descent"))
            self._resume = None
        return descent

    def _heed(self, objective: Retreat) -> None:
        """Know the tiles that it came to, and count on no more memory than there was for it."""
        self._tiles = objective.fit.tiling.tiles
        if objective.stepped_down:
            self._now.ground.heed(objective.fit)

    def _followed(self, descent: Descent) -> Iterator[Progress]:
        """Let one scale work and tell of each step."""
        height, width = self._now.size
        began = self._painter.now()
        # A start is evaluated too, which costs what a step costs.
        before = descent.steps or -1
        for loss in descent:
            self._steps += 1
            self._pace = (self._painter.now() - began) / (descent.steps - before)
            yield Progress(
                iteration=self._steps,
                total=self._total,
                scale=self._scale,
                scales=len(self._plan),
                width=width,
                height=height,
                loss=loss,
                eta_seconds=self._seconds_left(descent.steps),
                largest=self.largest,
            )

    def _seconds_left(self, done: int) -> float:
        """Estimate from this scale's pace: a step costs in proportion to its work."""
        ahead = sum(scale.work for scale in self._plan[self._scale :])
        left = self._pace * (self._now.steps - done + ahead / self._now.step_work)
        if self._deadline is None:
            return left
        return max(0.0, min(left, self._deadline - self._painter.now()))

    def _take(self, descent: Descent) -> None:
        """Keep what a scale has come to; a refinement without a step is only its start."""
        if self._now.ground.refines and not descent.steps:
            self._left_out = LATE
            return
        canvas = descent.best.asnumpy()[0].transpose(1, 2, 0)
        self._result = np.ascontiguousarray(without_margin(canvas, self._recipe.margin))
        if descent.best_loss is not None:
            self._loss = descent.best_loss
        self._stopped_by = descent.stopped_by
        self._unstable = descent.rolled_back
        self._refined = descent.steps if self._now.ground.refines else 0

    def _ground_of(self, result: pyramid.Picture) -> Ground:
        """What a result was painted after: that of a refinement is the larger one."""
        return next(each.ground for each in self._plan if each.size == pyramid.size_of(result))

    def _painting(self) -> Painting:
        if self._result is None:  # pragma: no cover - there is always a scale
            raise RuntimeError("no scale was worked through")
        return Painting(
            picture=self._picture(self._result),  # which sees to `left_out` too
            loss=self._loss,
            iterations=self._steps,
            seconds=self._painter.now() - self._began,
            seconds_per_iteration=self._pace,
            stopped_by=self._stopped_by,
            device=self._painter.device,
            normalization=self._recipe.normalization,
            weights_sha256=self._painter.weights_sha256,
            tiles=self._tiles,
            predicted_memory_mb=max(each.ground.memory.bytes for each in self._plan) / 2**20,
            refined=self._refined,
            left_out=self._left_out,
            carried=self._larger is not None,
        )

    def _picture(self, result: pyramid.Picture) -> pyramid.Picture:
        """What people get of a result."""
        ground = self._ground_of(result)
        shown = showing.finished(result, ground)
        if not self._recipe.photo:
            return shown
        try:
            return photograph.seen(shown, ground.content, self._larger, ground.guides)
        except MemoryError:
            if self._larger is None:
                raise
        self._larger, self._left_out = None, photograph.NO_MEMORY
        return photograph.seen(shown, ground.content, guides=ground.guides)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
