"""Who paints which photo, as it is told beside the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon import bulletin, easels
from daemon.bulletin import Bulletin
from daemon.easels import FILE, Easels
from daemon.journal import Journal
from daemon.runners.base import Started
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from tests.daemon.standins import picture
from tests.daemon.test_service import QUICK, House


def test_the_last_that_was_said_counts(tmp_path: Path) -> None:
    assert easels.read(tmp_path) == {}
    told = Easels(Bulletin(tmp_path))
    for painters in ({"a": "anna", "b": "graphics card\n1 \x1b"}, {"b": "Ünal"}, {}):
        told.say(painters)
        assert easels.read(tmp_path) == painters
    assert bulletin.read(tmp_path) == ""


def test_of_very_many_the_first_are_named(tmp_path: Path) -> None:
    many = {f"{number:032}": "painter \N{GRINNING FACE}" * 3 for number in range(1000)}
    Easels(Bulletin(tmp_path)).say(many)
    told = easels.read(tmp_path)
    assert 50 < len(told) < 1000
    assert list(told.items()) == list(many.items())[: len(told)]


def test_what_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    for text in ("{", "[1]", "no"):
        (tmp_path / FILE).write_text(text)
        assert easels.read(tmp_path) == {}


@dataclass
class Heard(House):
    """A house whose service is asked about beside it."""

    state: Path = Path()

    def more_parts(self) -> dict[str, Any]:
        return {"bulletin": Bulletin(self.state)}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Heard]:
    share, state = open_share(ShareSettings(root=tmp_path / "share")), tmp_path / "state"
    make_share(share)
    settings = Settings(watch=QUICK, paint=PaintSettings(preset="draft"))
    with closing(Journal(state / "journal.sqlite", time.time)) as journal:
        yield Heard(share, journal, settings, state=state)


def test_a_service_says_it_as_soon_as_one_has_begun(house: Heard) -> None:
    house.answer = lambda request: [Started(request.job_id, "anna")]
    (house.style() / "photo.jpg").write_bytes(picture())
    house.run_until(lambda: bool(easels.read(house.state)))
    (request,) = house.runners[0].requests
    assert easels.read(house.state) == {request.job_id: "anna"}
