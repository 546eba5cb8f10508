"""Makes the runner that paints on this machine, as the settings of the engine say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from daemon import checkpoints
from daemon.runners.base import Deliver, Runner
from daemon.runners.entry import serve
from daemon.runners.local import LocalRunner
from daemon.runners.places import Place, are_several, places
from daemon.runners.pool import Pool
from daemon.settings import EngineSettings

STYLES: Final = "styles"
"""Folder beside the journal for what the engine knows of styles."""


def local(
    settings: EngineSettings,
    deliver: Deliver,
    *,
    state: Path | None,
    serve: Callable[..., None] = serve,
    found: Sequence[Place] | None = None,
) -> Runner:
    """The runner on this machine: one engine, or several.

    Args:
        settings: of the engine.
        deliver: takes the events.
        state: folder for what it saves of paintings on their way, and of styles; None, nowhere.
        serve: what each engine's process runs; tests put a quick stand-in here.
        found: where several engines are to paint, if that is known already.
    """
    styles = None if state is None else state / STYLES
    saved = None if state is None else state / checkpoints.FOLDER
    work = partial(serve, styles=styles, checkpoints=saved)

    def at(place: Place, deliver: Deliver) -> Runner:
        worker = partial(work, cores=place.cores) if place.cores else work
        return LocalRunner(place.settings, deliver, worker=worker, variables=place.environment)

    if not are_several(settings):
        return at(Place(settings), deliver)
    return Pool(partial(places, settings) if found is None else lambda: found, at, deliver)
