"""Keeps out of our processes what Dask does there for itself.

A scheduler that is away is told of once, in plain words, by the runner; Dask would write a
traceback for each attempt to reach it. And it would look a hundred times a second at what a
painter's threads do, for a page that nobody opens: they wait for the engine.
"""

from __future__ import annotations

import logging
from typing import Final

import dask

_NAMES: Final = ("distributed", "tornado", "asyncio")
_NOTHING: Final = logging.CRITICAL + 1


def keep_to_ourselves() -> None:
    """Let Dask write nothing and watch nothing; to be called before it starts anything."""
    dask.config.set({"distributed.worker.profile.enabled": False})
    known = list(logging.root.manager.loggerDict)
    for name in known:
        if name.split(".", 1)[0] in _NAMES:
            logging.getLogger(name).setLevel(_NOTHING)
    for name in _NAMES:
        logging.getLogger(name).setLevel(_NOTHING)
