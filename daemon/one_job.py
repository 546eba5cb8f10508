"""Which folder is one job, by the names of what lies in it.

It holds one picture ``content.*``, no other picture but what goes along with that
(`daemon.companions`), and something that says its style: one picture ``style.*``, its `job.toml`,
or the style's folder in which it lies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from daemon.companions import Role, in_a_job, job_role
from daemon.names import JOB_FILE, is_note, is_picture, split
from daemon.scanner import Look, Sighting


@dataclass
class Folder:
    """The files that lie directly in one folder, taken apart by their names.

    Attributes:
        path: its own.
        below: the names of the folders that lead to it from the one looked at.
        files: in order of names.
    """

    path: Path
    below: tuple[str, ...]
    files: list[Sighting] = field(default_factory=list)

    def called(self, stem: str) -> list[Sighting]:
        """The pictures of this name, whatever their kind."""
        return [s for s in self.pictures() if split(s.path.name)[0].casefold() == stem]

    def pictures(self) -> Iterator[Sighting]:
        """The files that are called pictures."""
        return (sighting for sighting in self.files if is_picture(sighting.path.name))

    @property
    def holds_a_job_alone(self) -> bool:
        """Whether no picture in it has a name that a folder that is one job cannot have."""
        return all(_is_of_a_job(picture.path.name) for picture in self.pictures())

    @property
    def lone_half(self) -> Sighting | None:
        """`content.*` or `style.*` without the other one; None if that is not so."""
        halves = [*self.called("content"), *self.called("style")]
        others = (s for s in self.pictures() if job_role(s.path.name) is None)
        alone = len(halves) == 1 and halves == list(others)
        return halves[0] if alone else None

    @property
    def job(self) -> OneJob | None:
        """What makes it one job, as far as names tell; None if they tell that it is none."""
        contents, styles = self.called("content"), self.called("style")
        if len(contents) != 1 or len(styles) > 1:
            return None
        others = {s.path.name: s for s in self.pictures() if s not in (*contents, *styles)}
        roles = in_a_job(others)
        if roles is None:
            return None
        companions = {role: others[name] for role, name in roles.items()}
        return OneJob(self, contents[0], styles[0] if styles else None, companions)


@dataclass(frozen=True)
class OneJob:
    """What lies in a folder that is one job, if something says its style.

    Attributes:
        folder: that one.
        content: the photo.
        style: the style's picture, if it lies there too.
        companions: what goes along with them.
    """

    folder: Folder
    content: Sighting
    style: Sighting | None
    companions: Mapping[Role, Sighting]

    @cached_property
    def job_file(self) -> Sighting | None:
        """Its `job.toml`, if there is one."""
        return next(filter(is_job_file, self.folder.files), None)

    @property
    def others(self) -> tuple[Sighting, ...]:
        """What is taken along besides; notes of ours are left out."""
        known = (self.content, self.style, self.job_file, *self.companions.values())
        taken = {one.path for one in known if one is not None}
        files = self.folder.files
        return tuple(s for s in files if s.path not in taken and not is_note(s.path.name))


def is_job_file(sighting: Sighting) -> bool:
    """Whether a file is called as one of wishes is."""
    return sighting.path.name.casefold() == JOB_FILE


def _is_of_a_job(name: str) -> bool:
    return job_role(name) is not None or split(name)[0].casefold() in {"content", "style"}


def by_folder(look: Look) -> list[Folder]:
    """The folders in which files were seen, in order of paths."""
    folders: dict[str, Folder] = {}
    for sighting in look.files:
        name = os.path.dirname(sighting.path)  # noqa: PTH120 - many
        if name not in folders:
            path = sighting.path.parent
            folders[name] = Folder(path, path.relative_to(look.root).parts)
        folders[name].files.append(sighting)
    return sorted(folders.values(), key=lambda folder: folder.path)
