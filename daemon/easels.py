"""Who paints which photo, where there are several painters, for those who ask elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from daemon import bulletin
from daemon.bulletin import Bulletin

FILE: Final = "painting.json"
"""Name of the file beside the journal."""

_BYTES: Final = 16_384


class Easels:
    """What one service says of that.

    Args:
        beside: what else it says.
    """

    def __init__(self, beside: Bulletin) -> None:
        self._bulletin: Final = beside.beside(FILE, _BYTES)

    def say(self, painters: Mapping[str, str]) -> None:
        """Say who paints; to be called at each turn.

        Args:
            painters: the name of who paints it, by job. Of very many the last are left out.
        """
        told = dict(painters)
        while len(text := json.dumps(told)) > _BYTES:
            told.popitem()
        self._bulletin.say(text if told else "")


def read(state: Path) -> dict[str, str]:
    """Who paints, by job, as the last service said; empty if nobody knows.

    Args:
        state: the folder beside the journal.
    """
    try:
        told = json.loads(bulletin.read(state, FILE, _BYTES) or "{}")
    except ValueError:  # it is being written just now
        return {}
    return {str(job): str(name) for job, name in told.items()} if isinstance(told, dict) else {}
