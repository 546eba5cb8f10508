"""Which other shares were kept, and are kept now, with a journal beside this one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.locking import ShareLock
from daemon.marks import MEMORY, Marks
from daemon.neighbours import Neighbour, neighbours
from daemon.settings import ShareSettings
from daemon.share import make_share, open_share


def keep(root: Path, state: Path) -> None:
    share = open_share(ShareSettings(root=root))
    make_share(share)
    Marks(share, state).settle()


def test_those_that_are_kept_now_come_first(tmp_path: Path) -> None:
    states = tmp_path / "state"
    for name in ("a", "b", "mine"):
        keep(tmp_path / name, states / name)
    with ShareLock(states / "b"):
        found = neighbours(states / "mine")
    assert found == [Neighbour(tmp_path / "b", running=True), Neighbour(tmp_path / "a", False)]
    assert [str(one) for one in found] == [f"{tmp_path}/b (running)", f"{tmp_path}/a"]
    assert {one.running for one in neighbours(states / "mine")} == {False}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"root": 1}', '{"root": {"path": 1}}', "\xff"])
def test_what_is_no_state_folder_is_passed_over(tmp_path: Path, text: str) -> None:
    assert neighbours(tmp_path / "none" / "mine") == []
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / MEMORY).write_text(text, encoding="latin-1")
    assert neighbours(tmp_path / "mine") == []


def test_a_folder_that_is_closed_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")  # root may look into anything else
    assert neighbours(tmp_path / "loop" / "mine") == []
