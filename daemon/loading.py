"""Reads a job's files for the runner, and tells what is gone for good from what is out of reach.

A share that goes away for a moment looks as if its files had been removed. So a file that is not
there is gone only if the folder that should hold it is there; else nobody can say yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from daemon.claims import claim_folder, guard
from daemon.errors import ClaimError, PictureUnreadableError
from daemon.inspector import read_bounded
from daemon.jobs import Job
from daemon.names import printable
from daemon.presence import is_gone, is_gone_from_claim, is_here
from daemon.runners.base import PaintRequest
from daemon.settings import Settings
from daemon.share import Share
from engine import Recipe

_GONE: Final = "The photo is no longer where it waited to be painted. Drop it into the inbox again."
_NO_STYLE: Final = 'The style picture "{}" is no longer there. Put it back, and try again.'
_BAD_STYLE: Final = 'The style picture "{}" cannot be used. {}'
_OLD_RECIPE: Final = (
    "The recipe of this photo was made by another version of the program. Try again."
)


@dataclass(frozen=True)
class Fault:
    """Why a job cannot be painted.

    Attributes:
        message: in plain words.
        in_styles: whether the picture in the styles folder is at fault: one for many jobs, which
            somebody may just be replacing.
    """

    message: str
    in_styles: bool = False


@dataclass(frozen=True)
class Unreachable:
    """Why nobody can say just now whether a job can be painted.

    Attributes:
        message: in plain words.
        alone: whether this is about the job's own files; else about those of all its lane.
        ends: whether the job fails if it stays so.
    """

    message: str
    alone: bool = False
    ends: bool = False


class _FaultError(Exception):
    def __init__(self, message: str, *, in_styles: bool = False) -> None:
        super().__init__(message)
        self.fault: Final = Fault(message, in_styles)


def load(job: Job, share: Share, settings: Settings) -> PaintRequest | Fault | Unreachable:
    """What to hand to the runner, or why there is nothing to hand over.

    Nothing is read from a folder that is not to be trusted (`claims.guard`): until somebody has
    seen to it the job waits.

    Args:
        job: its files are read whole.
        share: the share.
        settings: all of them.
    """
    try:
        guard(claim_folder(share, job.id))
        return _load(job, share, settings)
    except _FaultError as error:
        return error.fault
    except ClaimError as error:
        return Unreachable(str(error), alone=_is_here(share))
    except OSError as error:
        why = f"The photo or its style cannot be read just now ({error.strerror})."
        alone = _is_here(share) and _is_style_readable(job, share, settings)
        return Unreachable(why, alone=alone, ends=alone)


def _is_here(share: Share) -> bool:
    try:
        return is_here(share)
    except OSError:
        return False


def _is_style_readable(job: Job, share: Share, settings: Settings) -> bool:
    """Whether a picture in the styles folder can be read: the job's or, if it has its own, any."""
    most = settings.watch.max_file_mb * 1_000_000
    try:
        own = has_own_style(job, share)
        styles = sorted(share.styles.iterdir())[:1] if own else [job.style]
        for style in styles:
            read_bounded(style, most)
    except PictureUnreadableError:  # what it is was seen
        return True
    except OSError:
        return False
    return True


def has_own_style(job: Job, share: Share) -> bool:
    """Whether the style's picture was taken together with the photo."""
    return job.style.is_relative_to(claim_folder(share, job.id))


def _load(job: Job, share: Share, settings: Settings) -> PaintRequest:
    most = settings.watch.max_file_mb * 1_000_000
    return PaintRequest(
        job_id=job.id,
        content=_content(job, share, most),
        style=_style(job, share, most),
        recipe=_recipe(job),
        format=settings.output.format,
        quality=settings.output.quality,
        max_pixels=settings.watch.max_megapixels * 1_000_000,
    )


def _content(job: Job, share: Share, most: int) -> bytes:
    try:
        return read_bounded(job.content, most)
    except PictureUnreadableError as error:
        raise _FaultError(str(error)) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        if is_gone_from_claim(job.content, claim_folder(share, job.id), share):
            raise _FaultError(_GONE) from error
        raise


def _style(job: Job, share: Share, most: int) -> bytes:
    is_own, name = has_own_style(job, share), printable(job.style.name)
    try:
        return read_bounded(job.style, most)
    except PictureUnreadableError as error:
        raise _FaultError(_BAD_STYLE.format(name, error), in_styles=not is_own) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        folder = claim_folder(share, job.id)
        if (
            is_gone_from_claim(job.style, folder, share)
            if is_own
            else is_gone(job.style, share.styles)
        ):
            raise _FaultError(_NO_STYLE.format(name), in_styles=not is_own) from error
        raise


def _recipe(job: Job) -> Recipe:
    try:
        return Recipe.model_validate_json(job.recipe)
    except ValidationError as error:
        raise _FaultError(_OLD_RECIPE) from error
