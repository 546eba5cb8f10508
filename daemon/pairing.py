"""Which files belong together, and which style they ask for. It reads no disk itself.

The rules, the first that fits:

1. **folder**: a folder that holds one picture ``content.*``, one picture ``style.*`` and no other
   picture or folder with files is one job and is taken whole, with `job.toml` and whatever else
   lies in it. While only one of the two is there, it waits; but a `job.toml` may name styles in
   place of ``style.*`` (`daemon.named`), and below the folder of a style that one is meant, where
   `job.toml` or a mask and the like lie beside ``content.*``. The inbox and the folders of the
   styles are never taken so: there these are ordinary names.
2. **pair**: ``photo.jpg`` with ``photo.style.jpg`` beside it, anywhere, any kinds of pictures.
   Where two photos or two styles claim the same stem, the first in order of names is meant.
3. **style**: everything else below the folder of a style, at any depth; or of several, by its name
   (`daemon.looks`).
4. **default**: everything else, when there is a default style.
5. **homeless**: everything else. A lone ``photo.style.jpg`` outside of the styles' folders is
   always so: its photo is probably on its way, and as a photo it was not meant.

Masks and the like (`daemon.companions`) are no photos themselves, and go along with their photo,
whichever rule that falls under; they may lie in a folder of the first rule too. Without their photo
they are **lonely**, in the folder of a style as well; so are ``mask.png`` and the like in a folder
of somebody's own that holds no other photo.

In the folder of a style nothing waits: ``content.jpg`` alone is an ordinary photo there. Notes of
ours belong to nobody, and so does a `job.toml` beside ordinary photos: it would be a wish about
everything that ever lies there, and a preset is for that. Both are left where they are.

Files that are not named like pictures are treated as photos in 3 to 5: they fail with a reason
that a person can read, which is better than lying there without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Final, Literal, NamedTuple

from daemon.companions import Beside, Role, beside, is_companion, job_role, marked
from daemon.looks import Book, InStyles, Looks, Part, of_one
from daemon.named import BOTH, Answers, SaysStyles, Unread
from daemon.names import JOB_FILE, is_note, split
from daemon.one_job import Folder, OneJob, by_folder, is_job_file
from daemon.scanner import Guard, Look, Sighting, in_order, unguarded

INBOX_LANE: Final = "Inbox"
"""The lane of what lies in the bare inbox."""


@dataclass(frozen=True)
class Candidate(InStyles):
    """Files in the inbox that together ask for one picture.

    Attributes:
        kind: which form of pairing it is.
        lane: whose turn it is, for fairness: the folder in the inbox below which the photo lies
            (for a whole folder: below which it lies), or "Inbox".
        style_name: the style, as people call it.
        content: the photo.
        style: the style picture, in `Styles/` or beside the photo.
        style_sighting: the style picture when it lies in the inbox too: it is taken along.
        overrides: the job.toml.
        folder: the folder that is taken whole (kind "folder").
        relative: the photo's path below the inbox.
        others: what else lies in that folder and is taken along.
        styles: all parts of a blend, `style` being the first one's; empty for one style.
        companions: what else lies beside the photo and belongs to it, by what it is for.
        wishes: what the name of its folder asks for besides, as a `job.toml` would.
        fault: why it cannot be painted, where its `job.toml` names styles and nobody can tell
            which; that file stands for its style then. Empty for all others.
    """

    kind: Literal["style", "pair", "folder", "default"]
    lane: str
    style_name: str
    content: Sighting
    style: Path
    style_sighting: Sighting | None
    overrides: Sighting | None
    folder: Path | None
    relative: PurePath
    others: tuple[Sighting, ...] = ()
    styles: tuple[Part, ...] = field(default=(), kw_only=True)
    companions: Mapping[Role, Sighting] = field(default_factory=dict, kw_only=True, hash=False)
    wishes: Mapping[str, object] = field(default_factory=dict, kw_only=True, hash=False)
    fault: str = field(default="", kw_only=True)

    @cached_property
    def sightings(self) -> tuple[Sighting, ...]:
        """All files in the inbox that this candidate takes, and that must be settled for it."""
        beside = (*self.companions.values(), *self.others)
        found = (self.content, self.style_sighting, self.overrides, *beside)
        return tuple(sighting for sighting in found if sighting is not None)


@dataclass(frozen=True)
class Pairing:
    """What one look means; everything is in order of paths.

    Attributes:
        candidates: what could be painted once it is settled.
        homeless: files for which nobody has said a style.
        waiting: lone halves, `content.*` or `style.*` in a folder that lacks the other one yet.
        unread: such ones beside a `job.toml` of which nobody knows yet whether it names styles.
        lonely: masks and the like of photos that are not there.
        along: what goes along with those that are homeless or wait, by their paths.
    """

    candidates: tuple[Candidate, ...]
    homeless: tuple[Sighting, ...]
    waiting: tuple[Sighting, ...] = ()
    unread: tuple[Sighting, ...] = field(default=(), kw_only=True)
    lonely: tuple[Sighting, ...] = ()
    along: Mapping[Path, tuple[Sighting, ...]] = field(default_factory=dict)


def pair(
    look: Look,
    styles: Mapping[str, Path],
    default_style: str | None,
    job_files: SaysStyles | None = None,
) -> Pairing:
    """Decide what the files in the inbox mean.

    Args:
        look: at the inbox.
        styles: the style pictures by name; Unicode forms (NFC, NFD) of a name are the same.
        default_style: the style for what lies in no style's folder; one that is not in `styles`
            is as good as none.
        job_files: knows which styles the `job.toml` of folders name; without it they name none.
    """
    return Pairer(job_files=job_files).pair(look, styles, default_style)


class Pairer:
    """Pairs one look after the other, always as `pair` would.

    A folder in which nothing has changed since the last look means what it meant then: ten thousand
    photos may wait for their turn, and be looked at every few seconds.

    Args:
        guard: the files of folders that it passes over mean nothing meanwhile.
        job_files: knows which styles the `job.toml` of folders name.
    """

    def __init__(self, guard: Guard = unguarded, job_files: SaysStyles | None = None) -> None:
        self._guard = guard
        self._job_files = job_files or Unread()
        self._known: dict[Path, _Sorting] = {}
        self._book = Book({})
        self._answers = Answers(self._book)

    def pair(self, look: Look, styles: Mapping[str, Path], default_style: str | None) -> Pairing:
        """As the function of that name."""
        if self._book.styles != styles:
            self._book = Book(styles)
            self._answers = Answers(self._book)
        default = self._book.looks(default_style) if default_style else None
        folders = by_folder(look)
        crowded = {above for folder in folders for above in folder.path.parents}
        known = {}
        for folder in _in_turn(folders, self._job_files.begin()):
            step = partial(self._sorted, folder, default, holds_folders=folder.path in crowded)
            sorting = self._guard(folder.path, step)
            if sorting is not None:
                known[folder.path] = sorting
        self._known = known
        return _together(known[folder.path] for folder in folders if folder.path in known)

    def _sorted(self, folder: Folder, default: Looks | None, *, holds_folders: bool) -> _Sorting:
        style = self._book.looks(folder.below[0]) if folder.below else None
        own = not folder.below or (style is not None and len(folder.below) == 1)
        said = "" if own or holds_folders else self._said(folder)
        question = _Question(tuple(folder.files), style, default, own, holds_folders, said)
        known = self._known.get(folder.path)
        if known is not None and known.question == question:
            return known
        sorting = _Sorting(question)
        sorting.sort(folder)
        return sorting

    def _said(self, folder: Folder) -> Looks | str | None:
        job_file = next(filter(is_job_file, folder.files), None)
        job = None if job_file is None else folder.job
        if job_file is None or job is None or job.style is not None:
            return ""
        said = self._job_files.said(job_file)
        if said is None:
            return None
        return said.fault if said.named is None else self._answers.of(said.named)


class _Question(NamedTuple):
    """All that decides what the files in a folder mean, besides where it lies.

    Attributes:
        files: directly in it.
        style: what the folder in the inbox asks for in which it lies.
        default: the same for what lies in no style's.
        own: whether it is never taken whole: the one looked at, or a style's own folder.
        holds_folders: with files in them.
        said: the styles that its `job.toml` names, where it may be one job and lacks a picture of
            its style; empty if it names none, a text why these cannot be, None if nobody knows yet.
    """

    files: tuple[Sighting, ...]
    style: Looks | None
    default: Looks | None
    own: bool
    holds_folders: bool
    said: Looks | str | None


def _in_turn(folders: list[Folder], first: Sequence[Path]) -> list[Folder]:
    """The folders, some of them first, in the order of these."""
    places = {path: place for place, path in enumerate(first)}
    return sorted(folders, key=lambda folder: places.get(folder.path, len(places)))


@dataclass
class _Sorting:
    """The files of one folder are put into their places."""

    question: _Question
    candidates: list[Candidate] = field(default_factory=list)
    homeless: list[Sighting] = field(default_factory=list)
    waiting: list[Sighting] = field(default_factory=list)
    unread: list[Sighting] = field(default_factory=list)
    lonely: list[Sighting] = field(default_factory=list)
    along: dict[Path, tuple[Sighting, ...]] = field(default_factory=dict)

    def sort(self, folder: Folder) -> None:
        style, own = self.question.style, self.question.own
        if not (own or self.question.holds_folders):
            if self._is_one_job(folder):
                return
            half = folder.lone_half
            if half is not None and (style is None or self.question.said is None):
                others = (one for one in folder.pictures() if one != half)
                where = self.unread if self.question.said is None else self.waiting
                self._leave(where, half, tuple(others))
                return
        self._singly(folder, style, is_job=not own and folder.holds_a_job_alone)

    def _is_one_job(self, folder: Folder) -> bool:
        job = folder.job
        if job is None:
            return False
        if job.style is not None:
            self._add_job(job, of_one(split(job.style.path.name)[0], job.style.path))
            return True
        looks = self._looks(job)
        if isinstance(looks, str):
            if job.job_file is not None:  # as it always is
                self._add_job(job, of_one(JOB_FILE, job.job_file.path), looks)
            return True
        if looks is not None:
            self._add_job(job, looks)
        return looks is not None

    def _looks(self, job: OneJob) -> Looks | str | None:
        """What a job without a style picture is painted in.

        Returns:
            None if nothing says that; why it cannot be painted, if its `job.toml` says nonsense.
        """
        said, marks_a_style = self.question.said, "style_regions" in job.companions
        if isinstance(said, Looks) and marks_a_style:  # nobody knows which of them is marked
            return BOTH
        if said is None or said:
            return said
        # Alone it is an ordinary photo, and its painting is called as it is.
        is_alone = job.job_file is None and not job.companions
        return None if is_alone or marks_a_style else self.question.style

    def _add_job(self, job: OneJob, looks: Looks, fault: str = "") -> None:
        self.candidates.append(
            Candidate(
                kind="folder",
                # A folder is one job: were each a lane of its own, whoever drops many would win.
                lane=job.folder.below[0] if len(job.folder.below) > 1 else INBOX_LANE,
                style_name=looks.name,
                content=job.content,
                style=looks.parts[0].path,
                # Its file of wishes stands for the style of one that is never painted.
                style_sighting=job.job_file if fault else job.style,
                overrides=None if fault else job.job_file,
                folder=job.folder.path,
                relative=PurePath(*job.folder.below, job.content.path.name),
                others=job.others,
                styles=looks.blend,
                companions=job.companions,
                wishes={**self._wishes, **looks.wishes},
                fault=fault,
            )
        )

    @property
    def _wishes(self) -> Mapping[str, object]:
        """What is asked for of photos with a style of their own, too."""
        return {} if self.question.style is None else self.question.style.wishes

    def _singly(self, folder: Folder, style: Looks | None, *, is_job: bool) -> None:
        """Go through the files one by one.

        Args:
            folder: theirs.
            style: in whose folder it lies.
            is_job: whether it holds nothing but what a folder that is one job may hold, though it
                is none (yet, or any more): `mask.png` and so on are ordinary names elsewhere.
        """
        files = {sighting.path.name: sighting for sighting in folder.files}
        groups = beside(files)
        goes_along = {name for group in groups.values() for name in group.names}
        for name, sighting in files.items():
            if name in goes_along or is_note(name) or is_job_file(sighting):
                continue
            group = _Group.of(groups.get(name), files)
            if group.style is not None:
                own = of_one(split(group.style.path.name)[0], group.style.path, self._wishes)
                self._add("pair", folder, sighting, own, group)
            elif is_companion(name) or (is_job and job_role(name)):
                self.lonely.append(sighting)
            elif style is not None:
                self._add("style", folder, sighting, style, group)
            elif self.question.default is not None and marked(name) is None:
                self._add("default", folder, sighting, self.question.default, group)
            else:
                self._leave(self.homeless, sighting, tuple(group.companions.values()))

    def _leave(
        self, where: list[Sighting], photo: Sighting, companions: tuple[Sighting, ...]
    ) -> None:
        where.append(photo)
        if companions:
            self.along[photo.path] = companions

    def _add(
        self,
        kind: Literal["style", "pair", "default"],
        folder: Folder,
        content: Sighting,
        looks: Looks,
        group: _Group,
    ) -> None:
        self.candidates.append(
            Candidate(
                kind=kind,
                lane=folder.below[0] if folder.below else INBOX_LANE,
                style_name=looks.name,
                content=content,
                style=looks.parts[0].path,
                style_sighting=group.style,
                overrides=None,
                folder=None,
                relative=PurePath(*folder.below, content.path.name),
                styles=looks.blend,
                companions=group.companions,
                wishes=looks.wishes,
            )
        )


class _Group(NamedTuple):
    """What goes along with a photo: its own style, and all else."""

    style: Sighting | None
    companions: Mapping[Role, Sighting]

    @classmethod
    def of(cls, names: Beside | None, files: Mapping[str, Sighting]) -> _Group:
        if names is None:
            return cls(None, {})
        style = None if names.style is None else files[names.style]
        return cls(style, {role: files[name] for role, name in names.roles.items()})


def _together(sortings: Iterable[_Sorting]) -> Pairing:
    found = list(sortings)
    candidates = (each for sorting in found for each in sorting.candidates)
    homeless = (each for sorting in found for each in sorting.homeless)
    lonely = (each for sorting in found for each in sorting.lonely)
    return Pairing(
        tuple(sorted(candidates, key=lambda candidate: in_order(candidate.content.path))),
        tuple(sorted(homeless, key=lambda sighting: in_order(sighting.path))),
        tuple(each for sorting in found for each in sorting.waiting),
        tuple(sorted(lonely, key=lambda sighting: in_order(sighting.path))),
        {photo: others for sorting in found for photo, others in sorting.along.items()},
        unread=tuple(each for sorting in found for each in sorting.unread),
    )
