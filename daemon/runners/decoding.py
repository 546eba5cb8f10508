"""The first step in the child: a request's files become the pictures that a painting is made of.

The inspector has seen them, or others that were in their places then. So each is decoded within a
ration here too, and one that cannot be used is said to be the one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from daemon import pictures
from daemon.companions import SAYING, Role
from daemon.errors import PictureUnreadableError
from daemon.names import printable
from daemon.rations import ration_for, rationed
from daemon.runners.request import PaintRequest, StyleFile
from engine.sources import Sources, Style

_ONLY_STYLE: Final = "The style picture cannot be used. {}"
_STYLE: Final = 'The style picture "{}" cannot be used. {}'
_TOO_MANY: Final = (
    "The pictures of these styles have more than {:g} million pixels together, which is the most "
    'that is allowed. Save "{}", the largest, smaller, or leave one out.'
)
_TOO_MANY_MARKED: Final = (
    "The pictures that mark regions of these styles have more than {:g} million pixels together, "
    'which is the most that is allowed. Save "{}", the largest, smaller.'
)
_MILLION: Final = 1_000_000

Blamed = Literal["content", "style", "start", "guide"]
Say = Callable[[object], str]
"""Puts what is wrong with a picture into words."""


class RefusedError(Exception):
    """A picture of the request cannot be used.

    Args:
        blame: which.
        message: in plain words.
    """

    def __init__(self, blame: Blamed, message: str) -> None:
        super().__init__(message)
        self.blame: Final = blame


def sources_of(request: PaintRequest, between: Callable[[], None]) -> Sources:
    """Decode all pictures of a request; nothing here holds on to them, for they may be large.

    Args:
        request: what is to be painted.
        between: called after each picture; what it raises ends the work.

    Raises:
        RefusedError: one of them cannot be used.
    """

    def decoded(data: bytes, blame: Blamed, say: Say = str) -> NDArray[np.uint8]:
        picture = _decoded(data, request.max_pixels, blame, say)
        between()
        return picture

    def guide(data: bytes, role: Role, name: str) -> NDArray[np.uint8] | None:
        return (
            decoded(data, "guide", partial(SAYING[role].format, printable(name))) if data else None
        )

    _check_together(request)
    content = decoded(request.content, "content")
    styles = tuple(
        Style(
            decoded(one.data, "style", _say_of(one, request)),
            one.weight,
            guide(one.regions, "style_regions", one.regions_name),
        )
        for one in request.styles
    )
    say = partial(SAYING["start"].format, printable(request.start_name))
    start = decoded(request.start, "start", say) if request.start else None
    mask = guide(request.mask, "mask", request.mask_name)
    regions = guide(request.regions, "regions", request.regions_name)
    return Sources(content, styles, start, mask, regions)


def _check_together(request: PaintRequest) -> None:
    """See that the styles have as many pixels as one picture may, all together.

    All of them lie in memory at once; so do the pictures that mark their regions, which have as
    many once more.
    """
    most = request.max_pixels
    _check_sum([(one.data, one.name) for one in request.styles], most, "style", _TOO_MANY)
    regions = [(one.regions, one.regions_name) for one in request.styles if one.regions]
    _check_sum(regions, most, "guide", _TOO_MANY_MARKED)


def _check_sum(files: Sequence[tuple[bytes, str]], most: int, blame: Blamed, why: str) -> None:
    if len(files) < 2:  # noqa: PLR2004 - one is looked at when it is decoded
        return
    counts = [_pixels(data, most) for data, _ in files]
    if sum(counts) > most:
        _, largest = files[counts.index(max(counts))]
        raise RefusedError(blame, why.format(most / _MILLION, printable(largest)))


def _pixels(data: bytes, max_pixels: int) -> int:
    """How many a picture has; of one that cannot be used none, since that is said by itself."""
    ration = ration_for(max_pixels, len(data))
    with suppress(PictureUnreadableError), rationed(ration):
        return pictures.pixels_of(data, max_pixels=ration.pixels)
    return 0


def _say_of(style: StyleFile, request: PaintRequest) -> Say:
    """Which style it is need not be said of the only one."""
    if len(request.styles) == 1:
        return _ONLY_STYLE.format
    return partial(_STYLE.format, printable(style.name))


def _decoded(data: bytes, max_pixels: int, blame: Blamed, say: Say) -> NDArray[np.uint8]:
    ration = ration_for(max_pixels, len(data))
    try:
        with rationed(ration):
            return pictures.decode(data, max_pixels=ration.pixels)
    except PictureUnreadableError as error:
        raise RefusedError(blame, say(error)) from error
