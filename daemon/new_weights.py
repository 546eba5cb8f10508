"""Whether weights wait that the engine will import when it starts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.errors import WeightsError


def wait_in(folder: Path) -> bool:
    """Whether such a file lies in a folder: worth waiting for, with nothing to paint too."""
    from engine.weights import waiting  # noqa: PLC0415 - it brings numpy along

    with contextlib.suppress(WeightsError):  # the engine says so if it needs them
        return bool(waiting(folder))
    return False
