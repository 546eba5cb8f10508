"""What a photo's folder and `job.toml` make of the recipe, and the latter of the result's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from daemon.bounded import read_bounded
from daemon.claims import Claim
from daemon.companions import is_own_style
from daemon.errors import OverridesError, PictureUnreadableError
from daemon.named import BOTH
from daemon.names import JOB_FILE, printable
from daemon.overrides import (
    MAX_BYTES,
    OF_BOTH,
    OF_FILE,
    OF_FOLDER,
    Asked,
    make_output,
    make_recipe,
    read_job_file,
)
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
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


def recipe_of(
    claim: Claim, paint: PaintSettings, usual: str, asked: Mapping[str, object] = _NOTHING
) -> str:
    """The recipe of a claim's photo, as JSON.

    Args:
        claim: the photo's.
        paint: the settings that a `job.toml` changes.
        usual: the recipe of a photo without one.
        asked: what the name of its folder asks for; what the `job.toml` says counts for more.

    Raises:
        OverridesError: the file asks for what it may not, or will never be readable; or what is
            asked for contradicts the settings.
        OSError: it cannot be read just now.
    """
    if claim.overrides is None and not asked:
        return usual
    own_style = is_own_style(claim.style, claim.content)
    return recipe_in(claim.overrides, paint, asked=asked, own_style=own_style).model_dump_json()


def recipe_in(
    job_file: Path | None,
    paint: PaintSettings,
    top: Path | None = None,
    asked: Mapping[str, object] = _NOTHING,
    *,
    own_style: bool = False,
) -> Recipe:
    """The recipe of a photo for which something is asked.

    Args:
        job_file: its `job.toml`, if there is one.
        paint: the settings that are changed.
        top: see `asked_in`.
        asked: as for `recipe_of`.
        own_style: whether a style picture lies beside the photo, so that the file may name none.

    Raises:
        OverridesError: as for `recipe_of`.
        OSError: likewise.
    """
    wished, named = (_NOTHING, None) if job_file is None else asked_in(job_file, top)
    if named is not None and own_style:
        raise OverridesError(BOTH)
    of = OF_FOLDER if job_file is None else OF_BOTH if asked else OF_FILE
    return make_recipe(paint, {**asked, **wished}, of=of)


def output_of(job_file: Path, output: OutputSettings) -> OutputSettings:
    """How the result of a photo with a `job.toml` is saved.

    Args:
        job_file: that file.
        output: the settings that it changes.

    Raises:
        OverridesError: as for `recipe_of`.
        OSError: likewise.
    """
    return make_output(output, asked_in(job_file).wishes)


def asked_in(job_file: Path, top: Path | None = None) -> Asked:
    """What a `job.toml` asks for.

    Args:
        job_file: that file; a link is not followed.
        top: a folder above it; none on the way down from there may be a link.

    Raises:
        OverridesError: it asks for what it may not, or will never be readable.
        OSError: it cannot be read just now.
    """
    try:
        return read_job_file(read_bounded(job_file, MAX_BYTES, top))
    except PictureUnreadableError as error:  # its words are about pictures
        raise OverridesError(_NO_TEXT) from error
    except PermissionError as error:  # no outage: it will not pass by itself
        raise OverridesError(_CLOSED.format(printable(job_file.name))) from error
