"""Candidates in one form, and the turns in which they are taken."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from daemon.pairing import Candidate
from daemon.ready import Ready, Turns, stamp_of
from daemon.scanner import Sighting

PHOTO = Sighting(Path("Inbox/a.jpg"), 3, 5, 7)


def candidate(lane: str = "Waves", photo: Sighting = PHOTO) -> Candidate:
    style = Path("Styles/Waves.jpg")
    relative = PurePath(photo.path.name)
    return Candidate("style", lane, "Waves", photo, style, None, None, None, relative)


@pytest.mark.parametrize("change", ["size", "mtime_ns"])
def test_a_changed_file_makes_another_form(change: str) -> None:
    changed = candidate(photo=replace(PHOTO, **{change: 9}))
    assert Ready(changed, ((1, 1),)) != Ready(candidate(), ((1, 1),))


def test_a_changed_style_makes_another_form() -> None:
    one = Ready(candidate(), ((1, 1),))
    assert Ready(candidate(), ((1, 2),)) != one
    assert Ready(replace(candidate(), style=Path("Styles/Waves.png")), ((1, 1),)) != one
    assert Ready(replace(candidate(), style_sighting=PHOTO), ((1, 1),)) != one


def test_another_inode_alone_makes_no_other_form() -> None:
    copied = Ready(candidate(photo=replace(PHOTO, inode=9)), ((1, 1),))
    assert {Ready(candidate(), ((1, 1),)): "known"}[copied] == "known"
    assert copied.candidate.content.inode == 9


def test_the_stamp_of_a_style_changes_with_it(tmp_path: Path) -> None:
    style = tmp_path / "Waves.jpg"
    assert stamp_of(style) is None
    style.write_bytes(b"abc")
    os.utime(style, ns=(1, 2))
    assert stamp_of(style) == (3, 2)


def test_lanes_take_turns() -> None:
    names = [("Waves", "a"), ("Waves", "b"), ("Waves", "c"), ("Clouds", "d"), ("Stars", "e")]
    found = [candidate(lane, replace(PHOTO, path=Path(name))) for lane, name in names]
    turns = [one.content.path.name for one in Turns().order(found)]
    assert turns == ["a", "d", "e", "b", "c"]


def test_a_turn_that_a_lane_has_had_counts_at_the_next_look_too() -> None:
    turns = Turns()
    found = [candidate(lane, replace(PHOTO, path=Path(lane))) for lane in ("a", "b", "c", "d")]
    assert [one.lane for one in turns.order(found)] == ["a", "b", "c", "d"]
    for lane in ("b", "a"):
        turns.served(lane)
    assert [one.lane for one in turns.order(found)] == ["c", "d", "b", "a"]
    turns.order(found[1:])  # nothing of the first one waits: it begins anew
    assert [one.lane for one in turns.order(found)] == ["a", "c", "d", "b"]
