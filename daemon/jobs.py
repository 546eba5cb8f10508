"""What a job is: one photo, one style, one recipe, and how far it has come."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from daemon.companions import is_own_style
from daemon.looks import InStyles, Part, wished_for
from daemon.names import JOB_FILE

if TYPE_CHECKING:
    from daemon.claims import Claim
    from daemon.pairing import Candidate


class JobState(str, Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Intention:
    """Where a picture is about to appear, recorded before it does.

    Attributes:
        path: its name in the outbox.
        sha256: of the whole file, in hexadecimal.
        size: bytes of it.
    """

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Stay:
    """A file that stays in the inbox, though a copy of it was taken.

    Attributes:
        path: below the inbox.
        size: bytes.
        mtime_ns: time of its last change, nanoseconds.
    """

    path: PurePath
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class NewJob(InStyles):
    """A job as it enters the journal.

    Attributes:
        id: unique; also the name of the folder that holds its files.
        lane: whose turn it takes; see `daemon.pairing`.
        style_name: of the style, for people.
        relative: the photo's path below the inbox, as it was found.
        content: the photo's file, where it is now.
        style: the style picture's file, where it is now; of several the first.
        overrides: the job.toml, where it is now.
        recipe: a recipe as JSON.
        stays: the files that stay in the inbox, if these here are copies.
        styles: all parts of a blend, `style` being the first one's; empty for one style.
        companions: what else lay beside the photo and belongs to it, where it is now, by what it
            is for.
    """

    id: str
    lane: str
    style_name: str
    relative: PurePath
    content: Path
    style: Path
    overrides: Path | None
    recipe: str
    stays: tuple[Stay, ...] = field(default=(), kw_only=True)
    styles: tuple[Part, ...] = field(default=(), kw_only=True)
    companions: Mapping[str, Path] = field(default_factory=dict, kw_only=True, hash=False)

    @property
    def has_own_style(self) -> bool:
        """Whether its style came along with the photo; what that is called tells people nothing."""
        return is_own_style(self.style, self.content)

    @property
    def has_unknown_style(self) -> bool:
        """Whether nobody can tell its style: a `job.toml` that names none stands for it."""
        return self.has_own_style and self.style.name.casefold() == JOB_FILE

    @property
    def style_shown(self) -> str | None:
        """The style as people are told of it.

        None for one that came along with the photo; empty where nobody can tell which it is.
        """
        if self.has_unknown_style:
            return ""
        return None if self.has_own_style else self.style_name

    @property
    def look_shown(self) -> str | None:
        """The same with what its folder's name asks for besides: "Waves, own colours"."""
        style = self.style_shown
        return style + wished_for(self.lane, style) if style else style


def new_job(
    candidate: Candidate, claim: Claim, recipe: str, stays: tuple[Stay, ...] = ()
) -> NewJob:
    """The job that a photo becomes when it is taken.

    Args:
        candidate: as it was found in the inbox.
        claim: where its files are now; its id is the job's.
        recipe: as JSON.
        stays: the files that stay in the inbox.
    """
    return NewJob(
        id=claim.job_id,
        lane=candidate.lane,
        style_name=candidate.style_name,
        relative=candidate.relative,
        content=claim.content,
        style=claim.style,
        overrides=claim.overrides,
        recipe=recipe,
        stays=stays,
        styles=candidate.styles,
        companions=claim.companions,
    )


@dataclass(frozen=True)
class Job(NewJob):
    """A job as the journal knows it. Times are seconds since 1970, UTC.

    Attributes:
        state: where it stands.
        attempts: how often it was begun; counted before the work.
        queued_at: when it was added.
        started_at: when it was begun last.
        finished_at: when it was done or failed.
        iteration: the last optimiser step that was recorded.
        total: steps that the recipe allows.
        eta_seconds: estimate of the seconds left, at that step.
        result: the painted picture, once it is there.
        error: why it failed, in plain words.
        report: what the engine said about the finished picture.
        intended: where that picture is about to appear, recorded before it does.
        sha256: of the picture's file.
        size: bytes of it.
        kept: where the photo went in the end: into originals, or into failed; for a folder job
            where its folder went.
    """

    state: JobState
    attempts: int
    queued_at: float
    started_at: float | None
    finished_at: float | None
    iteration: int | None
    total: int | None
    eta_seconds: float | None
    result: Path | None
    error: str | None
    report: dict[str, Any] | None
    intended: Path | None = None
    sha256: str | None = None
    size: int | None = None
    kept: Path | None = None

    @property
    def is_loose(self) -> bool:
        """Whether its photo was taken by itself, and not with the folder that it lay in.

        The photo lies in the claim then, whose folder has the job's name; else in the folder taken.
        """
        return self.content.parent.name == self.id

    @property
    def intention(self) -> Intention | None:
        """The last three together, or None as long as nothing was painted."""
        if self.intended is None or self.sha256 is None or self.size is None:
            return None
        return Intention(self.intended, self.sha256, self.size)


def row_of(job: NewJob) -> tuple[Any, ...]:
    """What is known of a job before it has begun, as `queries.ADD` wants it."""
    return (
        job.id, os.fsencode(job.lane), os.fsencode(job.style_name), os.fsencode(job.relative),
        os.fsencode(job.content), os.fsencode(job.style),
        job.overrides and os.fsencode(job.overrides), job.recipe, written(job.stays),
        written_styles(job.styles), written_companions(job.companions),
    )  # fmt: skip


def written(stays: tuple[Stay, ...]) -> str | None:
    """Files that stay, as the journal has them; None if there are none."""
    files = [(coded(stay.path), stay.size, stay.mtime_ns) for stay in stays]
    return json.dumps(files) if files else None


def stays_in(text: str | None) -> tuple[Stay, ...]:
    """The same again, read."""
    files = json.loads(text) if text else []
    return tuple(Stay(PurePath(decoded(path)), size, mtime_ns) for path, size, mtime_ns in files)


def written_styles(styles: tuple[Part, ...]) -> str | None:
    """The parts of a blend, as the journal has them; None if it is none."""
    parts = [(coded(part.path), part.share) for part in styles]
    return json.dumps(parts) if parts else None


def styles_in(text: str | None) -> tuple[Part, ...]:
    """The same again, read."""
    parts = json.loads(text) if text else []
    return tuple(Part(Path(decoded(path)), float(share)) for path, share in parts)


def written_companions(companions: Mapping[str, Path]) -> str | None:
    """What belongs to a photo, as the journal has it; None if nothing does."""
    paths = {role: coded(path) for role, path in companions.items()}
    return json.dumps(paths) if paths else None


def companions_in(text: str | None) -> dict[str, Path]:
    """The same again, read."""
    paths = dict(json.loads(text)) if text else {}
    return {role: Path(decoded(path)) for role, path in paths.items()}


def coded(name: str | os.PathLike[str]) -> str:
    """A name or path as JSON holds it: not each is a text."""
    return os.fsencode(name).hex()


def decoded(text: str) -> str:
    """The same again, read.

    Raises:
        ValueError: it is none.
    """
    return os.fsdecode(bytes.fromhex(text))


COLUMNS: Final = tuple(field.name for field in fields(Job))
"""What the journal has of a job, in this order."""


def job_of(row: Sequence[Any]) -> Job:
    """A job out of the journal.

    Args:
        row: its columns; names and paths as bytes.

    Raises:
        ValueError: what stands there is none.
        TypeError: likewise.
    """
    values = dict(zip(COLUMNS, row, strict=True))
    for name in ("lane", "style_name"):
        values[name] = os.fsdecode(values[name])
    for name in ("content", "style", "overrides", "result", "intended", "kept"):
        values[name] = values[name] and Path(os.fsdecode(values[name]))
    values["relative"] = PurePath(os.fsdecode(values["relative"]))
    values["state"] = JobState(values["state"])
    values["stays"] = stays_in(values["stays"])
    values["styles"] = styles_in(values["styles"])
    values["companions"] = companions_in(values["companions"])
    values["report"] = values["report"] and json.loads(values["report"])
    return Job(**values)
