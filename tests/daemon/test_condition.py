"""One true line about the service, and no sign of life when a painting is silent for too long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.condition import Condition, longest_silence
from daemon.errors import JournalError
from daemon.jobs import NewJob
from daemon.journal import Journal
from daemon.obstacles import Aside, Obstacle
from daemon.runners.base import EngineUnavailable
from daemon.runners.exchange import Painting


@dataclass
class House:
    """A real journal; the parts beside it are what a test says they are."""

    journal: Journal
    now: float = 5000.0
    engine: Any = field(
        default_factory=lambda: SimpleNamespace(
            paintings=[], loading_since=None, unavailable=None, aside={}
        )
    )
    dispatcher: Any = field(default_factory=lambda: SimpleNamespace(trouble=""))
    endings: Any = field(default_factory=lambda: SimpleNamespace(pending=0, why=""))
    intake: Any = field(default_factory=lambda: SimpleNamespace(problem="", why="", staying=0))

    @cached_property
    def condition(self) -> Condition:
        return Condition(
            self.journal, self.engine, self.dispatcher, self.endings, self.intake,
            clock=lambda: self.now,
        )  # fmt: skip

    def queue(self, job_id: str, name: str = "Holiday/a.jpg", style: str = "Waves") -> None:
        files = (Path("claim/content"), Path("Styles/style"))
        self.journal.add(NewJob(job_id, style, style, PurePath(name), *files, None, "{}"))

    def paint(self, job_id: str, done: float = 0.0, size: int = 512) -> None:
        self.journal.start(job_id)
        self.engine.paintings.append(Painting(job_id, size, self.now, done))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as journal:
        yield House(journal)


def test_a_style_that_came_with_its_photo_is_not_called_by_its_file(house: House) -> None:
    files = (Path("claim/content.jpg"), Path("claim/style.jpg"))
    name = PurePath("Party/content.jpg")
    house.journal.add(NewJob("a", "", "style", name, *files, None, "{}"))
    house.paint("a")
    assert house.condition.line() == "Painting Party/content.jpg in its own style, 0 %"


def test_it_names_the_photo_how_far_it_is_and_how_many_wait(house: House) -> None:
    for number in range(4):
        house.queue(str(number))
    house.paint("0", 0.429)
    assert house.condition.line() == "Painting Holiday/a.jpg in Waves, 42 %; 3 wait"


def test_of_many_paintings_the_first_are_named(house: House) -> None:
    for number in range(5):
        house.queue(str(number), f"Holiday/{number}.jpg")
        house.paint(str(number), number / 10)
    assert house.condition.line() == (
        "Painting Holiday/0.jpg in Waves, 0 %, Holiday/1.jpg in Waves, 10 %, "
        "Holiday/2.jpg in Waves, 20 % and 2 more"
    )


def test_an_engine_that_is_set_aside_is_named_as_long_as_others_go_on(house: House) -> None:
    house.engine.aside = {"graphics card 1": "It died 3 times.", "graphics card 4": "No such card."}
    line = "graphics card 1 (and 1 more) is set aside: It died 3 times"
    assert house.condition.line() == f"Idle; {line}"
    assert house.condition.in_the_way() == line
    assert house.condition.obstacles() == ()  # the others go on
    assert house.condition.aside == (
        Aside("graphics card 1", "It died 3 times"), Aside("graphics card 4", "No such card"),
    )  # fmt: skip
    house.engine.unavailable = EngineUnavailable("weights", "Fetch them.")
    assert house.condition.obstacles() == (Obstacle("Fetch them", "weights"),)
    assert house.condition.aside == ()


def test_of_several_painters_it_is_known_who_has_which_photo(house: House) -> None:
    house.engine.paintings = [
        Painting("a", 512, 0.0, engine="anna"), Painting("b", 512, 0.0), Painting("c", 512, 0.0),
    ]  # fmt: skip
    assert house.condition.painters == {"a": "anna"}


def test_the_name_of_a_painter_that_is_set_aside_is_told_once(house: House) -> None:
    house.engine.aside = {"bert": "bert: It has other weights."}
    assert house.condition.line() == "Idle; bert is set aside: It has other weights"


def test_a_step_that_is_overdue_by_far_is_told_of(house: House) -> None:
    house.queue("0")
    house.paint("0", 0.429)
    house.now += 230
    assert house.condition.line() == "Painting Holiday/a.jpg in Waves, 42 %"
    house.now += 10
    assert house.condition.line() == "Painting Holiday/a.jpg in Waves, 42 %, no step for 4 minutes"
    house.engine.paintings[0].size = 4096  # whose steps take as long
    assert house.condition.line() == "Painting Holiday/a.jpg in Waves, 42 %"
    house.engine.paintings[0].heard_at = house.now
    assert "no step" not in house.condition.line()


def test_a_name_cannot_do_harm(house: House) -> None:
    house.queue("0", "a\nREADY=1.jpg", "Wa\x1bves")
    house.paint("0", 1.0)
    assert house.condition.line() == r"Painting a\x0aREADY=1.jpg in Wa\x1bves, 100 %"


def test_nothing_to_do_is_idle(house: House) -> None:
    assert house.condition.line() == "Idle"
    house.condition.remark = "the old settings are kept: No such name."
    assert house.condition.line() == "Idle; the old settings are kept: No such name."


def test_it_says_why_nothing_is_painted(house: House) -> None:
    house.queue("0")
    assert house.condition.line() == "1 waits"
    house.dispatcher.trouble = "The photo cannot be read just now (gone)."
    assert house.condition.line() == (
        "Nothing is painted: The photo cannot be read just now (gone); 1 waits"
    )
    house.intake.problem = "The drive is away."
    assert house.condition.line() == "Nothing is painted: The drive is away; 1 waits"
    house.engine.unavailable = EngineUnavailable("weights", "Fetch them.")
    assert house.condition.line() == "Nothing is painted: Fetch them; 1 waits"
    house.engine.loading_since = 1.0
    assert house.condition.line() == "The engine is loading; 1 waits; Fetch them"
    house.engine.unavailable = None
    assert house.condition.line() == "The engine is loading; 1 waits"


def test_it_tells_of_results_that_no_folder_takes(house: House) -> None:
    house.endings.pending = 2
    assert house.condition.line() == "2 cannot be put where they belong yet"
    house.endings.why = "The disk is full."
    told = "2 cannot be put where they belong yet: The disk is full"
    assert house.condition.line() == house.condition.in_the_way() == told


def test_it_tells_of_photos_that_cannot_be_moved(house: House) -> None:
    house.intake.staying = 1
    assert house.condition.line() == "Idle; 1 photo stays in the inbox, which cannot be moved"
    house.intake.staying = 2
    told = "2 photos stay in the inbox, which cannot be moved"
    assert house.condition.in_the_way() == told


def test_what_is_in_the_way_is_told_beside_what_is_painted(house: House) -> None:
    assert house.condition.in_the_way() == ""
    house.queue("0")
    house.paint("0")
    house.condition.trouble = "The drive is away."
    house.intake.problem = "The inbox is shut."
    told = house.condition.line()
    assert told == "Painting Holiday/a.jpg in Waves, 0 %; The drive is away"
    house.engine.paintings.clear()
    assert house.condition.line() == "Nothing is painted: The drive is away"
    assert house.condition.in_the_way() == "The drive is away"


def test_a_journal_that_cannot_be_read_is_the_reason(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> dict[str, int]:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(house.journal, "waiting", refuse)
    assert house.condition.line() == "Nothing is painted: The disk is full."


def test_a_painting_may_be_silent_for_as_long_as_its_size_takes(house: House) -> None:
    house.queue("0")
    house.paint("0", size=4096)
    assert house.condition.advances()
    house.now += longest_silence(4096) - 1
    assert house.condition.advances()
    house.now += 2
    with capture_logs() as logs:
        assert not house.condition.advances()
        assert not house.condition.advances()
    assert [(line["event"], line["job"]) for line in logs] == [("engine.not_begun", "0")]
    house.engine.paintings[0].heard_at = house.now
    assert house.condition.advances()


def test_each_of_several_silent_paintings_is_told_once(house: House) -> None:
    for name in "012":
        house.queue(name)
        house.paint(name, size=512)
    house.now += longest_silence(512) + 1
    house.engine.paintings[1].heard_at = house.now
    house.engine.paintings[2].has_begun = True
    with capture_logs() as logs:
        assert not house.condition.advances()
        assert not house.condition.advances()
    assert [one.job_id for one in house.condition.silent] == ["0", "2"]
    told = [(line["event"], line["job"]) for line in logs]
    assert told == [("engine.not_begun", "0"), ("engine.silent", "2")]


def test_the_bound_leaves_room_for_a_step_of_the_largest_pictures() -> None:
    # Measured with two cores: 220 s a step at 4096x3072 in twenty tiles.
    assert longest_silence(4096) > 10 * 220
    assert longest_silence(256) >= 900
    assert longest_silence(8192) < 4 * 3600


def test_an_engine_may_load_for_long_but_not_for_ever(house: House) -> None:
    assert not house.condition.loads()
    house.engine.loading_since = house.now
    assert house.condition.loads()
    house.now += 3600
    assert not house.condition.loads()


def test_an_engine_that_is_tried_again_and_again_does_not_put_off_the_end_of_the_start(
    house: House,
) -> None:
    house.engine.unavailable = EngineUnavailable("engine", "It hangs.")
    house.engine.loading_since = house.now
    assert not house.condition.loads()
    house.engine.unavailable = None
    assert house.condition.loads()


def test_a_photo_that_cannot_be_taken_is_told_of_with_the_reason(house: House) -> None:
    house.intake.why = "Waves/a.jpg could not be taken (Permission denied)."
    assert house.condition.line() == house.intake.why.rstrip(".")
    assert house.condition.in_the_way() == house.intake.why.rstrip(".")
    house.endings.pending, house.endings.why = 1, "No room."
    assert house.condition.in_the_way() == (
        "1 cannot be put where they belong yet: No room; "
        "Waves/a.jpg could not be taken (Permission denied)"
    )


def test_each_obstacle_says_whose_fault_it_is(house: House) -> None:
    assert house.condition.obstacles() == ()
    house.engine.unavailable = EngineUnavailable("weights", "Fetch them.")
    house.condition.trouble, house.intake.staying = "The drive is away.", 1
    stays = Obstacle("1 photo stays in the inbox, which cannot be moved")
    assert house.condition.obstacles() == (Obstacle("Fetch them", "weights"), stays)
    house.engine.unavailable = None
    assert house.condition.obstacles() == (Obstacle("The drive is away"), stays)
