"""One piece of a picture on its way through one stage of the network: forth and, later, back.

What has to be there for the way back is kept in one of three ways: all maps, where there is room;
or nothing, and the layers are gone through again; or, of the layers behind some point, their traces
alone, and only those before it are gone through again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from engine.mx import Array, nd
from engine.recipe import Recipe
from engine.shelf import NO_SHELF, Shelf
from engine.stages import Stage
from engine.vgg import Vgg

Gradients = Callable[[str, Array], Array]
"""Gives d loss / d maps of a layer, which it is given."""


class Crossing:
    """The way of one piece.

    Args:
        network: the trained network.
        stage: its layers, and how much of them is kept.
        wanted: layers whose results are asked for.
        recipe: says pooling and padding.
        shelf: where arrays of one step wait for the next, if nothing is cut.
    """

    def __init__(
        self,
        network: Vgg,
        stage: Stage,
        wanted: Collection[str],
        recipe: Recipe,
        shelf: Shelf = NO_SHELF,
    ) -> None:
        self._stage = stage
        self._wanted = set(wanted)
        self._head = (
            network.passage(stage.head, {*wanted, stage.head[-1]}, recipe, shelf)
            if stage.head
            else None
        )
        self._tail = network.traces(stage.tail, wanted, recipe) if stage.tail else None

    def forth(
        self, source: Array, *, to_return: bool, raw: Collection[str] = ()
    ) -> Iterator[tuple[str, Array]]:
        """Give the results that are wanted as soon as they are there.

        Args:
            source: what goes into the first layer, halo included.
            to_return: whether `back` will be called.
            raw: names of those that may come as they are, if nothing is cut.
        """
        between = source
        if self._head is not None:
            record, as_is = to_return and self._stage.keeps, raw if self._stage.keeps else ()
            for name, maps in self._head.forth(between, record=record, raw=as_is):
                between = maps
                if name in self._wanted:
                    yield name, maps
        if self._tail is not None:
            yield from self._tail.forth(between, record=to_return)

    def back(self, source: Callable[[], Array], gradient_at: Gradients) -> Array:
        """Carry gradients to what went in.

        Args:
            source: gives what went forth, if it is needed once more.
            gradient_at: asked at each wanted layer.
        """
        gradient = None if self._tail is None else self._tail.back(gradient_at)
        if self._head is None:
            return gradient
        if not self._stage.keeps:
            self._head.again(source())
        arriving = [] if gradient is None else [gradient]
        del gradient

        def gradient_in(name: str, maps: Array) -> Array:
            if name != self._stage.head[-1] or not arriving:
                return gradient_at(name, maps)
            come = arriving.pop()
            if name not in self._wanted:
                return come
            return nd.elemwise_add(come, gradient_at(name, maps))

        return self._head.back(gradient_in, raw=self._stage.keeps)
