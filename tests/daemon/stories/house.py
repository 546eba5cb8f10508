"""One story: a share, the people who use it, the daemon that keeps it, and what is told of it."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemon.configuration import load
from daemon.share import make_share, open_share
from tests.daemon.child_stand_ins import KILLS
from tests.daemon.stories.checks import Promise, tree
from tests.daemon.stories.damage import Damage, damage
from tests.daemon.stories.disk import Disk, Way, ways
from tests.daemon.stories.keeper import STAND_IN, Keeper
from tests.daemon.stories.ledger import Ledger
from tests.daemon.stories.people import HANDS, People

_REST_SECONDS = 240.0
_POLL = 0.1
_STILL = 3
"""So many looks in a row everything has to be at rest."""
_LOG_SHOWN = 40_000
_STATES = ("queued", "running")
_TORN_START = re.compile(
    r"Traceback \(most recent call last\):\n(?:  .*\n)*?.* in spawn_main\n(?:  .*\n)*"
    r"(?:EOFError|_pickle\.UnpicklingError): .*\n"
)
"""What Python says of a child whose parent was killed before it had told it what to run."""


@dataclass(frozen=True)
class Plan:
    """What a story happens on.

    Attributes:
        own_disk: whether the share lies on a disk of its own.
        state_inside: whether the journal lies on that one too.
        far: whether the work folder is on another device.
        ways: how many of the ways to rename are not there.
        dawdles: milliseconds, for `dawdling`.
        polls: whether the daemon looks by itself.
        program: what is started.
        settings: more of the settings' file.
    """

    own_disk: bool = False
    state_inside: bool = False
    far: bool = False
    ways: int = 0
    dawdles: int = 0
    polls: bool = True
    program: tuple[str, ...] = STAND_IN
    settings: str = ""


class BrokenError(AssertionError):
    """The promise was not kept; the message tells the whole story."""


class House:
    """Puts a story's parts together.

    Args:
        plan: what it happens on.
    """

    def __init__(self, plan: Plan) -> None:
        self._began = time.monotonic()
        self._lines: list[str] = []
        self.tell(str(plan))
        self.disk = Disk(own=True, ways=ways()) if plan.own_disk else Disk(own=False)
        top = self.disk.inside if plan.state_inside else self.disk.base
        self._far = Path(tempfile.mkdtemp()) if plan.far else None
        self.share, state = self.disk.share, top / "state"
        self.work = self._far or self.share / ".atelierd"
        self._write_settings(plan, state)
        self.ledger = Ledger()
        self.people = People(self.share, self.ledger, self.tell, far=plan.far)
        environ = {
            "DAWDLING": f"{plan.dawdles} {plan.ways}", "FAULTS": str(self.disk.faults)
        }  # fmt: skip
        self.keeper = Keeper(self.disk.base, state, plan.program, environ, self.tell)
        identifies = plan.program == STAND_IN
        self._promise = Promise(
            self.share, self.work, state, self.ledger, self.people.styles, identifies
        )
        self.is_held = self.is_full = self.is_away = self._was_troubled = False
        self.shut: str = ""

    def tell(self, what: str) -> None:
        """Write a line of the story."""
        self._lines.append(f"{time.monotonic() - self._began:8.3f}  {what}")

    def start(self) -> None:
        """Start the daemon, if it does not run."""
        if not self.keeper.is_there:
            self.tell("the daemon is started")
            self._was_troubled = self.is_troubled
            self.keeper.start()

    @property
    def is_troubled(self) -> bool:
        """Whether something is the matter with the disk."""
        return self.is_full or self.is_away or bool(self.shut)

    def fill(self, room: int) -> None:
        """Leave so many pages free."""
        self.tell(f"the disk is full, but for {room} pages")
        self.is_full = self._was_troubled = True
        self.disk.fill(room)

    def shut_up(self, folder: str, way: Way) -> None:
        """Let nobody write in a folder, if it is there; in another way where this one is not."""
        way = way if way in self.disk.ways else self.disk.ways[0]
        if not (self.share / folder).is_dir():
            return
        self.tell(f"{folder} is closed to writers ({way})")
        self.shut, self._was_troubled = folder, True
        self.disk.shut(self.share / folder, way)

    def unplug(self) -> None:
        """Take the share away."""
        self.tell("the share is unmounted")
        self.is_away = self._was_troubled = True
        self.disk.unplug()

    def heal(self) -> None:
        """Put an end to all that is the matter with the disk."""
        if self.is_full:
            self.tell("the disk has room again")
            self.disk.free()
        if self.shut:
            self.tell(f"{self.shut} is open again")
            self.disk.open_up()
        if self.is_away:
            self.tell("the share is mounted again")
            strays = self.disk.strays()
            self.expect(not strays, f"written in the place of the share: {strays}")
            self.disk.plug()
        self.is_full = self.is_away = False
        self.shut = ""

    def hold(self, *, still: bool) -> None:
        """Let the daemon stand still, or go on."""
        if still is not self.is_held:
            self.tell("the daemon stands still" if still else "the daemon goes on")
            self.keeper.hold(still=still)
        self.is_held = still

    def kill(self) -> None:
        """Kill the daemon."""
        self.tell("the daemon is killed")
        self.look_after()
        self.keeper.kill()
        self.is_held = False

    def stop(self) -> None:
        """Ask the daemon to end."""
        self.tell("the daemon is asked to end")
        self.look_after()
        begun = self.keeper.is_there and self.keeper.has_begun
        status = self.keeper.stop()
        self.is_held = False
        self.expect(not begun or status == 0, f"the daemon ended with {status}")

    def lose_journal(self, how: Damage) -> None:
        """Do something to the journal of a daemon that does not run, and start it."""
        journal = self.keeper.journal
        if journal is None:
            return
        self.tell(f"the journal is damaged ({how})")
        self._forgive()
        damage(journal, how)
        self.start()
        # Not before: whoever drops a photo once more, while the first lies in a claim that no
        # journal knows, gets one result for both.
        self.keeper.wait_to_begin(_REST_SECONDS)

    def _forgive(self) -> None:
        """What is not promised when a journal is lost."""
        inbox, taken = set(tree(self.share / "Inbox").values()), Counter(tree(self.work).values())
        kept = {one for top in ("Originals", "Failed") for one in tree(self.share / top).values()}
        for data, version in self.ledger.versions.items():
            if data in inbox:
                # One that stays, since nobody may move it, is painted once more.
                version.high += data in kept or data in taken
            # Those in claims are taken for the one that lies where they came from: there already,
            # or put back there just before.
            version.low -= max(taken[data] + (data in inbox) - 1, 0)

    def look_after(self) -> None:
        """See whether the daemon is up; one that could not start, for good reason, is started."""
        begun = self.keeper.is_there and self.keeper.has_begun
        status = self.keeper.ended()
        if status is None:
            return
        self.tell(f"the daemon has ended by itself with {status}")
        self.expect(not begun and self._was_troubled, f"the daemon ended by itself with {status}")
        if not self.is_troubled:
            self.start()

    def rest(self) -> None:
        """Wait until all is done that can be, and see whether the promise is kept."""
        self.tell("it is to come to rest")
        self.hold(still=False)
        while self.people.writings:
            self.people.end(0, well=True)
        self.heal()
        self._spare_the_engine()
        self.start()
        self._wait(self._is_at_rest)
        self.tell("it is at rest")
        broken = self._promise.broken(
            deaths=self.keeper.deaths, dragged_back=self.people.dragged_back
        )
        self.expect(not broken, *broken)
        log = _TORN_START.sub("", self.keeper.log.read_text(errors="replace"))
        self.expect("Traceback" not in log, "there is a traceback in the log")
        self.expect("error of its own" not in log, "the program has met an error of its own")

    def expect(self, kept: bool, *broken: str) -> None:  # noqa: FBT001 - as `assert`
        """Break off, and tell the whole story, if something is not so."""
        if not kept:
            raise BrokenError("\n".join([*broken, "", self.story()]))

    def close(self) -> None:
        """End everything."""
        self.people.close()
        self.keeper.close()
        self.disk.close()
        if self._far is not None:
            shutil.rmtree(self._far, ignore_errors=True)

    def _spare_the_engine(self) -> None:
        """Take a style away that kills it each time: it is given longer and longer pauses."""
        styles = self.people.styles
        for name in [name for name, red in styles.now.items() if red == KILLS]:
            self.people.set_style(name, styles.fresh())

    def _wait(self, is_so: Callable[[], bool]) -> None:
        end, still = time.monotonic() + _REST_SECONDS, 0
        while still < _STILL:
            self.look_after()
            still = still + 1 if is_so() else 0
            self.expect(
                time.monotonic() < end,
                f"it does not come to rest: {[str(path) for path in self._promise.waits()]} wait",
            )
            time.sleep(_POLL)

    def _is_at_rest(self) -> bool:
        if not (self.keeper.is_there and self.keeper.has_begun):
            return False
        if self._promise.waits() or not self._promise.note_is_right():
            return False
        folders = {path.name for path in (self.share / "Inbox").iterdir() if path.is_dir()}
        if not self.people.styles.now.keys() <= folders or any((self.work / "jobs").iterdir()):
            return False
        jobs = self.keeper.jobs()
        return not any(jobs.get(state) for state in _STATES)

    def _write_settings(self, plan: Plan, state: Path) -> None:
        mode = "poll" if plan.polls else "events"
        work = f"work = '{self._far}'\n" if self._far else ""
        config = self.disk.base / "config.toml"
        config.write_text(
            f"state_dir = '{state}'\n[share]\nroot = '{self.share}'\n{work}"
            f"[watch]\nmode = '{mode}'\nsettle_seconds = 0.15\nsettle_scans = 2\n"
            "poll_seconds = 0.05\npatience_seconds = 0.5\nscan_seconds = 1\n"
            "[output]\nformat = 'png'\n[log]\nformat = 'json'\n"
            f"[paint]\npreset = 'draft'\nsize = 64\n{plan.settings or 'iterations = 30'}\n"
        )
        make_share(open_share(load(config, {}, {}).settings.share))

    def story(self) -> str:
        names = {data: one.name for data, one in self.ledger.versions.items()}
        tops = ("Inbox", "Outbox", "Originals", "Failed", "Styles", ".atelierd", HANDS)
        lines = ["What was done:", *self._lines, "", "What the folders hold:"]
        for top in tops:
            lines += [
                f"    {top}/{path}  {names.get(data, '')} {len(data)} bytes"
                for path, data in tree(self.share / top).items()
            ]
        for path in tree(self.work) if self._far else ():
            lines.append(f"    (work) {path}")
        log = self.keeper.log.read_text(errors="replace")
        return "\n".join([*lines, "", "What the daemon has logged, at the end:", log[-_LOG_SHOWN:]])
