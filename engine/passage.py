"""One way through some layers of the network: forth, and back with the gradient.

The chain rule is done here, layer by layer. That gives every tap's gradient a place to be added,
and lets each activation go as soon as the way back has used it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.entry import Entry
from engine.mx import Array
from engine.operators import Layer
from engine.precision import Carried, Precision
from engine.relu import let_through, rectify
from engine.shelf import Shelf


@dataclass
class _Passed:
    """What the way back needs of one layer."""

    layer: Layer
    source: Array
    result: Array


class Passage:
    """One way through some layers.

    Args:
        layers: in the network's order.
        wanted: names of those whose results are asked for.
        entry: brings a picture in; None if the maps of a layer come.
        precision: of the layers.
        shelf: where arrays of one step wait for the next. With one that keeps them, what was given
            on the way forth is written over as soon as the next is asked for.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        wanted: Collection[str],
        entry: Entry | None,
        precision: Precision,
        shelf: Shelf,
    ) -> None:
        self._layers = layers
        self._wanted = wanted
        self._entry = entry
        self._precision = precision
        self._shelf = shelf
        self._picture: Array | None = None
        self._passed: list[_Passed] = []

    def forth(
        self, source: Array, *, record: bool, raw: Collection[str] = ()
    ) -> Iterator[tuple[str, Array]]:
        """Run the layers, and give the results that are wanted as soon as they are there.

        What is made of them at once costs the least memory: little else is held by then.

        Args:
            source: what goes into the first layer: for `conv1_1` a picture (1, 3, H, W), RGB, 0 to
                255, else the result of the layer before; float32 on the network's device.
            record: whether to keep what the way back needs.
            raw: names of those that are taken as they are if the layers' own type has float32's
                range and unit; and, where it is float32, if arrays are kept: what is then made of
                them need not be laid out.

        Yields:
            Name and (1, C, h, w), float32 or else raw, for convolutions after the ReLU.
        """
        for name, maps in self._run(source, record=record):
            if name in self._wanted:
                read = maps if name in raw and self._reads_raw else self._read(maps)
                yield name, read
                if read is not maps:
                    self._shelf.put(read)

    @property
    def _reads_raw(self) -> bool:
        kept = self._shelf.keeps and self._precision.has_range
        return kept or self._precision.has_own_range

    def again(self, source: Array) -> None:
        """Run the layers for the way back alone: what the maps are good for was seen to before.

        Args:
            source: as for `forth`.
        """
        deque(self._run(source, record=True), maxlen=0)

    def _run(self, source: Array, *, record: bool) -> Iterator[tuple[str, Array]]:
        self._picture = source if record else None
        current = self._entering(source)
        for layer in self._layers:
            result = self._made(layer, current)
            if record:
                self._passed.append(_Passed(layer, current, result))
            else:
                self._shelf.put(current)
            current = rectify(result) if layer.rectified else result
            yield layer.name, current
        if not record:
            self._shelf.put(current)

    def _entering(self, source: Array) -> Array:
        if self._entry is not None:
            return self._entry.forth(source)
        return self._precision.lowered(self._precision.entering(source))

    def _made(self, layer: Layer, source: Array) -> Array:
        shape = layer.shape(source.shape)
        return self._shelf.made(shape, source.dtype, lambda out: layer.forth(source, out))

    def _read(self, maps: Array) -> Array:
        laid_out = self._precision.laid_out
        return self._shelf.made(maps.shape, np.float32, lambda out: laid_out(maps, out))

    def back(self, gradient_at: Callable[[str, Array], Array], *, raw: bool = False) -> Array:
        """Carry gradients to what went in; each layer's memory is let go on the way.

        Args:
            gradient_at: gives d loss / d maps of a wanted layer, shaped as its maps, which it is
                given; it is asked when the way back comes to the layer, so that no gradient has to
                wait. What it gives is written over.
            raw: whether it takes maps, and may give gradients, of the layers' own type where that
                has float32's range and unit.

        Returns:
            d loss / d source, shaped as it; for a picture for RGB in 0 to 255.
        """
        gradient = Carried(self._precision, self._shelf)
        while self._passed:
            passed = self._passed.pop()
            if passed.layer.name in self._wanted:
                gradient.add(gradient_at(passed.layer.name, self._given(passed.result, raw=raw)))
            if passed.layer.rectified:
                let_through(gradient.values, passed.result)
            self._shelf.put(passed.result)
            gradient.pass_on(self._back_through(passed, gradient.values))
        return self._leaving(gradient)

    def _back_through(self, passed: _Passed, gradient: Array) -> Array:
        source, size = passed.source, passed.source.shape[2:]
        return self._shelf.made(
            source.shape,
            source.dtype,
            lambda out: passed.layer.back(gradient, size, out, source),
        )

    def _leaving(self, gradient: Carried) -> Array:
        found, picture = gradient.arrived(), self._picture
        self._picture = None
        if self._entry is not None:
            found = self._entry.back(found, picture)
            self._shelf.put(gradient.values)
        return found

    def _given(self, maps: Array, *, raw: bool) -> Array:
        return maps if raw and self._precision.has_range else self._precision.read(maps)
