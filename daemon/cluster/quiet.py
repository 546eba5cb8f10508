"""Keeps out of our processes what Dask does there for itself.

A scheduler that is away is told of once, in plain words, by the runner; Dask would write a
traceback for each attempt to reach it. And it would look a hundred times a second at what a
painter's threads do, for a page that nobody opens: they wait for the engine. Of what it says, one
thing is told, in our words: that not all machines have the same versions of Dask and Python.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from typing import Final

import dask
import structlog
from distributed.versions import VersionMismatchWarning

_NAMES: Final = ("distributed", "tornado", "asyncio")
_NOTHING: Final = logging.CRITICAL + 1
_NO_ADDRESS: Final = "Couldn't detect a suitable IP address"  # of a name that nobody knows
_MISMATCH: Final = "Mismatched versions found"
_SPEAKS_OF_IT: Final = ("distributed.worker", "py.warnings")  # a painter; a service, by a warning
_OF_ALL: Final = frozenset({"dask", "distributed", "python"})
_COLUMNS: Final = 4  # package, who asks, the scheduler, the painters that are there
_ROW: Final = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)+")
_DIFFERENT: Final = (
    "The machines of the cluster have different versions: {}. Install the same ones everywhere, or "
    "they may not understand one another."
)
_log: Final = structlog.get_logger()


def keep_to_ourselves() -> None:
    """Let Dask write nothing and watch nothing; to be called before it starts anything."""
    dask.config.set({"distributed.worker.profile.enabled": False})
    warnings.filterwarnings("ignore", _NO_ADDRESS, RuntimeWarning)
    warnings.filterwarnings("default", category=VersionMismatchWarning)
    known = list(logging.root.manager.loggerDict)
    for name in known:
        if name.split(".", 1)[0] in _NAMES:
            logging.getLogger(name).setLevel(_NOTHING)
    for name in _NAMES:
        logging.getLogger(name).setLevel(_NOTHING)
    for name in _SPEAKS_OF_IT:
        _listen_to(logging.getLogger(name))


def _listen_to(logger: logging.Logger) -> None:
    if not any(isinstance(one, _Mismatch) for one in logger.filters):
        logger.addFilter(_Mismatch(only=logger.level == _NOTHING))
    if logger.level == _NOTHING:
        logger.setLevel(logging.WARNING)


class _Mismatch(logging.Filter):
    """Tells of different versions in a line, in place of Dask's table.

    Args:
        only: whether nothing else is to be heard of the logger.
    """

    def __init__(self, *, only: bool) -> None:
        super().__init__()
        self._only: Final = only
        self._told = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Dask's own words are to be written."""
        text = record.getMessage()
        if _MISMATCH not in text:
            return not self._only
        line = "; ".join(_different(text))
        if line and line != self._told:  # it is said at each attempt to join
            _log.warning("cluster.versions", why=_DIFFERENT.format(line))
        self._told = line
        return False


def _different(table: str) -> Iterator[str]:
    """Which programs differ, and where: ``python 3.10.1 here, 3.11.2 at the scheduler``."""
    for row in _ROW.findall(table):
        name, *cells = (cell.strip() for cell in row.split("|"))
        if name in _OF_ALL and len(cells) == _COLUMNS - 1:
            versions = (", ".join(sorted(set(_NUMBER.findall(cell)))) for cell in cells)
            places = zip(versions, ("here", "at the scheduler", "at painters"), strict=True)
            yield f"{name} " + ", ".join(f"{one} {place}" for one, place in places if one)
