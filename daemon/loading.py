"""Reads a job's files for the runner, and tells what is gone for good from what is out of reach.

A share that goes away for a moment looks as if its files had been removed. So a file that is not
there is gone only if the folder that should hold it is there; else nobody can say yet. A file that
is there and cannot be read may be out of reach too. Where that is the job's alone, because the
share is seen to be there, the job has to fail if it stays so: it would wait for ever. What many
jobs share, a style, can also be closed to us: that is a fault of the style.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from daemon.bounded import read_bounded
from daemon.claim_folders import claim_folder, guard
from daemon.companions import OF_PHOTOS, SAYING, Role
from daemon.errors import ClaimError, OverridesError, PictureUnreadableError
from daemon.jobs import Job
from daemon.looks import Part
from daemon.names import JOB_FILE, printable, split
from daemon.presence import GONE, is_gone, is_gone_from_claim, is_here
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import OutputSettings, Settings
from daemon.share import Share
from daemon.styles import find_regions, find_styles, regions_among, style_name
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
_NO_COMPANION: Final = (
    'The picture "{}", which goes along with the photo, is no longer there. Put it beside the '
    "photo again, and try again."
)
_NO_REGIONS: Final = (
    '"{}" marks regions of the photo, and nothing marks those of the style. Put a picture "{}" '
    "into the folder {}, with the same colours, or take the first one away, and try again."
)
_NO_REGIONS_BESIDE: Final = (
    '"{}" marks regions of the photo, and nothing marks those of the style. Put a picture "{}" '
    "beside the style, with the same colours, or take the first one away, and try again."
)
_CLOSED: Final = (
    'The picture "{}" may not be opened by the program. Let the group, or everybody, read it.'
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
        styles=_marked(styles, job, share, settings.watch.max_bytes),
        recipe=_started(_recipe(job), job),
        max_pixels=settings.watch.max_pixels,
        glimpses=settings.page.enabled,
        content_name=job.relative.name,
        **output.model_dump(),
        **_beside(job, share, settings.watch.max_bytes),
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


def _started(recipe: Recipe, job: Job) -> Recipe:
    """A picture to start from takes the place of what the settings say, not of a job.toml."""
    if "start" in job.companions and recipe.init == "noise" and job.overrides is None:
        return recipe.model_copy(update={"init": "content"})
    return recipe


def _beside(job: Job, share: Share, most: int) -> dict[str, Any]:
    """What goes along with the photo, as the request has it."""
    found: dict[str, Any] = {}
    for role in OF_PHOTOS:
        if (path := job.companions.get(role)) is not None:
            found |= {role: _companion(job, role, path, share, most), f"{role}_name": path.name}
    return found


def _marked(
    styles: tuple[StyleFile, ...], job: Job, share: Share, most: int
) -> tuple[StyleFile, ...]:
    """The styles with what marks their regions; none has any if none of the photo are marked.

    So a style with regions is an ordinary one for all photos but those that have some too.
    """
    own = job.companions.get("style_regions")
    if own is not None:
        data = _companion(job, "style_regions", own, share, most)
        return (replace(styles[0], regions=data, regions_name=own.name), *styles[1:])
    if "regions" not in job.companions:
        return styles
    marked = _marked_there(styles, {} if job.has_own_style else _regions_there(share), share, most)
    if not any(one.regions for one in marked):
        raise _UnusableError(Fault(_no_regions(job, share)))
    return marked


def _marked_there(
    styles: tuple[StyleFile, ...], regions: Mapping[str, Path], share: Share, most: int
) -> tuple[StyleFile, ...]:
    """The styles with these regions, which may have as many bytes as one file, all together."""
    names = [style_name(one.name) for one in styles]
    found = regions_among(names, regions)
    marked: list[StyleFile] = []
    for one, name in zip(styles, names, strict=True):
        marked.append(_with_regions(one, found.get(name), share, most))
        if sum(len(each.regions) for each in marked) > most:
            raise _UnusableError(Fault(_TOO_MUCH.format(most / _MEGABYTE)))
    return tuple(marked)


def _regions_there(share: Share) -> dict[str, Path]:
    with _reading("The folder of styles", share, own=False):
        return find_regions(share.styles)


def _with_regions(style: StyleFile, path: Path | None, share: Share, most: int) -> StyleFile:
    if path is None:
        return style
    name = printable(path.name)
    with _reading(f'The picture "{name}"', share, own=False):
        try:
            return replace(style, regions=read_bounded(path, most), regions_name=path.name)
        except PictureUnreadableError as error:
            raise _UnusableError(Fault(SAYING["style_regions"].format(name, error))) from error
        except PermissionError as error:
            raise _UnusableError(Fault(_CLOSED.format(name))) from error


def _no_regions(job: Job, share: Share) -> str:
    marked, style = job.companions["regions"], job.style
    wanted = printable(f"{split(style.name)[0]}.regions.png")
    if job.has_own_style:
        return _NO_REGIONS_BESIDE.format(printable(marked.name), wanted)
    return _NO_REGIONS.format(printable(marked.name), wanted, printable(share.styles.name))


def _companion(job: Job, role: Role, path: Path, share: Share, most: int) -> bytes:
    name = printable(path.name)
    with _reading(f'The picture "{name}"', share):
        try:
            return read_bounded(path, most)
        except PictureUnreadableError as error:
            raise _UnusableError(Fault(SAYING[role].format(name, error))) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            if is_gone_from_claim(path, claim_folder(share, job.id), share):
                raise _UnusableError(Fault(_NO_COMPANION.format(name))) from error
            raise


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
