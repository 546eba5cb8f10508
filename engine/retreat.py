"""An objective that goes on in smaller tiles when a card runs out of memory.

The plan of the memory is a prediction; on a card others may take memory while a picture is painted,
and cuDNN's place to work in depends on what it picks. So running out is no end: the same image is
evaluated again in tiles that take half as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from engine.device import forget_errors
from engine.errors import PictureError
from engine.fitting import Fit
from engine.mx import Array, mx
from engine.objective import Objective
from engine.progress import LossParts
from engine.stages import Tiling

_Result = TypeVar("_Result")

_SAYS_SO: Final = ("out of memory", "cudamalloc failed", "cudnn_status_alloc_failed")


_SHARES: Final = (0.5, 0.75, 0.95)
"""Of the bytes that were too much. Halving finds soon what fits; where a picture is too small to be
cut so far, for the sake of the halos, less has to do."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of MXNet's says that a card has no memory left."""
    text = str(error).lower()
    return any(words in text for words in _SAYS_SO)


class Retreat:
    """Evaluates an objective, in tiles that become finer as often as it has to be.

    Args:
        make: the objective in a tiling.
        fit: the tiling to begin with, and the bytes that its maps take.
        finer: the tiling whose maps take no more than some bytes; None if there is none.

    Attributes:
        fit: the tiling that is in use.
        stepped_down: whether it is another than that to begin with.

    Raises:
        PictureError: no tiles are small enough.
    """

    def __init__(
        self,
        make: Callable[[Tiling], Objective],
        fit: Fit,
        finer: Callable[[int], Fit | None],
    ) -> None:
        self._make = make
        self._finer = finer
        self.fit = fit
        self.stepped_down = False
        self._objective: Objective | None = None
        self._until_it_fits(self._current)

    def evaluate(self, image: Array) -> tuple[LossParts, Array]:
        """See `Objective.evaluate`.

        Raises:
            PictureError: no tiles are small enough.
        """
        # What went wrong in making the image comes to light here, and not below: there it would be
        # taken for a want of memory that tiles can help, and an image that is none be evaluated.
        image.wait_to_read()
        return self._until_it_fits(lambda: self._evaluated(image))

    def _current(self) -> Objective:
        if self._objective is None:
            self._objective = self._make(self.fit.tiling)
        return self._objective

    def _evaluated(self, image: Array) -> tuple[LossParts, Array]:
        loss, gradient = self._current().evaluate(image)
        # The loss is there before the way back is done: that must not run out of memory later on.
        gradient.wait_to_read()
        return loss, gradient

    def _until_it_fits(self, attempt: Callable[[], _Result]) -> _Result:
        while True:
            found = _unless_out_of_memory(attempt)
            if found is not None:
                return found
            self._objective = None  # its memory has to go before the next one is made
            self._step_down()

    def _step_down(self) -> None:
        fits = (self._finer(int(self.fit.bytes * share)) for share in _SHARES)
        fit = next((each for each in fits if each is not None), None)
        if fit is None:
            raise PictureError(
                "The card ran out of memory on this picture, in the smallest tiles too. Close "
                "other programs that use it, choose a smaller size, or set engine.device to cpu."
            )
        self.fit, self.stepped_down = fit, True


def _unless_out_of_memory(attempt: Callable[[], _Result]) -> _Result | None:
    """The result; or None, and then nothing of the attempt is held by the error any more."""
    try:
        return attempt()
    except mx.MXNetError as error:
        if not is_out_of_memory(error):
            raise
    forget_errors()
    return None
