"""Patience with a style ends only when it stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.patience import Patience
from tests.daemon.standins import Clock


@pytest.mark.parametrize("there", [True, False])
def test_it_ends_when_a_style_stays_as_it_is(tmp_path: Path, *, there: bool) -> None:
    clock, style = Clock(100.0), tmp_path / "Waves.jpg"
    if there:
        style.touch()
    patience = Patience(60.0, clock)
    assert not patience.doubts(style)
    assert not patience.is_over(style)
    assert patience.doubts(style)
    assert patience.ends(style) == 160.0
    clock.now = 159.0
    assert not patience.is_over(style)
    clock.now = 160.0
    assert patience.is_over(style)
    patience.forget(style)
    assert not patience.doubts(style)
    assert not patience.is_over(style)


@pytest.mark.parametrize(
    "change",
    [
        lambda style: style.write_bytes(b"more"),
        lambda style: os.utime(style, ns=(1, 1)),
        Path.unlink,
    ],
)
def test_it_begins_anew_when_the_style_changes(tmp_path: Path, change: object) -> None:
    assert callable(change)
    clock, style = Clock(100.0), tmp_path / "Waves.jpg"
    style.touch()
    patience = Patience(60.0, clock)
    patience.is_over(style)
    clock.now = 160.0
    change(style)
    assert not patience.is_over(style)
    assert patience.ends(style) == 220.0


def test_each_style_is_judged_by_itself(tmp_path: Path) -> None:
    clock = Clock(100.0)
    patience = Patience(60.0, clock)
    patience.is_over(tmp_path / "a.jpg")
    clock.now = 160.0
    assert not patience.is_over(tmp_path / "b.jpg")
    assert patience.is_over(tmp_path / "a.jpg")


def test_a_blend_is_judged_by_all_of_its_pictures(tmp_path: Path) -> None:
    clock, both = Clock(100.0), (tmp_path / "a.jpg", tmp_path / "b.jpg")
    patience = Patience(60.0, clock)
    assert not patience.is_over(*both)
    assert not patience.doubts(both[0])
    clock.now = 160.0
    assert patience.is_over(*both)
    both[1].touch()
    assert not patience.is_over(*both)
    assert patience.ends(*both) == 220.0
    patience.forget_all_but([both[0]])
    assert not patience.doubts(*both)


def test_without_any_it_is_over_at_once(tmp_path: Path) -> None:
    assert Patience(0.0, Clock(100.0)).is_over(tmp_path / "a.jpg")


def test_it_begins_anew_when_the_style_was_whole_meanwhile(tmp_path: Path) -> None:
    clock, style = Clock(100.0), tmp_path / "Waves.jpg"
    patience = Patience(60.0, clock)
    patience.is_over(style)
    style.touch()
    patience.seen_whole(style)
    assert patience.doubts(style)  # it has to be painted first
    style.unlink()
    clock.now = 1900.0
    assert not patience.is_over(style)


def test_those_that_have_gone_are_forgotten(tmp_path: Path) -> None:
    patience, here, gone = Patience(60.0, Clock()), tmp_path / "a.jpg", tmp_path / "b.jpg"
    for style in (here, gone):
        patience.is_over(style)
    patience.forget_all_but([here])
    assert (patience.doubts(here), patience.doubts(gone)) == (True, False)
