"""The door of the engine: a painter with its network ready, one picture at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from engine import pyramid
from engine.fitting import Maps
from engine.guides import NOTHING, Guides
from engine.guiding import AtTaps, names_by_region, statistics_by_region
from engine.matting import PhotorealismLoss
from engine.memory import WORKSPACE, MemoryPlan, plan_memory, weighed
from engine.mx import Array, mx
from engine.objective import Objective
from engine.placing import Wanted, place
from engine.recipe import Recipe
from engine.regions import Regions
from engine.room import card_room, give_back, resident, room
from engine.snapshot import Snapshot
from engine.sources import Sources
from engine.stages import Tiling, style_tiling
from engine.style_statistics import names, style_statistics
from engine.style_store import Statistics, StyleStore
from engine.weights import load
from engine.work import Work

STATISTICS: Final = 4
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
        network_key: what comes out of the network depends on this, for one image.

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
        self.network_key = (
            f"{STATISTICS} {trained.sha256} {trained.convention} {placed.report.precision}"
        )
        self._held: int | None = None  # before the first picture

    def paint(
        self,
        sources: Sources,
        recipe: Recipe,
        resume: Snapshot | None = None,
        refine: int = 0,
    ) -> Work:
        """Paint a picture; gives `Progress` after each step and, last, the `Painting`.

        Letting the iterator go gives the picture up. The pictures may be let go once this returns.

        Args:
            sources: what from: a photo, one or several styles, and what else is given.
            recipe: how to paint.
            resume: what `Work.save` has written; open until the first step, then closed here.
            refine: steps of a refinement in the photo's own size, if that is larger than the
                recipe's (see `engine.refining`); the painting is of that size then. Where the
                recipe says that it stays a photograph (`photo`), any number but 0 has that size
                without steps (see `engine.photograph`).

        Raises:
            PictureError: a picture is no picture, too narrow, or larger than the memory allows.
            RecipeError: there is no style, or what is given goes not with the recipe.
            DivergedError: the loss is no number, after it blew up before.
            SnapshotError: `resume` is of another picture, recipe, device or network.
        """
        return Work(self, sources, recipe, resume, refine=refine)

    def plan(
        self,
        size: pyramid.Size,
        styles: Sequence[pyramid.Size],
        recipe: Recipe,
        guides: Guides = NOTHING,
    ) -> MemoryPlan:
        """How a picture and styles of these sizes are worked through with the memory there is now.

        Raises:
            PictureError: it is too large.
        """
        held, most = self._card_memory() or self._memory()
        return plan_memory(size, recipe, held, most, styles, maps=weighed(self.maps, guides))

    @property
    def maps(self) -> Maps:
        """What the network's maps are like, for plans."""
        # On a card signs would go to the host and back: nobody has timed what that costs. And MXNet
        # keeps there by itself what it has had.
        on_card = self._context.device_type == "gpu"
        width, entering = self.network.precision.width, self.network.entering
        return Maps(width, entering, traced=not on_card, shelved=not on_card)

    def left(self) -> int:
        """Bytes of the machine's memory that pictures may still take."""
        held, most = self._memory()
        return most - held - WORKSPACE

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

    def statistics(
        self,
        style: pyramid.Picture,
        digest: str,
        recipe: Recipe,
        regions: Regions | None = None,
    ) -> Statistics:
        """What the recipe's losses have to know of a style picture, kept under its digest.

        Args:
            style: in the size in which it is looked at.
            digest: tells it, and its regions, from others.
            recipe: says the losses.
            regions: then all is known of each of them.
        """
        wanted = names(recipe)
        if regions is not None:
            wanted = names_by_region(recipe, wanted)
        network = f"{self.network_key} {recipe.pooling} {recipe.padding}"
        key = f"{digest} {style.shape[:2]} {wanted} {network}"
        found = self._styles.find(key, wanted)
        if found is None:
            tiling = style_tiling(pyramid.size_of(style))
            laid = self.to_device(style)
            if regions is None:
                found = style_statistics(self.network, laid, recipe, tiling)
            else:
                found = statistics_by_region(self.network, laid, recipe, regions, tiling)
            self._styles.keep(key, found)
        return found

    def objective(  # noqa: PLR0913 - this is where all of these meet
        self,
        content: pyramid.Picture,
        style: Statistics,
        recipe: Recipe,
        tiling: Tiling | None = None,
        *,
        regions: AtTaps | None = None,
        realism: PhotorealismLoss | None = None,
    ) -> Objective:
        """What is minimised for a content at one scale."""
        laid = self.to_device(content)
        return Objective(
            self.network, laid, style, recipe, tiling, regions=regions, realism=realism
        )

    def to_device(self, picture: pyramid.Picture) -> Array:
        """Lay a picture on the painter's device."""
        return self.network.to_device(picture)

    def now(self) -> float:
        """Seconds of the painter's clock."""
        return self._clock()
