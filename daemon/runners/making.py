"""Makes the runner that paints on this machine, as the settings of the engine say."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from daemon import checkpoints
from daemon.runners.base import Deliver, Runner
from daemon.runners.entry import serve
from daemon.runners.local import LocalRunner
from daemon.settings import EngineSettings

STYLES: Final = "styles"
"""Folder beside the journal for what the engine knows of styles."""


def local(settings: EngineSettings, deliver: Deliver, *, state: Path | None) -> Runner:
    """The runner on this machine.

    Args:
        settings: of the engine.
        deliver: takes the events.
        state: folder for what it saves of paintings on their way, and of styles; None, nowhere.
    """
    styles = None if state is None else state / STYLES
    saved = None if state is None else state / checkpoints.FOLDER
    return LocalRunner(settings, deliver, worker=partial(serve, styles=styles, checkpoints=saved))
