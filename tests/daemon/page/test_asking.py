"""What waits for people is named in part, and counted."""

from __future__ import annotations

from pathlib import Path, PurePath

from daemon.inbox_note import Few
from daemon.page.asking import asking, bad_styles, lonely, nearly_named
from daemon.page.board import MOST_ASKED, Asking, BadStyle, Lonely, NearlyNamed
from daemon.slips import Slip


def test_of_many_the_first_are_named() -> None:
    paths = tuple(PurePath(f"Trip/{number}.jpg") for number in range(20))
    told = asking(Few(paths, 10_000))
    assert told == Asking(tuple(f"Trip/{number}.jpg" for number in range(MOST_ASKED)), 10_000)


def test_what_goes_along_with_nothing_says_what_it_waits_for() -> None:
    paths = tuple(PurePath(f"Waves/{number}.mask.png") for number in range(20))
    told = lonely(Few(paths, 20))
    assert told[0] == Lonely("Waves/0.mask.png", "mask", "0")
    assert len(told) == MOST_ASKED


def test_styles_are_in_the_order_of_their_names() -> None:
    faults = {Path("/s/Waves.jpg"): "Torn.", Path("/s/Dots.jpg"): "Empty."}
    assert bad_styles(faults) == (BadStyle("Dots.jpg", "Empty."), BadStyle("Waves.jpg", "Torn."))
    assert len(bad_styles({Path(f"/s/{n}.jpg"): "Torn." for n in range(99)})) == MOST_ASKED


def test_folders_with_slips_are_named_in_their_order() -> None:
    assert nearly_named([Slip("Wavs", "No.")]) == (NearlyNamed("Wavs", "No."),)
    assert len(nearly_named([Slip("Wavs", "No.")] * 99)) == MOST_ASKED
