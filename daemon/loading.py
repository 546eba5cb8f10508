"""Reads a job's files for the runner, and tells what is gone for good from what is out of reach.

A share that goes away for a moment looks as if its files had been removed. So a file that is not
there is gone only if the folder that should hold it is there; else nobody can say yet. A file that
is there and cannot be read may be out of reach too. Where that is the job's alone, because the
share is seen to be there, the job has to fail if it stays so: it would wait for ever. What many
jobs share, a style, can also be closed to us: that is a fault of the style.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from daemon.bounded import read_bounded
from daemon.claim_folders import claim_folder, guard
from daemon.errors import ClaimError, OverridesError, PictureUnreadableError
from daemon.jobs import Job
from daemon.looks import Part
from daemon.names import JOB_FILE, printable
from daemon.presence import GONE, is_gone, is_gone_from_claim, is_here
from daemon.runners.base import PaintRequest, StyleFile
from daemon.settings import OutputSettings, Settings
from daemon.share import Share
from daemon.styles import find_styles, style_name
from daemon.wishes import output_of
from engine import Recipe

_NO_STYLE: Final = 'The style picture "{}" is no longer there. Put it back, and try again.'
_BAD_STYLE: Final = 'The style picture "{}" cannot be used. {}'
_REPLACE: Final = (
    'Put a picture that can be used in the place of "{}" in the folder {}, or drag the photo into '
    "the folder of another style."
)
_REPLACE_ONE: Final = (
    "Put a picture that can be used in its place in the folder {}, or drag the photo into the "
    "folder of another style."
)
_TOO_MUCH: Final = (
    "The pictures of these styles have more than {:g} MB together, which is the most that is "
    "allowed. Save one of them smaller, or leave one out."
)
_MEGABYTE: Final = 1_000_000
_CLOSED_STYLE: Final = (
    'The style picture "{}" may not be opened by the program. Let the group, or everybody, read '
    "it, or put another one in its place."
)
_NOT_NOW: Final = "{} cannot be read just now ({})."
_UNREADABLE: Final = (
    "{} cannot be read ({}). Let the group, or everybody, read it, or save it anew, and try again."
)
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
        verdict: why the job fails if it stays so, and what to do; empty if it waits all the same.
    """

    message: str
    alone: bool = False
    verdict: str = ""


class _UnusableError(Exception):
    def __init__(self, why: Fault | Unreachable) -> None:
        super().__init__(why.message)
        self.why: Final = why


def parts_now(job: Job, share: Share) -> tuple[Part, ...]:
    """Where the styles of a job are: where they were, but for one replaced under another name.

    Whoever puts ``Waves.png`` in the place of ``Waves.jpg`` has changed the style "Waves", and the
    photos that wait for it are to be painted in that.

    Args:
        job: the job.
        share: the share.

    Raises:
        OSError: the styles folder is out of reach.
    """
    gone = {
        path for path in job.style_files if not job.has_own_style and is_gone(path, share.styles)
    }
    if not gone:
        return job.parts
    styles = find_styles(share.styles)
    now = {path: styles.get(style_name(path.name), path) for path in gone}
    return tuple(Part(now.get(path, path), weight) for path, weight in job.parts)


def load(job: Job, share: Share, settings: Settings) -> PaintRequest | Fault | Unreachable:
    """What to hand to the runner, or why there is nothing to hand over.

    Nothing is read from a folder that is not to be trusted (`claim_folders.guard`): until somebody
    has seen to it the job waits.

    Args:
        job: its files are read whole.
        share: the share.
        settings: all of them.
    """
    try:
        return _load(job, share, settings)
    except _UnusableError as error:
        return error.why


def advice_on_style(job: Job, share: Share) -> str:
    """What a person can do about a picture in the styles folder that cannot be used."""
    if job.styles:  # which of them it is has been said before
        return _REPLACE_ONE.format(printable(share.styles.name))
    return _REPLACE.format(printable(job.style.name), printable(share.styles.name))


def _load(job: Job, share: Share, settings: Settings) -> PaintRequest:
    with _reading("The photo", share):
        _guard(job, share)
    content, styles = _pictures(job, share, settings.watch.max_bytes)
    output = _output(job, share, settings.output)
    if _is_last_try(job, settings):
        output = output.model_copy(update={"refine": 0})
    return PaintRequest(
        job_id=job.id,
        content=content,
        styles=styles,
        recipe=_recipe(job),
        max_pixels=settings.watch.max_pixels,
        glimpses=settings.page.enabled,
        content_name=job.relative.name,
        **output.model_dump(),
    )


def _is_last_try(job: Job, settings: Settings) -> bool:
    """Whether the engine has died over it before, and may do so no more.

    It may have been the refinement that took too much memory: the painting is worth more.
    """
    return 0 < job.attempts >= settings.engine.max_attempts - 1


def _pictures(job: Job, share: Share, most: int) -> tuple[bytes, tuple[StyleFile, ...]]:
    if job.has_own_style:
        return _content(job, share, most), _styles(job, share, most)
    # While a style is of no use, none of the many photos that wait for it need be read.
    styles = _styles(job, share, most)
    return _content(job, share, most), styles


def _styles(job: Job, share: Share, most: int) -> tuple[StyleFile, ...]:
    """The styles of a job; those of a blend may have as many bytes as one file, all together."""
    found: list[StyleFile] = []
    for path, weight in job.parts:
        found.append(StyleFile(_style(path, job, share, most), path.name, weight))
        if sum(len(one.data) for one in found) > most:
            raise _UnusableError(Fault(_TOO_MUCH.format(most / _MEGABYTE), in_styles=True))
    return tuple(found)


@contextmanager
def _reading(what: str, share: Share, *, own: bool = True) -> Iterator[None]:
    """Turn trouble of the disk with a file into what it means for the file's job.

    Args:
        what: the file, for people.
        share: the share.
        own: whether the file is the job's own.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        alone = own and _is_in_reach(share)
        verdict = _UNREADABLE.format(what, why) if alone else ""
        raise _UnusableError(Unreachable(_NOT_NOW.format(what, why), alone, verdict)) from error


def _is_in_reach(share: Share) -> bool:
    """Whether the share's disk is there and answers, so that trouble with a file is its own.

    No file is read for that: one that stands for all others may be the one that is closed to us.
    """
    try:
        with os.scandir(share.styles) as entries:
            next(entries, None)
        return is_here(share)
    except OSError:
        return False


def _guard(job: Job, share: Share) -> None:
    try:
        guard(claim_folder(share, job.id))
    except ClaimError as error:
        why = Unreachable(str(error), alone=_is_in_reach(share))
        raise _UnusableError(why) from error


def _content(job: Job, share: Share, most: int) -> bytes:
    with _reading("The photo", share):
        try:
            return read_bounded(job.content, most)
        except PictureUnreadableError as error:
            raise _UnusableError(Fault(str(error))) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            if is_gone_from_claim(job.content, claim_folder(share, job.id), share):
                raise _UnusableError(Fault(GONE)) from error
            raise


def _style(path: Path, job: Job, share: Share, most: int) -> bytes:
    is_own, name = job.has_own_style, printable(path.name)
    with _reading(f'The style picture "{name}"', share, own=is_own):
        try:
            return read_bounded(path, most)
        except PictureUnreadableError as error:
            message = _BAD_STYLE.format(name, error)
            message = message if is_own else f"{message} {advice_on_style(job, share)}"
        except (FileNotFoundError, NotADirectoryError):
            if not _is_style_gone(path, job, share):
                raise
            message = _NO_STYLE.format(name)
        except PermissionError:
            # Of what lies in a folder that is closed itself nothing can be said.
            if is_own or is_gone(path, share.styles):
                raise
            message = _CLOSED_STYLE.format(name)
    raise _UnusableError(Fault(message, in_styles=not is_own))


def _is_style_gone(path: Path, job: Job, share: Share) -> bool:
    if job.has_own_style:
        return is_gone_from_claim(path, claim_folder(share, job.id), share)
    return is_gone(path, share.styles)


def _output(job: Job, share: Share, usual: OutputSettings) -> OutputSettings:
    """How the result is to be saved; a job.toml is asked anew, as the journal has no room for it.

    It was read when the photo was taken. So one that has gone since is no reason to fail.
    """
    if job.overrides is None:
        return usual
    with _reading(f"The file {JOB_FILE}", share):
        try:
            return output_of(job.overrides, usual)
        except OverridesError as error:
            raise _UnusableError(Fault(str(error))) from error
        except (FileNotFoundError, NotADirectoryError):
            return usual


def _recipe(job: Job) -> Recipe:
    try:
        return Recipe.model_validate_json(job.recipe)
    except ValidationError as error:
        raise _UnusableError(Fault(_OLD_RECIPE)) from error
