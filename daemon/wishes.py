"""What a taken photo's `job.toml` makes of the recipe, and of how the result is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from daemon.bounded import read_bounded
from daemon.claims import Claim
from daemon.errors import OverridesError, PictureUnreadableError
from daemon.names import JOB_FILE, printable
from daemon.overrides import MAX_BYTES, make_output, make_recipe, read_overrides
from daemon.settings import OutputSettings, PaintSettings
from engine import Recipe

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
    return recipe_in(claim.overrides, paint).model_dump_json()


def recipe_in(job_file: Path, paint: PaintSettings, top: Path | None = None) -> Recipe:
    """The recipe of a photo with a `job.toml`.

    Args:
        job_file: that file.
        paint: the settings that it changes.
        top: see `wishes_in`.

    Raises:
        OverridesError: as for `recipe_of`; what it asks for may also contradict the settings.
        OSError: likewise.
    """
    return make_recipe(paint, wishes_in(job_file, top))


def output_of(job_file: Path, output: OutputSettings) -> OutputSettings:
    """How the result of a photo with a `job.toml` is saved.

    Args:
        job_file: that file.
        output: the settings that it changes.

    Raises:
        OverridesError: as for `recipe_of`.
        OSError: likewise.
    """
    return make_output(output, wishes_in(job_file))


def wishes_in(job_file: Path, top: Path | None = None) -> dict[str, object]:
    """What a `job.toml` wishes for.

    Args:
        job_file: that file; a link is not followed.
        top: a folder above it; none on the way down from there may be a link.

    Raises:
        OverridesError: it asks for what it may not, or will never be readable.
        OSError: it cannot be read just now.
    """
    try:
        return read_overrides(read_bounded(job_file, MAX_BYTES, top))
    except PictureUnreadableError as error:  # its words are about pictures
        raise OverridesError(_NO_TEXT) from error
    except PermissionError as error:  # no outage: it will not pass by itself
        raise OverridesError(_CLOSED.format(printable(job_file.name))) from error
