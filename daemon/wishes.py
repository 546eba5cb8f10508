"""The recipe of a photo that was taken: the usual one, or what its `job.toml` makes of it."""

from __future__ import annotations

from typing import Final

from daemon.bounded import read_bounded
from daemon.claims import Claim
from daemon.errors import OverridesError, PictureUnreadableError
from daemon.names import JOB_FILE, printable
from daemon.overrides import MAX_BYTES, make_recipe, read_overrides
from daemon.settings import PaintSettings

_CLOSED: Final = (
    'The file "{}" beside the photo may not be opened by the program. Let the group, or everybody, '
    "read it, or take it away."
)
_NO_TEXT: Final = (
    f"{JOB_FILE} is a link, no file, or larger than {MAX_BYTES // 1024} KB. It has to be a text "
    "file of a few lines."
)


def recipe_of(claim: Claim, paint: PaintSettings, usual: str) -> str:
    """The recipe of a claim's photo, as JSON.

    Args:
        claim: the photo's.
        paint: the settings that a `job.toml` changes.
        usual: the recipe of a photo without one.

    Raises:
        OverridesError: the file asks for what it may not, or will never be readable.
        OSError: it cannot be read just now.
    """
    if claim.overrides is None:
        return usual
    try:
        overrides = read_overrides(read_bounded(claim.overrides, MAX_BYTES))
    except PictureUnreadableError as error:  # its words are about pictures
        raise OverridesError(_NO_TEXT) from error
    except PermissionError as error:  # no outage: it will not pass by itself
        raise OverridesError(_CLOSED.format(printable(claim.overrides.name))) from error
    return make_recipe(paint, overrides).model_dump_json()
