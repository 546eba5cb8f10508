"""Each photo ends exactly once, whatever people, disks and kills do meanwhile.

Stories are made up at random: people drop photos, write them slowly, replace, move and delete them,
while the daemon - a real process, over a real folder - is killed, its journal is lost, or its disk
is full, closed or gone. Whenever all comes to rest, each photo has its result in the outbox and
itself in originals, or lies in failed with a reason; nothing is lost, or painted twice, and nothing
is left over.

The same few stories are told each time; with ATELIERD_STORIES=200 so many others.
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from tests.daemon.child_stand_ins import KILLS, SLOW
from tests.daemon.stories import pictures
from tests.daemon.stories.damage import DAMAGES, Damage
from tests.daemon.stories.disk import WAYS, Disk, ways, why_not
from tests.daemon.stories.house import House, Plan
from tests.daemon.stories.keeper import REAL
from tests.daemon.stories.telling import Telling, relief, step, trouble

pytestmark = pytest.mark.timeout(7200)
STORIES: Final = int(os.environ.get("ATELIERD_STORIES", "0"))
PLACES: Final = ("Waves", "Dots", "Waves + Dots", "Waves/Trip", "", "Nobody")
FOLDERS: Final = ("Waves", "Dots", "Waves/Trip", "Nobody", "Elsewhere")
CLOSED: Final = (
    *("Inbox", "Inbox/Waves", "Outbox", "Outbox/Waves", "Originals", "Originals/Waves", "Failed"),
    *("Failed/Waves", "Styles", ".atelierd", ".atelierd/jobs"),
)
BROKEN: Final = (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(2000), b"\xff\xd8" + bytes(900))
EVENTS: Final = ("job.queued", "job.started", "job.progress", "job.finished", "job.failed")

SUDDEN: Final = ("kill", "kill", "kill", "stop", "engine", "remove", "style")
TROUBLES: Final = (*WAYS, "fill", "unplug")


@dataclass(frozen=True)
class Moment:
    """While a photo is on its way: a bit later than the daemon says this of one."""

    kind: pictures.Kind
    place: str
    name: str
    event: str
    later: float


places = st.sampled_from(PLACES)
lanes = st.sampled_from(PLACES[:4])
names = st.sampled_from(["a.jpg", "b.jpg", "c.jpg"])
kinds = st.sampled_from(["jpg", "png"])
moments = st.builds(
    Moment, kinds, lanes, names, st.sampled_from(EVENTS), st.sampled_from([0.0, 0.002, 0.01])
)
which = st.integers(0, 5)
then = st.sampled_from([0.0, 0.0, 0.02, 0.1, 0.3])
"""For how long nobody does anything after that."""


class Stories(Telling):
    """What may happen. Nothing is drawn that depends on how quick the daemon is."""

    fixed: ClassVar[dict[str, Any]] = {}
    """What is not drawn."""

    more: ClassVar[str] = ""
    """Settings with which the real engine paints; without them it is the stand-in."""

    @initialize(
        disk=st.booleans(), inside=st.booleans(), far=st.sampled_from([False, False, True]),
        ways=st.sampled_from([0, 0, 1, 2]), dawdles=st.sampled_from([0, 5, 40]),
        polls=st.booleans(), slow=st.booleans(),
    )  # fmt: skip
    def begin(self, **drawn: Any) -> None:
        drawn |= self.fixed
        disk, inside, slow = (drawn.pop(name) for name in ("disk", "inside", "slow"))
        own = disk and not why_not()
        plan = Plan(own_disk=own, state_inside=own and inside, **drawn)
        if self.more:
            plan = Plan(program=REAL, settings=self.more)
        self.has_disk, self.has_far = disk and not self.more, plan.far
        self.act(functools.partial(self._begin, plan, slow=slow))

    def _begin(self, plan: Plan, *, slow: bool) -> None:
        self.open = House(plan)
        people = self.house.people
        people.set_style("Waves", SLOW if slow else people.styles.fresh())
        people.set_style("Dots", people.styles.fresh())
        self.house.start()
        if self.more:
            people.drop(self.house.ledger.photo("jpg"), "Waves", "first.jpg")

    # What people do with photos.

    @rule(kind=kinds, place=places, name=names, after=then)
    @step
    def drop(self, *, kind: pictures.Kind, place: str, name: str) -> None:
        self.house.people.drop(self.house.ledger.photo(kind), place, name)

    @rule(kind=kinds, place=places, after=then)
    @step
    def drop_many(self, *, kind: pictures.Kind, place: str) -> None:
        for name in ("d.jpg", "e.jpg", "f.jpg"):
            self.house.people.drop(self.house.ledger.photo(kind), place, name)

    @rule(number=which, place=places, name=names, after=then)
    @step
    def drop_once_more(self, *, number: int, place: str, name: str) -> None:
        versions = [one for one in self.house.ledger.versions.values() if one.number is not None]
        if versions:
            self.house.people.drop(versions[-1 - number % len(versions)], place, name)

    @rule(data=st.sampled_from(BROKEN), place=places, name=names, after=then)
    @step
    def drop_no_picture(self, *, data: bytes, place: str, name: str) -> None:
        version = self.house.ledger.other(data, f"no picture, {len(data)} bytes")
        self.house.people.drop(version, place, name)

    @rule(kind=kinds, name=names, style_first=st.booleans(), between=then, after=then)
    @step
    def drop_pair(
        self, *, kind: pictures.Kind, name: str, style_first: bool, between: float
    ) -> None:
        own = name.replace(".jpg", ".style.png")
        both = [(self.house.ledger.photo(kind), name), (self._partner(), own)]
        for version, called in reversed(both) if style_first else both:
            self.house.people.drop(version, "", called)
            time.sleep(between)

    @rule(kind=kinds, place=places, after=then)
    @step
    def drop_folder(self, *, kind: pictures.Kind, place: str) -> None:
        both = {"content.jpg": self.house.ledger.photo(kind), "style.png": self._partner()}
        self.house.people.drop_folder(both, place, "Party")

    @rule(number=which, to_place=places, to_name=names, after=then)
    @step
    def move(self, *, number: int, to_place: str, to_name: str) -> None:
        self.house.people.move(number, to_place, to_name)

    @rule(source=st.sampled_from(FOLDERS), to=st.sampled_from(FOLDERS), after=then)
    @step
    def move_folder(self, *, source: str, to: str) -> None:
        self.house.people.move_folder(source, to)

    @rule(number=which, after=then)
    @step
    def take_away(self, *, number: int) -> None:
        self.house.people.take_away(number)

    @rule(kind=kinds, number=which, after=then)
    @step
    def replace(self, *, kind: pictures.Kind, number: int) -> None:
        self.house.people.replace(self.house.ledger.photo(kind), number)

    @rule(
        kind=kinds, place=places, name=names, after=then,
        how=st.sampled_from(["plain", "sized", "part"]),
    )  # fmt: skip
    @step
    def begin_to_write(self, *, kind: pictures.Kind, place: str, name: str, how: str) -> None:
        self.house.people.begin(self.house.ledger.photo(kind), place, name, how=how)

    @rule(kind=kinds, number=which, how=st.sampled_from(["truncate", "over"]), after=then)
    @step
    def write_over(self, *, kind: pictures.Kind, number: int, how: str) -> None:
        self.house.people.rewrite(self.house.ledger.photo(kind), number, how=how)

    @rule(kind=kinds, place=lanes, name=names, after=then)
    @precondition(lambda self: not self.has_far)
    @step
    def write_over_taken(self, *, kind: pictures.Kind, place: str, name: str) -> None:
        self.house.hold(still=False)
        self.house.start()
        self.house.people.set_style(place.split("/", maxsplit=1)[0], SLOW)
        old, new = self.house.ledger.photo("jpg"), self.house.ledger.photo(kind)
        self.house.people.write_over_taken(
            old, new, place, name, lambda: self.house.keeper.hear("job.started", 2.0)
        )

    @rule(kind=kinds, place=lanes, name=names, between=then, after=then)
    @step
    def drop_twins(self, *, kind: pictures.Kind, place: str, name: str, between: float) -> None:
        self.house.hold(still=False)
        twin = self.house.ledger.photo(kind)
        self.house.people.drop(twin, place, name)
        self.house.keeper.hear("job.queued", 1.0)
        time.sleep(between)
        self.house.people.drop(twin, place, name)

    @rule(number=which, after=then)
    @step
    def go_on(self, *, number: int) -> None:
        self.house.people.go_on(number)

    @rule(number=which, well=st.booleans(), after=then)
    @step
    def end_writing(self, *, number: int, well: bool) -> None:
        self.house.people.end(number, well=well)

    @rule(number=which, place=places, with_note=st.booleans(), after=then)
    @step
    def drag_back(self, *, number: int, place: str, with_note: bool) -> None:
        self.house.people.drag_back(number, place, with_note=with_note)

    # What they do with styles.

    @rule(
        name=st.sampled_from(["Waves", "Dots", "Nobody"]), after=then,
        red=st.sampled_from([-1, -1, -1, SLOW, KILLS, None]),
    )  # fmt: skip
    @step
    def set_style(self, *, name: str, red: int | None) -> None:
        people = self.house.people
        people.set_style(name, people.styles.fresh() if red == -1 else red)

    @rule(name=st.sampled_from(["Waves", "Dots", "Nobody"]), after=then)
    @step
    def remove_style(self, *, name: str) -> None:
        self.house.people.remove_style(name)

    # What becomes of the daemon.

    @rule(again=st.booleans(), after=then)
    @step
    def kill(self, *, again: bool) -> None:
        self.house.kill()
        if again:
            self.house.start()

    @rule(moment=moments, what=st.sampled_from(SUDDEN), after=then)
    @step
    def interrupt(self, *, moment: Moment, what: str) -> None:
        self._await(moment)
        self._interrupt(what, moment.place.split("/", maxsplit=1)[0])

    def _interrupt(self, what: str, lane: str) -> None:
        if what == "kill":
            self.house.kill()
            self.house.start()
        elif what == "stop":
            self.house.stop()
        elif what == "engine":
            self.house.tell("the engine is killed")
            self.house.keeper.kill_child(engine=True)
        elif what == "remove":
            self.house.people.remove_style(lane)
        else:
            self.house.people.set_style(lane, self.house.people.styles.fresh())

    @precondition(lambda self: self.has_disk and not self.is_troubled)
    @rule(
        moment=moments, what=st.sampled_from(TROUBLES), folder=st.sampled_from(CLOSED), after=then
    )
    @trouble
    def trouble_right_after(self, *, moment: Moment, what: Any, folder: str) -> None:
        self._await(moment)
        if what == "fill":
            self.house.fill(0)
        elif what == "unplug":
            self.house.unplug()
        else:
            self.house.shut_up(folder, what)

    def _await(self, moment: Moment) -> None:
        self.house.hold(still=False)
        self.house.start()
        self.house.people.drop(self.house.ledger.photo(moment.kind), moment.place, moment.name)
        self.house.keeper.hear(moment.event, 1.0)
        time.sleep(moment.later)

    @rule(later=st.sampled_from([0.2, 0.4, 0.45, 0.5, 0.55, 0.6, 0.8]), after=then)
    @step
    def kill_at_start(self, *, later: float) -> None:
        self.house.kill()
        self.house.start()
        time.sleep(later)
        self.house.kill()
        self.house.start()

    @rule(engine=st.sampled_from([True, True, False]), after=then)
    @step
    def kill_child(self, *, engine: bool) -> None:
        self.house.tell(f"{'the engine' if engine else 'the inspector'} is killed")
        self.house.keeper.kill_child(engine=engine)

    @rule(again=st.booleans(), after=then)
    @step
    def stop(self, *, again: bool) -> None:
        self.house.stop()
        if again:
            self.house.start()

    @rule(how=st.sampled_from(DAMAGES), kill=st.booleans(), after=then)
    @precondition(lambda self: not self.is_troubled)
    @step
    def lose_journal(self, *, how: Any, kill: bool) -> None:
        self.house.hold(still=False)
        if kill:
            self.house.kill()
        else:
            self.house.stop()
        self.house.lose_journal(how)

    @rule(after=then)
    @step
    def start(self) -> None:
        self.house.start()

    @rule(still=st.booleans(), after=then)
    @step
    def hold(self, *, still: bool) -> None:
        self.house.hold(still=still)

    # What becomes of the disk.

    @precondition(lambda self: self.has_disk and not self.is_troubled)
    @rule(room=st.sampled_from([0, 0, 1, 3, 12]), after=then)
    @trouble
    def fill(self, *, room: int) -> None:
        self.house.fill(room)

    @precondition(lambda self: self.has_disk and not self.is_troubled)
    @rule(folder=st.sampled_from(CLOSED), way=st.sampled_from(WAYS), after=then)
    @trouble
    def shut(self, *, folder: str, way: Any) -> None:
        self.house.shut_up(folder, way)

    @precondition(lambda self: self.has_disk and not self.is_troubled)
    @rule(after=then)
    @trouble
    def unplug(self) -> None:
        self.house.unplug()

    @precondition(lambda self: self.is_troubled)
    @rule(after=then)
    @relief
    def heal(self) -> None:
        self.house.heal()

    # And the end of it.

    @rule(seconds=st.sampled_from([0.2, 0.6, 1.2]))
    @step
    def wait(self, *, seconds: float) -> None:
        time.sleep(seconds)

    @rule()
    @relief
    def rest(self) -> None:
        self.house.rest()

    def _partner(self) -> Any:
        data = pictures.style(pictures.FINE[0])
        return self.house.ledger.other(data, "style of its own", partner=True)


def tell(machine: type[Stories], stories: int, steps: int) -> None:
    """Tell so many stories; none is told twice, since it would not be the same again."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=stories, stateful_step_count=steps, derandomize=not STORIES,
            database=None, phases=[Phase.generate], deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


class OnADisk(Stories):
    """Something is the matter with it now and then."""

    fixed: ClassVar[dict[str, Any]] = {"disk": True}


class FarAway(Stories):
    """What is taken is copied."""

    fixed: ClassVar[dict[str, Any]] = {"far": True}


@pytest.mark.parametrize("machine", [Stories, OnADisk, FarAway])
def test_each_photo_ends_exactly_once(machine: type[Stories]) -> None:
    tell(machine, STORIES or (3 if machine is Stories else 2), 40 if STORIES else 25)
    assert machine.troubles or machine is not OnADisk


@pytest.mark.parametrize("how", DAMAGES)
def test_a_journal_is_lost_while_photos_are_on_their_way(how: Damage) -> None:
    """As a story tells it by chance alone."""
    house = House(Plan())
    try:
        house.people.set_style("Waves", SLOW)
        house.start()
        for name in ("a.jpg", "b.jpg"):
            house.people.drop(house.ledger.photo("jpg"), "Waves", name)
        house.keeper.hear("job.started", 60.0)
        house.kill()
        house.lose_journal(how)
        house.rest()
    finally:
        house.close()


def test_a_disk_of_its_own_is_closed_in_each_way() -> None:
    """Without one, the daemon of a story is refused what it is about to do."""
    if why := why_not():
        pytest.skip(f"no story has a disk of its own: {why}")
    if missing := set(WAYS) - set(ways()):
        pytest.skip(f"nothing can be closed here in this way: {', '.join(missing)}")
    disk = Disk(own=True, ways=ways())
    try:
        for way in ("immutable", "mount"):
            disk.shut(disk.share, way)
            with pytest.raises(OSError, match=r"Read-only|not permitted"):
                (disk.share / "file").touch()
            disk.open_up()
            (disk.share / "file").touch()
    finally:
        disk.close()


@pytest.mark.weights
def test_and_so_it_does_with_the_real_engine(weights: Path) -> None:
    class Real(Stories):
        more = f"iterations = 3\n[engine]\nweights = '{weights.parent}'"

    tell(Real, max(STORIES // 20, 2), 10)
