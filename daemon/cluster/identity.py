"""What a painter is, compared with what the daemon is: both have to make the same picture.

Two programs of one version may still differ, in a working copy for one; so the fields of a recipe
and of all messages are compared too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from daemon.cluster import messages
from daemon.cluster.messages import Credentials
from daemon.runners import base, request
from daemon.version import program
from engine import DeviceReport, LossParts, Progress, Recipe
from engine.errors import EngineError
from engine.weights import known

_SHOWN: Final = 12  # of a SHA-256: enough to tell two apart
_SPOKEN: Final = (
    request.PaintRequest, request.StyleFile,
    messages.Order, messages.Saved, messages.GivenBack, messages.Said, messages.Credentials,
    base.Started, base.Resumed, base.CheckpointTrouble, base.Progressed, base.Glimpse,
    base.GlimpseTrouble, base.NotRefined, base.NotesTrouble, base.Painted, base.Failed,
    base.Cancelled, Progress, LossParts, DeviceReport,
)  # fmt: skip
_OTHER_PROGRAM: Final = (
    "It has another version of the program ({theirs}) than the service ({ours}). Install the same "
    "on both."
)
_OTHER_RECIPE: Final = (
    "It understands a recipe otherwise ({theirs}) than the service ({ours}), though both are of "
    "version {version}. Install the same program on both."
)
_OTHER_WEIGHTS: Final = (
    "It has other trained weights ({theirs}) than {whose} ({ours}). Put the same file into the "
    "folder of weights on both, and start it anew."
)
_MIXED_WEIGHTS: Final = (
    "Its engines have loaded different weights ({theirs}). Put the one file that all painters have "
    "into its folder of weights, and start it anew."
)


def own(weights_sha256: str = "", engines: Sequence[str] = ()) -> Credentials:
    """What this side is.

    Args:
        weights_sha256: of the trained weights; empty if it has none, or does not know yet. Of
            engines that have different ones all, with `+` in between.
        engines: how each is called, and where it computes.
    """
    return Credentials(program(), weights_sha256, recipe_digest(), tuple(engines))


def weights_in(folder: Path) -> str:
    """SHA-256 of the weights that engines of this machine load; empty if there are none yet."""
    try:
        return known(folder).sha256
    except EngineError:
        return ""


def recipe_digest() -> str:
    """SHA-256 over all that a recipe may be, and over the fields of what goes to and fro."""
    spoken = {
        kind.__name__: [(each.name, str(each.type)) for each in dataclasses.fields(kind)]
        for kind in _SPOKEN
    }
    text = json.dumps([Recipe.model_json_schema(), spoken], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Comparing:
    """Says why a painter is of no use.

    Args:
        ours: says what the daemon is. Without weights (it needs none, if others paint), those of
            the painters that were accepted count.
    """

    def __init__(self, ours: Callable[[], Credentials]) -> None:
        self._ours = ours

    def __call__(self, theirs: Credentials, accepted: Credentials | None) -> str:
        """Compare.

        Args:
            theirs: what a painter is.
            accepted: what another one is that was accepted; None if there is none.

        Returns:
            Why it is of no use, in plain words that name both; empty if it is.
        """
        ours = self._ours()  # each time: an engine may have imported other weights meanwhile
        if ours.weights_sha256 or accepted is None:
            return mismatch(ours, theirs)
        first = dataclasses.replace(ours, weights_sha256=accepted.weights_sha256)
        return mismatch(first, theirs, "the painters that came first")


def mismatch(ours: Credentials, theirs: Credentials, whose: str = "the service") -> str:
    """Compare two.

    Args:
        ours: what the daemon is; empty weights are as good as any.
        theirs: what a painter is.
        whose: has `ours`' weights, for people.

    Returns:
        Why the painter is of no use, in plain words that name both; empty if it is.
    """
    if theirs.program != ours.program:
        return _OTHER_PROGRAM.format(theirs=theirs.program, ours=ours.program)
    if theirs.recipe != ours.recipe:
        digests = {"theirs": theirs.recipe[:_SHOWN], "ours": ours.recipe[:_SHOWN]}
        return _OTHER_RECIPE.format(version=ours.program, **digests)
    if len(loaded := theirs.weights_sha256.split("+")) > 1:
        return _MIXED_WEIGHTS.format(theirs=", ".join(each[:_SHOWN] for each in loaded))
    if ours.weights_sha256 and theirs.weights_sha256 != ours.weights_sha256:
        digests = {"theirs": theirs.weights_sha256[:_SHOWN], "ours": ours.weights_sha256[:_SHOWN]}
        return _OTHER_WEIGHTS.format(whose=whose, **digests)
    return ""
