"""The first step in the child: a request's files become the pictures that a painting is made of.

The inspector has seen them, or others that were in their places then. So each is decoded within a
ration here too, and one that cannot be used is said to be the one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from daemon import pictures
from daemon.errors import PictureUnreadableError
from daemon.names import printable
from daemon.rations import ration_for, rationed
from daemon.runners.base import PaintRequest, StyleFile
from engine.sources import Sources, Style

_ONLY_STYLE: Final = "The style picture cannot be used. {}"
_STYLE: Final = 'The style picture "{}" cannot be used. {}'
_START: Final = 'The picture to start from, "{}", cannot be used. {}'

_MASK: Final = 'The mask "{}" cannot be used. {}'
_REGIONS: Final = 'The picture that marks regions, "{}", cannot be used. {}'

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

    def guide(data: bytes, words: str, name: str) -> NDArray[np.uint8] | None:
        return decoded(data, "guide", partial(words.format, printable(name))) if data else None

    content = decoded(request.content, "content")
    styles = tuple(
        Style(
            decoded(one.data, "style", _say_of(one, request)),
            one.weight,
            guide(one.regions, _REGIONS, one.regions_name),
        )
        for one in request.styles
    )
    say = partial(_START.format, printable(request.start_name))
    start = decoded(request.start, "start", say) if request.start else None
    mask = guide(request.mask, _MASK, request.mask_name)
    regions = guide(request.regions, _REGIONS, request.regions_name)
    return Sources(content, styles, start, mask, regions)


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
