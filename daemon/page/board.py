"""What the page shows, as plain data.

Who gathers it knows nothing of looks, and who draws it nothing of jobs.
Names are names, whatever is in them: nothing here is escaped, and whoever draws has to. Texts from
the program (`reason`, `trouble`) are in English, and for whoever keeps the
machine; `daemon.words` has them in other languages, and for people who know the share alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.companions import Role
from daemon.obstacles import Aside, Obstacle
from daemon.page.whereabouts import NOWHERE, Whereabouts

MOST_WAITING = 30
"""So many of those that wait are listed; of the others only the number."""

MOST_RESULTS = 12
"""So many of the last results are shown, with their pictures."""

MOST_FAILURES = 12
"""So many of the last failures are listed."""

MOST_ASKED = 6
"""So many of each kind are named of what waits for people; of the others only the number."""


@dataclass(frozen=True)
class Point:
    """One step of a painting, for the plot.

    Attributes:
        step: steps done over all scales, from 1 on.
        loss: total loss after it.
        scale: on which scale, from 1 on; losses of two scales have no common measure.
    """

    step: int
    loss: float
    scale: int


@dataclass(frozen=True)
class Now:
    """A photo that is being painted.

    Attributes:
        job: its id.
        name: of the photo's file, or of the folder that is one job.
        style: name of the style; None for one that came along with the photo.
        step: steps done; 0 before the first.
        total: steps that the recipe allows; 0 while that is not known.
        scale: on which scale, from 1 on; 0 before the first step.
        scales: how many there are; 0 while that is not known.
        width: of the picture on this scale, pixels; 0 before the first step.
        height: likewise.
        attempt: which one this is, from 1 on.
        seconds_left: estimate; None while there is none.
        preview: what it looks like now, JPEG; None before the first look.
        photo: the photo, small, JPEG; None before it is decoded.
        points: losses so far, few enough to plot.
        painter: who paints it, if there are several; empty otherwise.
    """

    job: str
    name: str
    style: str | None
    step: int = 0
    total: int = 0
    scale: int = 0
    scales: int = 0
    width: int = 0
    height: int = 0
    attempt: int = 1
    seconds_left: float | None = None
    preview: bytes | None = None
    photo: bytes | None = None
    points: tuple[Point, ...] = ()
    painter: str = ""


@dataclass(frozen=True)
class Waiting:
    """A photo in the queue.

    Attributes:
        name: of its file, or of the folder that is one job.
        style: name of the style; None for one that came along with the photo.
        place: 1 is the next one, as far as can be told: folders take turns.
        since: when it was taken, seconds since 1970.
    """

    name: str
    style: str | None
    place: int
    since: float


@dataclass(frozen=True)
class Result:
    """A photo that is painted.

    Attributes:
        job: its id.
        name: of the result's file.
        style: name of the style; None for one that came along with the photo.
        link: the result, relative to the page, percent-encoded; None if it cannot be reached from
            there, or is gone.
        original: the photo, likewise; None also if it is not called a picture.
        width: pixels.
        height: pixels.
        seconds: that painting took.
        finished: when, seconds since 1970.
        before: the photo, small, JPEG; None if there is none any more.
        after: the result, small, of the same proportions, JPEG; likewise.
    """

    job: str
    name: str
    style: str | None
    link: str | None
    original: str | None
    width: int
    height: int
    seconds: float
    finished: float
    before: bytes | None = None
    after: bytes | None = None


FailureKind = Literal["photo", "pair", "group", "folder", "file", "no_picture"]
"""What lies in failed: a photo, a photo and another picture or several that lay beside it, a folder
that is one job, a file that is not called a picture, or one that is none."""


@dataclass(frozen=True)
class Failure:
    """Something that could not be painted, and that is in failed still.

    Attributes:
        job: its id.
        name: of the file, or of the folder.
        style: name of the style; None for one that came along with the photo, empty where its
            `job.toml` names styles and nobody can tell which.
        reason: what happened and what to do, in plain words.
        link: it in failed, relative to the page, percent-encoded; None if it cannot be reached
            from there, or is a file that is not called a picture.
        finished: when, seconds since 1970.
        kind: what it is.
        back_to: the folder to drag it back into, as people see it.
    """

    job: str
    name: str
    style: str | None
    reason: str
    link: str | None
    finished: float
    kind: FailureKind = "photo"
    back_to: str = ""


@dataclass(frozen=True)
class Asking:
    """Things in the inbox with which somebody has to do something.

    Attributes:
        names: of the first ones, with their folders below the inbox, at most `MOST_ASKED`.
        in_all: how many there are.
    """

    names: tuple[str, ...] = ()
    in_all: int = 0


@dataclass(frozen=True)
class Lonely:
    """A picture that goes along with another one, which is not there.

    Attributes:
        name: with its folders below the inbox.
        role: what it is to the other one.
        stem: of the other one's name.
    """

    name: str
    role: Role
    stem: str


@dataclass(frozen=True)
class BadStyle:
    """A style picture that cannot be used.

    Attributes:
        name: of its file.
        reason: what is wrong with it and what to do, in plain words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class NearlyNamed:
    """A folder whose name nearly asks for styles.

    Attributes:
        name: of the folder.
        reason: what in it cannot be read, in plain words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Places:
    """Names of the share's folders, as people see them; relative to the page where they lie below.

    Attributes:
        inbox: where photos are dropped.
        outbox: where results appear.
        styles: one picture here is one style.
        originals: photos that were painted.
        failed: photos that could not be.
    """

    inbox: str
    outbox: str
    styles: str
    originals: str
    failed: str


@dataclass(frozen=True)
class Board:
    """Everything that the page shows.

    Attributes:
        places: names of the folders.
        made: when, seconds since 1970.
        running: whether the service lives; False on the last page that it writes.
        styles: names of all styles, in order.
        now: photos that are being painted.
        waiting: the first that wait, at most `MOST_WAITING`.
        waiting_in_all: how many wait.
        results: the last ones, the latest first, at most `MOST_RESULTS`.
        painted_in_all: how many were painted, as far as the journal remembers.
        failures: the last ones, the latest first, at most `MOST_FAILURES`.
        failed_in_all: how many failed, likewise.
        trouble: what stands in the way, as whoever keeps the machine is told it.
        aside: which of several painters are of no use, while others go on.
        loading: whether the engine is being started.
        homeless: photos for which nobody has said a style.
        slips: the first folders of such photos that have a slip in their names, at most
            `MOST_ASKED`.
        halves: pictures that wait for a second one in their folder.
        lonely: the first masks and the like without what they belong to, at most `MOST_ASKED`.
        lonely_in_all: how many there are.
        closed: files and folders that the program may not open.
        bad_styles: the first style pictures that cannot be used, at most `MOST_ASKED`.
        bad_styles_in_all: how many there are.
        whereabouts: how the paths are seen that the program names.
    """

    places: Places
    made: float
    running: bool = True
    styles: tuple[str, ...] = ()
    now: tuple[Now, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    waiting_in_all: int = 0
    results: tuple[Result, ...] = ()
    painted_in_all: int = 0
    failures: tuple[Failure, ...] = ()
    failed_in_all: int = 0
    trouble: tuple[Obstacle, ...] = ()
    aside: tuple[Aside, ...] = ()
    loading: bool = False
    homeless: Asking = Asking()
    slips: tuple[NearlyNamed, ...] = ()
    halves: Asking = Asking()
    lonely: tuple[Lonely, ...] = ()
    lonely_in_all: int = 0
    closed: Asking = Asking()
    bad_styles: tuple[BadStyle, ...] = ()
    bad_styles_in_all: int = 0
    whereabouts: Whereabouts = NOWHERE

    @property
    def asks(self) -> bool:
        """Whether there is something that people have to do."""
        asked = (self.homeless, self.halves, self.closed)
        return any(one.in_all for one in asked) or bool(self.lonely or self.bad_styles)
