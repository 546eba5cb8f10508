"""The process that reads styles, makes them small, and draws them all.

It may crash over a picture, as any decoder may: whoever asks goes on with another one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from daemon.bounded import read_bounded
from daemon.child import settle_in_to_decode
from daemon.errors import PictureUnreadableError
from daemon.looking import Limits
from daemon.rations import rationed
from daemon.sheet.messages import Drawn, SheetWanted, SmallWanted

_NICE: Final = 10  # painting goes first


def draw_for(connection: Connection, limits: Limits, fonts: tuple[Path, ...]) -> None:
    """The child's whole life: what it is asked for comes, the answer goes back.

    Args:
        connection: the child's end of the pipe; its end is the order to stop.
        limits: what one picture may cost.
        fonts: folders in which fonts are looked for.
    """
    settle_in_to_decode(limits.ration.memory_bytes)
    os.nice(_NICE)
    with suppress(EOFError, OSError):
        while True:
            wanted = connection.recv()
            if isinstance(wanted, SmallWanted):
                connection.send(small_of(wanted.path, limits))
            else:
                connection.send(sheet_of(wanted, fonts))


def small_of(path: Path, limits: Limits) -> bytes | None:
    """A picture's file made small; None if it cannot be read just now."""
    from daemon import pictures  # noqa: PLC0415 - only the child is to have decoders in it
    from daemon.sheet.drawing import small  # noqa: PLC0415 - likewise

    try:
        data = read_bounded(path, limits.file_bytes, limits.top_of(path))
        with rationed(limits.ration):
            return small(pictures.decode(data, max_pixels=limits.ration.pixels))
    except (PictureUnreadableError, MemoryError, OSError):
        return None


def sheet_of(wanted: SheetWanted, fonts: tuple[Path, ...]) -> Drawn:
    """The picture of all styles."""
    from daemon.sheet.drawing import draw  # noqa: PLC0415 - likewise
    from daemon.sheet.fonts import Fonts, found_in  # noqa: PLC0415 - likewise

    return draw(wanted, partial(Fonts, found_in(fonts)))
