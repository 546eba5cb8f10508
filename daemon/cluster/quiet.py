"""Keeps what Dask writes for itself out of the daemon's log.

A scheduler that is away is told of once, in plain words, by the runner; Dask would write a
traceback for each attempt to reach it.
"""

from __future__ import annotations

import logging
from typing import Final

_NAMES: Final = ("distributed", "tornado", "asyncio")
_NOTHING: Final = logging.CRITICAL + 1


def keep_to_ourselves() -> None:
    """Let Dask write nothing from this process; to be called once it is imported."""
    known = list(logging.root.manager.loggerDict)
    for name in known:
        if name.split(".", 1)[0] in _NAMES:
            logging.getLogger(name).setLevel(_NOTHING)
    for name in _NAMES:
        logging.getLogger(name).setLevel(_NOTHING)
